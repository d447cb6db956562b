"""Words are packed as FINN packs them, digit for digit, and refused as FINN refuses them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fpgacomp.engines.finn.packing import _word, quick_packing
from fpgacomp.engines.finn.runtime import finn_session

pytest.importorskip("finn", reason="FINN is not installed")
TYPES = ("BIPOLAR", "BINARY", "TERNARY", "INT2", "UINT3", "INT8", "UINT13", "INT24", "UINT24",
         "INT32", "UINT40", "FLOAT32", "FIXED<8,4>")  # fmt: skip


def packed(*arguments: Any, **options: Any) -> str:
    """What FINN returns, or how it refuses."""
    from finn.util import data_packing

    try:
        return str(data_packing.array2hexstring(*arguments, **options))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def cases(name: str, rng: np.random.Generator) -> list[tuple[Any, int, bool]]:
    """(values, bits of a word, reversed), a few of which FINN refuses."""
    from qonnx.core.datatype import DataType

    dtype = DataType[name]
    low, high, bits = int(dtype.min()), int(dtype.max()), dtype.bitwidth()
    made: list[tuple[Any, int, bool]] = []
    for count in (0, 1, 3, 17):
        values = rng.integers(max(low, -(1 << 23)), min(high, 1 << 23), count, endpoint=True)
        if name == "BIPOLAR":
            values = 2 * (values > 0) - 1
        if name in ("FLOAT32", "FIXED<8,4>"):
            values = np.clip(values, -8, 7)
        for spare in (0, 1, 2, 4, 9, 12, -1):
            made.append((values.astype(np.float32), count * bits + spare, bool(spare % 2)))
    ends = [low, high] if name != "FLOAT32" else [0, 1]
    made += [(ends, 2 * bits + (-2 * bits) % 4, reverse) for reverse in (False, True)]
    # Beyond either end, between two values, no number, two dimensions.
    wrong = ([ends[1] + 1], [ends[0] - 1], [0.5], [np.nan], [[1, 1]])
    return made + [(values, 4 * bits, False) for values in wrong]


@pytest.mark.parametrize("name", TYPES)
def test_every_word_is_finns(name: str) -> None:
    from qonnx.core.datatype import DataType

    made = cases(name, np.random.default_rng(len(name)))
    wanted = [packed(v, DataType[name], bits, reverse=back) for v, bits, back in made]
    with quick_packing():
        found = [packed(v, DataType[name], bits, reverse=back) for v, bits, back in made]
        assert packed([1], DataType["UINT2"], 8, prefix="") == "01"
    assert found == wanted
    assert any(word.startswith("0x") for word in found)


def test_integers_take_the_quick_way_within_a_session_alone() -> None:
    with finn_session():
        from finn.util import data_packing
        from qonnx.core.datatype import DataType

        quick = data_packing.array2hexstring
        assert quick.__module__ == "fpgacomp.engines.finn.packing"
        values = np.float32([1, -2, 3])
        assert _word(values, DataType["INT4"], 16, False) == "01e3"
        assert _word(values, DataType["INT2"], 16, False) is None
    assert data_packing.array2hexstring.__module__ == "finn.util.data_packing"
