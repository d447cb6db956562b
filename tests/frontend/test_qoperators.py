"""ONNX Runtime's QOperator format: operators on codes are read as what they stand for."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.frontend.read import check, read_network
from tests.support.frontend_runs import execute, ops
from tests.support.whole_runs import answers, assert_exact, random_inputs


def float_network() -> onnx.ModelProto:
    """Conv, Relu, MaxPool, a residual sum, a mean and a Gemm."""
    rng = np.random.default_rng(5)
    arrays = {
        "w": rng.normal(size=(4, 2, 3, 3)) / 4, "b": rng.normal(size=4) / 4,
        "u": rng.normal(size=(4, 4, 1, 1)) / 2, "g": rng.normal(size=(3, 16)) / 4,
        "h": rng.normal(size=3) / 4,
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p", "u"], ["d"], kernel_shape=[1, 1]),
        helper.make_node("Add", ["p", "d"], ["a"]),
        helper.make_node("Sigmoid", ["a"], ["s"]),
        helper.make_node("AveragePool", ["s"], ["m"], kernel_shape=[2, 2], strides=[1, 1]),
        helper.make_node("Concat", ["m", "m"], ["k"], axis=1),
        helper.make_node("GlobalAveragePool", ["k"], ["v"]),
        helper.make_node("Flatten", ["v"], ["f"]),
        helper.make_node("Concat", ["f", "f"], ["ff"], axis=1),
        helper.make_node("Gemm", ["ff", "g", "h"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes, "residual",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(a.astype(np.float32), n) for n, a in arrays.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def quantized_statically(**options: Any) -> onnx.ModelProto:
    """The float network after ONNX Runtime's own quantizer, in QOperator format."""
    quantization = pytest.importorskip("onnxruntime.quantization")

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            rng = np.random.default_rng(2)
            self.rows = iter(
                {"x": rng.normal(size=(1, 2, 6, 6)).astype(np.float32)} for _ in range(20)
            )

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.rows, None)

    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "float.onnx", Path(folder) / "codes.onnx"
        onnx.save(float_network(), source)
        quantization.quantize_static(
            source, result, Reader(), quant_format=quantization.QuantFormat.QOperator, **options
        )
        return onnx.load(result)


def one_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its open batch fixed to 1."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return model


@pytest.mark.slow
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_network_quantized_to_operators_on_codes(per_channel: bool) -> None:
    model = one_batch(quantized_statically(per_channel=per_channel))
    assert {"QLinearConv", "QLinearAdd", "QLinearGlobalAveragePool"} <= set(ops(model))
    assert_exact(model)
    inputs = random_inputs(model)
    ours = answers(model, inputs)["y"]
    theirs = np.concatenate([runtime(model, row[None])[0] for row in inputs["x"]])
    step = np.min(np.diff(np.unique(theirs)))  # the last quantizer's
    assert np.abs(ours - theirs).max() <= step * 1.01  # ONNX Runtime's float32 rounds elsewhere
    assert np.mean(np.abs(ours - theirs) > step / 2) <= 0.2


def runtime(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return [np.asarray(y) for y in session.run(None, {"x": x})]


def on_codes(nodes: Sequence[onnx.NodeProto], **constants: Any) -> onnx.ModelProto:
    """x, quantized to uint8 codes q of scale 1/8 around 100, and nodes that end in y, a float."""
    given = {"s": np.float32(0.125), "z": np.uint8(100), **constants}
    first = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"])
    graph = helper.make_graph(
        [first, *nodes], "codes",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in given.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def integer_product(quantize: str = "QuantizeLinear") -> onnx.ModelProto:
    weight = np.random.default_rng(4).integers(-9, 9, (4, 3)).astype(np.int8)
    nodes = [
        helper.make_node("MatMulInteger", ["q", "w", "z", "wz"], ["i"]),
        helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["f", "both"], ["y"]),
    ]
    model = on_codes(nodes, w=weight, wz=np.int8(2), both=np.float32(0.125 * 0.25))
    if quantize == "DynamicQuantizeLinear":
        first = helper.make_node(quantize, ["x"], ["q", "s", "z"])
        model.graph.node[0].CopyFrom(first)
        del model.graph.initializer[:2]
    return model


def test_a_product_of_integers_behind_a_static_quantizer() -> None:
    model = integer_product()
    assert_exact(model)
    inputs = random_inputs(model)
    ours = answers(model, inputs)["y"]
    theirs = np.concatenate([execute(model, row[None])[0] for row in inputs["x"]])
    np.testing.assert_array_equal(ours, theirs)


def test_dynamic_scales_are_refused_once_and_for_their_cause() -> None:
    found = [f for f in check(integer_product("DynamicQuantizeLinear")) if f.status[0] == "u"]
    assert [f.op for f in found] == ["DynamicQuantizeLinear"]
    assert "quantize statically" in found[0].fix


def test_codes_that_are_moved() -> None:
    """A Reshape and a MaxPool between QuantizeLinear and DequantizeLinear."""
    nodes = [
        helper.make_node("Reshape", ["q", "image"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[1, 2], pads=[0, 1, 0, 0]),
        helper.make_node("DequantizeLinear", ["p", "s", "z"], ["d"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["v"]),
        helper.make_node("Conv", ["d", "v"], ["y"]),
    ]
    weight = np.random.default_rng(4).integers(-9, 9, (3, 1, 2, 2)).astype(np.int8)
    image = np.array([1, 1, 2, 2])
    model = on_codes(nodes, image=image, w=weight, ws=np.float32(0.25), wz=np.int8(0))
    assert "MaxPool" in ops(read_network(model).model)
    assert_exact(model)
    inputs = random_inputs(model)
    ours = answers(model, inputs)["y"]
    theirs = np.concatenate([execute(model, row[None])[0] for row in inputs["x"]])
    np.testing.assert_array_equal(ours, theirs)
