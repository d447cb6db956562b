"""The collected real networks, canonical and as read, compute the same."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from fpgacomp.frontend import facts, read_network
from fpgacomp.network.editable import EditableGraph
from tests.support.frontend_runs import MODELS, execute

NAMES = (
    "conv2d_small_keras",
    "jet_tagging_qkeras",
    "kws_mlp_w3a3",
    "tfc_2w2a_brevitas",
    "two_layer_pytorch",
)
# Multiplications and weights (with biases and normalisations), counted by hand.
MACS = {"jet_tagging_qkeras": 16 * 64 + 64 * 32 + 32 * 32 + 32 * 5, "two_layer_pytorch": 352}

pytestmark = pytest.mark.skipif(not MODELS.is_dir(), reason="the collected models are not here")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_canonical_network_equals_the_original(name: str) -> None:
    network = read_network(MODELS / f"{name}.onnx")
    onnx.checker.check_model(network.model)
    (value,) = network.model.graph.input
    shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
    assert shape[0] == 1
    rng = np.random.default_rng(1)
    for _ in range(8):
        x = rng.uniform(-1, 1, shape).astype(np.float32)
        (expected,), (found,) = execute(network.original, x), execute(network.model, x)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_has_a_shape_and_no_initializer_is_an_input(name: str) -> None:
    model = read_network(MODELS / f"{name}.onnx").model
    known = {v.name for v in (*model.graph.value_info, *model.graph.output)}
    assert {out for n in model.graph.node for out in n.output} <= known
    constants = {tensor.name for tensor in model.graph.initializer}
    assert not constants & {value.name for value in model.graph.input}
    graph = EditableGraph.from_model(model)
    assert all(name in graph.constants for n in graph.nodes for name in n.inputs[2:] if name)


@pytest.mark.parametrize("name", sorted(MACS))
def test_facts_count_multiplications(name: str) -> None:
    assert facts(read_network(MODELS / f"{name}.onnx")).macs == MACS[name]


def test_reading_is_the_same_every_time() -> None:
    path = MODELS / "tfc_2w2a_brevitas.onnx"
    first, second = read_network(path), read_network(path)
    assert first.model.SerializeToString(deterministic=True) == second.model.SerializeToString(
        deterministic=True
    )


def test_a_frozen_batch_is_told() -> None:
    network = read_network(MODELS / "two_layer_pytorch.onnx")
    assert network.warnings == ("The batch size 789444 frozen into 0 was made 1.",)
