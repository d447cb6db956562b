"""The reference on whole networks of other people's making."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from fpgacomp.evidence.reference.network import Reference, execute
from tests.support.paths import MODELS

pytestmark = pytest.mark.skipif(not MODELS.is_dir(), reason=f"no {MODELS.name} beside the project")
QUANTIZED = ["jet_tagging_qkeras", "tfc_2w2a_brevitas", "kws_mlp_w3a3"]
FLOAT = ["conv2d_small_keras", "two_layer_pytorch"]


def load(name):
    model = onnx.load(MODELS / f"{name}.onnx")
    for tensor in [*model.graph.input, *model.graph.output]:
        if len(tensor.type.tensor_type.shape.dim) > 1 and tensor.name not in {
            i.name for i in model.graph.initializer
        }:
            tensor.type.tensor_type.shape.dim[0].dim_value = 1
    for node in model.graph.node:
        if node.domain:
            node.domain = "qonnx.custom_op.general"
    return model


def samples(model, count):
    name, shape = next(iter(Reference(model).inputs.items()))
    values = np.random.default_rng(3).uniform(0, 1, (count, *shape[1:]))
    return name, values.astype(np.float32)


@pytest.mark.parametrize("name", FLOAT)
def test_float_models_equal_onnxruntime(name):
    model = load(name)
    tensor, x = samples(model, 20)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    expected = np.concatenate([session.run(None, {tensor: one[None]})[0] for one in x])
    got = execute(model, {tensor: x})[model.graph.output[0].name]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Output shapes disagree")
@pytest.mark.parametrize("name", QUANTIZED)
def test_quantized_models_equal_qonnx(name):
    """One sample at a time, since qonnx takes the shapes in the file as they are."""
    oxe = pytest.importorskip("qonnx.core.onnx_exec", reason="needs qonnx")
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes

    model = load(name)
    tensor, x = samples(model, 6)
    wrapper = ModelWrapper(model).transform(InferShapes())
    output = model.graph.output[0].name
    expected = np.concatenate([oxe.execute_onnx(wrapper, {tensor: one[None]})[output] for one in x])
    got = execute(model, {tensor: x})[output]
    assert got.shape == expected.shape
    close = np.isclose(got, expected, rtol=1e-4, atol=1e-5).all(axis=-1)
    # A value at a rounding boundary may fall to the other side in float32: rarely, not always.
    assert close.mean() >= 0.8, np.abs(got - expected).max()


@pytest.mark.parametrize("name", [*QUANTIZED, *FLOAT])
def test_batched_equals_one_by_one(name):
    model = load(name)
    tensor, x = samples(model, 5)
    output = model.graph.output[0].name
    together = execute(model, {tensor: x})[output]
    single = np.concatenate([execute(model, {tensor: one[None]})[output] for one in x])
    np.testing.assert_allclose(together, single, rtol=1e-9, atol=1e-9)
