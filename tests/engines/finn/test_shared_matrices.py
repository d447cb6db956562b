"""A matrix that shares additions has no operator in FINN: how it is folded there."""

from __future__ import annotations

import pytest

from fpgacomp.engines.finn.graph import in_luts
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.layers.matrix import MatrixRules
from fpgacomp.ir.graph import Graph
from tests.support import builders


def one_matrix(inputs: int, outputs: int) -> Graph:
    """A Dense layer with weights of two bits."""
    made = builders.GraphBuilder()
    return made.graph(made.dense("dense", made.input("x", (inputs,), -1, 1), outputs, -1, 1))


@pytest.mark.parametrize(
    ("inputs", "outputs", "products"), [(64, 64, 2048), (64, 63, 4032), (128, 64, 2048)]
)
def test_it_is_unfolded_as_far_as_finn_generates_code(
    inputs: int, outputs: int, products: int
) -> None:
    graph = one_matrix(inputs, outputs)
    rules = rules_of(graph.by_name["dense"])
    assert isinstance(rules, MatrixRules)
    design = StreamDesign(
        graph=graph, board=builders.BOARD, clock_mhz=100.0, folding={"dense": rules.unfolded}
    )
    found = in_luts(design, "dense", rules.unfolded)
    assert found.arithmetic == "lut" and not rules.why_illegal(found)
    assert found.pe * found.simd == products and 2 * products <= 8191


def test_other_foldings_stay() -> None:
    graph = one_matrix(8, 8)
    folding = StreamFolding(2, 4, "bram", "lut")
    design = StreamDesign(
        graph=graph, board=builders.BOARD, clock_mhz=100.0, folding={"dense": folding}
    )
    assert in_luts(design, "dense", folding) is folding
