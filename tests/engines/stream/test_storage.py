"""What is emitted for `auto` is what the estimate counts."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.engines.stream.emit.tables import banks, rom
from fpgacomp.engines.stream.estimate.memory import buffer_terms, rom_terms
from fpgacomp.engines.stream.storage import buffer_storage, table_storage
from fpgacomp.ir.types import IntType

KIND = IntType(0, 15)


@pytest.mark.parametrize("depth", [2, 64, 128, 129, 5000])
def test_a_table_states_the_memory_that_is_counted(depth: int) -> None:
    values = np.zeros((depth, 8), dtype=np.int64)
    chosen = rom("t", "T.", values, KIND, "auto").storage
    assert chosen == banks("t", "T.", values.T, KIND, "auto").storage
    counted = rom_terms(8 * 4, depth, "auto")
    assert chosen == ("bram" if counted["bram18"] else "lutram")
    assert table_storage("uram", depth) == "uram"


def test_a_single_row_is_wires() -> None:
    assert rom("t", "T.", np.zeros((1, 8), dtype=np.int64), KIND, "bram").storage == "auto"
    assert not any(rom_terms(32, 1, "auto").values())


@pytest.mark.parametrize(
    ("width", "depth", "storage"),
    [(8, 4, "registers"), (8, 5, "lutram"), (400, 32, "lutram"), (8, 128, "lutram"),
     (8, 129, "bram"), (64, 1000, "bram")],
)  # fmt: skip
def test_a_buffer_states_the_memory_that_is_counted(width: int, depth: int, storage: str) -> None:
    assert buffer_storage(width, depth) == storage
    counted = buffer_terms(width, depth)
    assert bool(counted["bram18"]) == (storage == "bram")
    assert ("ram" in counted["lut"]) == (storage == "lutram")
