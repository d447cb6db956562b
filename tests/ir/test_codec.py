"""graph.json loses nothing."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.errors import FpgacompError, InvalidGraph, ModelError, UnsupportedLayer
from fpgacomp.ir import codec
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Dense, Input, Tensor
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.ir.verify import verify
from fpgacomp.lower import lower
from fpgacomp.network.canonical import Network
from tests.support.random_networks import random_network


@pytest.mark.slow
def test_random_graphs_come_back_equal() -> None:
    count = 0
    for seed in range(60):
        model = random_network(np.random.default_rng(seed), size=6)
        try:
            graph = lower(Network("n", model, model, "qonnx", "n.onnx", "")).graph
        except UnsupportedLayer:
            continue
        text = codec.to_json(graph)
        assert codec.from_json(text) == graph
        assert codec.to_json(codec.from_json(text)) == text
        count += 1
    assert count > 50


@pytest.mark.parametrize("text", ["", "{}", '{"format": 99}', '{"format": 1, "name": "x"}'])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match="no integer graph"):
        codec.from_json(text)


def dense(weight: np.ndarray, hi: int = 7) -> Graph:
    source = Input(name="x", output=Tensor("x", (3,), IntType(0, hi)))
    layer = Dense(name="y", output=unknown_output("y"), input=source.output, weight=Ints(weight))
    return Graph("g", (source, with_output(layer)), (with_output(layer).output,))


def test_graphs_compare_by_content() -> None:
    assert dense(np.eye(3)) == dense(np.eye(3))
    assert dense(np.eye(3)) != dense(2 * np.eye(3))
    assert hash(Ints([1, 2])) == hash(Ints(np.array([1, 2])))


def test_verify_names_layer_rule_and_pass() -> None:
    graph = dense(np.eye(3))
    source, layer = graph.layers
    assert isinstance(layer, Dense)
    narrow = Dense(name="y", output=Tensor("y", (3,), IntType(0, 3)), input=layer.input,
                   weight=layer.weight)  # fmt: skip
    with pytest.raises(InvalidGraph, match=r"g\.y: is typed uint2.* but reaches .*after my_pass"):
        verify(Graph("g", (source, narrow), (narrow.output,)), after="my_pass")
    with pytest.raises(InvalidGraph, match="no earlier layer writes"):
        verify(Graph("g", (layer,), (layer.output,)))
    with pytest.raises(FpgacompError, match="two layers have this name"):
        verify(Graph("g", (source, layer, layer), (layer.output,)))
