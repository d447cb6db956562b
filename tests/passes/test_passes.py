"""Every pass keeps the function on random networks."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Input, Layer, MaxPool, Tensor, Thresholds
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.lower import lower
from fpgacomp.network.canonical import Network
from fpgacomp.passes import pool_before_activation, variants
from tests.support.random_networks import random_network


def lowered(seed: int) -> Graph | None:
    """A random network's integers; None where lowering refuses it, as it may."""
    model = random_network(np.random.default_rng(seed), size=5)
    try:
        return lower(Network("n", model, model, "qonnx", "n.onnx", "")).graph
    except UnsupportedLayer:
        return None


@pytest.mark.slow
def test_every_variant_gives_the_same_integers() -> None:
    graphs = [graph for seed in range(60) if (graph := lowered(seed)) is not None]
    assert len(graphs) > 50
    assert any(len(variants(graph)) > 1 for graph in graphs)
    for seed, graph in enumerate(graphs):
        inputs = integer_vectors(graph, 40, seed)
        expected = interpreter.run(graph, inputs)
        for variant in variants(graph):
            got = interpreter.run(variant, inputs)
            assert {tensor.name for tensor in variant.outputs} <= set(got)
            for name in set(got) & set(expected):
                assert np.array_equal(got[name], expected[name]), name


def pooled(step: int, pads: tuple[tuple[int, int], ...] = ((0, 0), (0, 0))) -> Graph:
    layers: list[Layer] = [Input(name="x", output=Tensor("x", (4, 4, 2), IntType(-8, 7)))]
    act = with_output(
        Thresholds(name="act1", output=unknown_output("act1"), input=layers[0].output,
                   thresholds=Ints([[-2, 0, 3]]), base=Ints([0]), step=Ints([step]))
    )  # fmt: skip
    pool = with_output(
        MaxPool(name="pool1", output=unknown_output("pool1"), input=act.output,
                kernel=(2, 2), strides=(2, 2), pads=pads)
    )  # fmt: skip
    return Graph("g", (*layers, act, pool), (pool.output,))


def test_pool_moves_in_front_of_a_rising_activation() -> None:
    moved = pool_before_activation(pooled(1))
    assert [layer.name for layer in moved.layers] == ["x", "pool1", "act1"]
    assert moved.outputs == pooled(1).outputs


@pytest.mark.parametrize("graph", [pooled(-1), pooled(1, ((1, 1), (0, 0)))])
def test_pool_stays_where_order_matters(graph: Graph) -> None:
    assert pool_before_activation(graph) == graph
