"""Ranges are exact whatever their width: they never wrap, and what is too wide is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.infer import output_type, unknown_output
from fpgacomp.ir.layers import Add, Dense, SumPool, Tensor
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.lower.builder import GraphBuilder, NetworkIndex
from tests.support.random_networks import random_network

wide = st.integers(-(1 << 80), 1 << 80)
whole = st.integers(-(1 << 62), 1 << 62)


def tensor(name: str, ends: list[int]) -> Tensor:
    return Tensor(name, (len(ends) // 2,), IntType(min(ends), max(ends)))


@pytest.mark.slow
@given(st.lists(wide, min_size=4, max_size=4), st.lists(whole, min_size=2, max_size=2))
def test_products_of_any_width(ends: list[int], weights: list[int]) -> None:
    layer = Dense(name="d", output=unknown_output("d"), input=tensor("x", ends),
                  weight=Ints(np.array(weights).reshape(2, 1)))  # fmt: skip
    lo, hi = layer.input.type.lo, layer.input.type.hi
    found = output_type(layer)
    assert found.lo == sum(min(w * lo, w * hi) for w in weights)
    assert found.hi == sum(max(w * lo, w * hi) for w in weights)


@pytest.mark.slow
@given(st.lists(wide, min_size=2, max_size=2), st.lists(wide, min_size=2, max_size=2), whole, whole)
def test_sums_of_any_width(a: list[int], b: list[int], m_a: int, m_b: int) -> None:
    layer = Add(name="s", output=unknown_output("s"), a=tensor("a", a), b=tensor("b", b),
                multiplier_a=Ints([m_a]), multiplier_b=Ints([m_b]))  # fmt: skip
    found = output_type(layer)
    assert found.lo == min(m_a * e for e in a) + min(m_b * e for e in b)
    assert found.hi == max(m_a * e for e in a) + max(m_b * e for e in b)


@given(st.lists(wide, min_size=2, max_size=2))
def test_pools_of_any_width(ends: list[int]) -> None:
    image = Tensor("x", (4, 4, 1), IntType(min(ends), max(ends)))
    layer = SumPool(name="p", output=unknown_output("p"), input=image, kernel=(2, 2),
                    strides=(2, 2), pads=((0, 0), (0, 0)))  # fmt: skip
    assert output_type(layer) == IntType(4 * min(ends), 4 * max(ends))


def test_what_is_wider_than_a_graph_carries_is_refused() -> None:
    builder = GraphBuilder(NetworkIndex(random_network(np.random.default_rng(0))))
    layer = Dense(name="d", output=unknown_output("d"), input=tensor("x", [0, 1 << 40, 0, 1]),
                  weight=Ints(np.full((2, 1), 1 << 40)))  # fmt: skip
    with pytest.raises(UnsupportedLayer, match=r"d: its results need \d+ bits; at most 62"):
        builder.add(layer)
