"""The software side and the float32 network: batches, dtypes, errors."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from fpgacomp.errors import InputDataError, ToolError
from fpgacomp.evidence import software
from fpgacomp.evidence.reference.network import execute
from fpgacomp.evidence.software import (
    float32_outputs,
    to_integers,
    to_network_outputs,
    top1_agreement,
    with_free_batch,
)
from tests.support.paths import MODELS
from tests.support.random_networks import random_inputs, random_network


def model_of(nodes, shape, constants=(), *, inputs=TensorProto.FLOAT, outputs=TensorProto.FLOAT,
             names=("x", "y"), out_shape=None):  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "side",
        [helper.make_tensor_value_info(names[0], inputs, shape)],
        [helper.make_tensor_value_info(names[1], outputs, out_shape or shape)],
        [onnx.numpy_helper.from_array(value, name) for name, value in dict(constants).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def to_int_model():
    nodes = [
        helper.make_node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE),
        helper.make_node("Round", ["d"], ["r"]),
        helper.make_node("Cast", ["r"], ["t_int"], to=TensorProto.INT64),
    ]
    return model_of(nodes, ["N", 3], outputs=TensorProto.INT64, names=("x", "t_int"))


def test_inputs_become_integers_under_the_tensors_own_name(monkeypatch):
    monkeypatch.setattr(software, "_BATCH", 4)
    x = np.random.default_rng(0).normal(size=(11, 3)).astype(np.float32) * 5
    got = to_integers(to_int_model(), {"x": x})
    assert set(got) == {"t"}
    assert got["t"].dtype == np.int64
    np.testing.assert_array_equal(got["t"], np.rint(x))


def test_integers_become_outputs():
    nodes = [
        helper.make_node("Cast", ["t_int"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["f", "target"], ["y"]),
    ]
    after = model_of(
        nodes, [1, 4], {"target": np.asarray([1, 2, 2])}, inputs=TensorProto.INT64,
        names=("t_int", "y"), out_shape=[1, 2, 2],
    )  # fmt: skip
    x = np.arange(12).reshape(3, 4)
    got = to_network_outputs(after, {"t": x})["y"]
    np.testing.assert_array_equal(got, x.reshape(3, 2, 2))


def test_bad_inputs_are_one_sentence():
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(InputDataError, match="x: no values were given"):
        to_integers(to_int_model(), {"z": x})
    with pytest.raises(InputDataError, match=r"got shape \(2, 2\), expected \[N, \(3,\)\]"):
        to_integers(to_int_model(), {"x": x[:, :2]})
    x[1, 1] = np.nan
    with pytest.raises(InputDataError, match="NaN or infinity"):
        to_integers(to_int_model(), {"x": x})


def test_a_software_side_that_does_not_run_is_a_tool_error():
    broken = model_of([helper.make_node("NoSuchOperator", ["x"], ["y"])], ["N", 3])
    with pytest.raises(ToolError, match="ONNX Runtime"):
        to_integers(broken, {"x": np.zeros((1, 3))})


@pytest.mark.parametrize("target", [[1, 12], [1, -1], [-1, 12]])
def test_a_frozen_batch_is_freed(target):
    nodes = [helper.make_node("Reshape", ["x", "t"], ["r"]), helper.make_node("Relu", ["r"], ["y"])]
    model = model_of(nodes, [1, 4, 3], {"t": np.asarray(target)}, out_shape=[1, 12])
    x = np.random.default_rng(0).normal(size=(9, 4, 3)).astype(np.float32)
    got = float32_outputs(model, {"x": x})
    np.testing.assert_array_equal(got.outputs["y"], np.maximum(x, 0).reshape(9, 12))
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    assert with_free_batch(model).graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_a_network_that_needs_its_batch_of_one_runs_one_by_one():
    """Flatten from axis 0 takes the batch along: right only for one sample at a time."""
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"], axis=0),
        helper.make_node("MatMul", ["f", "w"], ["y"]),
    ]
    w = np.random.default_rng(1).normal(size=(12, 2)).astype(np.float32)
    model = model_of(nodes, [1, 4, 3], {"w": w}, out_shape=[1, 2])
    x = np.random.default_rng(0).normal(size=(9, 4, 3)).astype(np.float32)
    got = float32_outputs(model, {"x": x}).outputs["y"]
    np.testing.assert_allclose(got, x.reshape(9, 12) @ w, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_quantized_networks_answer_in_float32():
    for seed in range(40):
        model = random_network(np.random.default_rng(seed), size=4)
        inputs = random_inputs(model, np.random.default_rng(seed), 30)
        got, exact = float32_outputs(model, inputs).outputs, execute(model, inputs)
        for name, values in got.items():
            assert values.shape == exact[name].shape
            assert values.dtype in (np.float32, np.int64), (seed, name)


def test_what_cannot_run_has_a_reason():
    node = helper.make_node("Mystery", ["x"], ["y"], domain="somewhere.else", name="odd_one")
    got = float32_outputs(model_of([node], ["N", 3]), {"x": np.zeros((1, 3))})
    assert got.outputs is None
    assert "odd_one" in got.reason and "Mystery" in got.reason


def test_top1_agreement():
    a = {"y": np.asarray([[1.0, 2, 0], [5, 1, 1], [0, 0, 9], [3, 2, 1]])}
    b = {"y": np.asarray([[0.0, 2, 1], [4, 1, 1], [9, 0, 8], [3, 2, 1]])}
    assert top1_agreement(a, b) == 0.75
    assert top1_agreement({"y": np.asarray([[1], [2]])}, {"y": np.asarray([[1], [3]])}) == 0.5
    assert top1_agreement({"y": np.ones((4, 1))}, {"y": np.ones((4, 1))}) is None
    assert top1_agreement({"y": a["y"]}, {"z": b["y"]}) is None
    pixels = {"y": np.arange(24.0).reshape(2, 3, 2, 2)}
    assert top1_agreement(pixels, pixels) is None
    assert top1_agreement({"y": pixels["y"][:, :, :1, :1]}, {"y": pixels["y"][:, :, :1, :1]}) == 1


@pytest.mark.slow
@pytest.mark.skipif(not MODELS.is_dir(), reason="no shared models beside the project")
@pytest.mark.filterwarnings("ignore:Output shapes disagree")
@pytest.mark.parametrize("name", ["jet_tagging_qkeras", "tfc_2w2a_brevitas", "kws_mlp_w3a3"])
def test_float32_equals_qonnx_on_published_models(name):
    """What we call float32 is what qonnx computes, bar the order in which sums are taken."""
    oxe = pytest.importorskip("qonnx.core.onnx_exec", reason="needs qonnx")
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes

    model = onnx.load(MODELS / f"{name}.onnx")
    for node in model.graph.node:
        node.domain = "qonnx.custom_op.general" if node.domain else ""
    first = next(i for i in model.graph.input)
    shape = [d.dim_value for d in first.type.tensor_type.shape.dim]
    x = np.random.default_rng(3).uniform(0, 1, (12, *shape[1:])).astype(np.float32)
    wrapper = ModelWrapper(model).transform(InferShapes())
    output = model.graph.output[0].name
    expected = np.concatenate(
        [oxe.execute_onnx(wrapper, {first.name: one[None]})[output] for one in x]
    )
    got = float32_outputs(model, {first.name: x}).outputs
    assert got[output].dtype == np.float32
    same = np.isclose(got[output], expected, rtol=1e-4, atol=1e-5).all(axis=1)
    assert same.mean() >= 0.9
    assert top1_agreement(got, {output: expected}) >= 0.9
