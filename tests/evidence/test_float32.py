"""Answers that float32 rounds otherwise are counted, and the tensor where it begins is named."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.evidence.float32 import compare_with_float32
from fpgacomp.evidence.reference.network import execute
from fpgacomp.evidence.software import float32_outputs
from fpgacomp.flows.options import Options
from fpgacomp.flows.samples import quantize_network
from fpgacomp.frontend import read_network
from fpgacomp.network.canonical import Network

QONNX = "qonnx.custom_op.general"


def network(step: float) -> onnx.ModelProto:
    """Integers times ternary weights of scale 0.1f, requantized by `step`, to two outputs.

    With a step of 2 x 0.1f every odd sum lies on a rounding border: exactly in float64, on either
    side of it in float32, whose products and sums of 0.1f are rounded.
    """
    rng = np.random.default_rng(0)
    scale = np.float32(0.1)
    arrays = {
        "one": np.float32(1), "zero": np.float32(0), "eight": np.float32(8),
        "s": scale, "two": np.float32(2), "step": np.float32(step) * scale,
        "w": rng.integers(-1, 2, (24, 10)).astype(np.float32) * scale,
        "v": rng.integers(-1, 2, (10, 2)).astype(np.float32) * scale,
    }  # fmt: skip
    quant = [("x", "one", "eight", "a"), ("w", "s", "two", "wq"), ("h", "step", "eight", "b"),
             ("v", "s", "two", "vq")]  # fmt: skip
    nodes = [
        helper.make_node("Quant", [x, scale_, "zero", bits], [y], f"q_{y}", domain=QONNX, signed=1,
                         narrow=0, rounding_mode="ROUND")
        for x, scale_, bits, y in quant
    ]  # fmt: skip
    nodes.insert(2, helper.make_node("MatMul", ["a", "wq"], ["h"], "fc1"))
    nodes.append(helper.make_node("MatMul", ["b", "vq"], ["y"], "fc2"))
    graph = helper.make_graph(
        nodes, "ties",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 24])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in arrays.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(QONNX, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def samples(count: int = 300) -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(1).integers(-100, 100, (count, 24)).astype(np.float32)}


def in_float32(opened: Network, inputs: dict[str, np.ndarray], batch: int) -> np.ndarray:
    """The answers y of batches: a processor's matrix product may add in an order of its size."""
    found = []
    for start in range(0, len(inputs["x"]), batch):
        outputs = float32_outputs(opened.original, {"x": inputs["x"][start : start + batch]})
        assert outputs.outputs is not None
        found.append(outputs.outputs["y"])
    return np.concatenate(found)


def test_answers_beyond_a_border_are_counted_and_traced() -> None:
    opened, inputs = read_network(network(2.0)), samples()
    ours = execute(opened.model, inputs)
    found = compare_with_float32(opened, inputs, ours, batch=128)
    assert found is not None
    wrong = np.abs(in_float32(opened, inputs, 128) - ours["y"]) > 1e-3  # an integer is 0.02 or more
    assert (found.values, found.samples) == (600, 300)
    assert found.differ == np.count_nonzero(wrong) > 30
    assert found.samples_differ == np.count_nonzero(wrong.any(axis=1))
    assert found.tensor == "b" and found.on_border == found.integers >= found.explained_samples > 0
    assert found.reason.startswith("float32 sums put") and "first in b" in found.reason


def test_nothing_differs_away_from_borders() -> None:
    opened, inputs = read_network(network(1.9)), samples()
    ours = execute(opened.model, inputs)
    found = compare_with_float32(opened, inputs, ours, batch=128)
    assert found is not None
    assert (found.differ, found.samples_differ, found.top1, found.reason) == (0, 0, 1.0, "")


def test_a_difference_behind_the_integers_has_another_reason() -> None:
    opened, inputs = read_network(network(1.9)), samples(50)
    ours = {"y": execute(opened.model, inputs)["y"] + 1.0}
    found = compare_with_float32(opened, inputs, ours, batch=128)
    assert found is not None and found.differ == 100 and found.tensor is None
    assert "no quantizer rounds otherwise" in found.reason


def test_a_network_that_float32_cannot_run_is_not_compared() -> None:
    opened, inputs = read_network(network(1.9)), samples(5)
    strange = helper.make_node("Mystery", ["x"], ["y"], domain="somewhere.else")
    del opened.original.graph.node[:]
    opened.original.graph.node.append(strange)
    assert compare_with_float32(opened, inputs, {"y": np.zeros((5, 2))}, batch=4) is None


def float_network() -> onnx.ModelProto:
    """Eight inputs, six hidden units with ReLU, three outputs; nothing is quantized."""
    rng = np.random.default_rng(2)
    arrays = {"w": rng.normal(size=(8, 6)), "v": rng.normal(size=(6, 3))}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "fc1"),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("MatMul", ["r", "v"], ["y"], "fc2"),
    ]
    graph = helper.make_graph(
        nodes, "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in arrays.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_what_quantization_changes_is_told_apart_from_float32() -> None:
    data = np.random.default_rng(3).uniform(-1, 1, (48, 8)).astype(np.float32)
    opened = read_network(float_network())
    quantized = quantize_network(opened, Options(calibration=data))
    ours = execute(quantized.model, {"x": data})
    found = compare_with_float32(quantized, {"x": data}, ours, batch=20)
    theirs = float32_outputs(opened.original, {"x": data}).outputs
    assert found is not None and found.quantized is not None and theirs is not None
    assert (opened.quantized_here, quantized.quantized_here) == (False, True)
    moved = np.abs(ours["y"] - theirs["y"]).max()
    assert found.differ > 100 and moved > 1e-3
    assert found.largest_difference == pytest.approx(moved, abs=1e-5)
    assert found.reason.endswith("the cost of quantization.") and found.tensor is None
    # The network that was built has the same numbers up to float32's rounding of sums.
    assert found.quantized.differ == 0 and found.quantized.reason == ""
    assert found.quantized.largest_difference < 1e-5


def test_inputs_quantized_here_make_another_network() -> None:
    opened = read_network(network(1.9))
    first = next(node for node in opened.original.graph.node if node.input[0] == "x")
    without = onnx.ModelProto()
    without.CopyFrom(opened.original)
    without.graph.node.remove(first)
    for node in without.graph.node:
        node.input[:] = ["x" if name == first.output[0] else name for name in node.input]
    bare = read_network(without)
    assert not quantize_network(opened, Options(input_bits=(8, 7))).quantized_here
    assert quantize_network(bare, Options(input_bits=(8, 7))).quantized_here
