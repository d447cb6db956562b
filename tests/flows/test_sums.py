"""Sums of tensors with several scales: one quantizer behind them, exact or counted as ties."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from fpgacomp.ir.layers import Add
from tests.support.frontend_runs import build, node, quant
from tests.support.ordinary_networks import GRID, weights
from tests.support.whole_runs import answers, assert_carried, assert_exact, random_inputs

pytestmark = pytest.mark.slow

ODD = (0.1731, 0.2917, 0.0613, 0.4129)


def branches(
    count: int, *behind: onnx.NodeProto, bits: float = 5.0, scales: tuple[float, ...] = ODD
) -> onnx.ModelProto:
    """Products of one input, each quantized to a scale of its own, added and quantized once."""
    nodes = [quant(["x", "s", "z", "b"], "q")]
    constants: dict[str, Any] = GRID | {"many": bits}
    last = "q"
    for i in range(count):
        constants |= {f"w{i}": weights(6, 6)[::-1] if i % 2 else weights(6, 6), f"s{i}": scales[i]}
        nodes += [
            quant([f"w{i}", "sw", "z", "bw"], f"v{i}"),
            node("MatMul", ["q", f"v{i}"], f"m{i}"),
            quant([f"m{i}", f"s{i}", "z", "many"], f"t{i}"),
            node("Add", [f"t{i}", last], f"a{i}"),
        ]
        last = f"a{i}"
    nodes += [*behind, quant(["r" if behind else last, "sy", "z", "bw"], "y")]
    return build(nodes, [1, 6], constants)


RELU = (node("Relu", ["a1"], "r"),)
SIGMOID = (node("Sigmoid", ["a1"], "r"),)


@pytest.mark.parametrize("behind", [(), RELU, SIGMOID], ids=["open", "relu", "sigmoid"])
@pytest.mark.parametrize("bits", [3.0, 5.0, 9.0])
def test_three_scales(behind: tuple[onnx.NodeProto, ...], bits: float) -> None:
    """At 9 bits the tuples are too many to compare: the unit is made fine enough."""
    model = branches(2, *behind, bits=bits)
    lowered, judgement = assert_exact(model)
    inputs = random_inputs(model, 40)
    assert sum(isinstance(layer, Add) for layer in lowered.graph.layers) == 2
    ours = answers(model, inputs)["y"]
    theirs = reference(model, inputs["x"])
    assert np.count_nonzero(ours != theirs) <= judgement.ties
    np.testing.assert_allclose(ours, theirs, atol=0.5)  # a tie is one step


def test_four_scales_of_which_two_have_a_ratio() -> None:
    lowered, _ = assert_exact(branches(3, scales=(0.5, 0.2917, 0.0613)))
    exact = next(layer for layer in lowered.graph.layers if isinstance(layer, Add))
    assert exact.multiplier_a.array.max() == 2


def test_two_scales_and_more_levels_than_thresholds() -> None:
    """12 bits of output: no multiplier of the coarse sum holds every border."""
    model = branches(1, bits=6.0, scales=(0.1731,))
    for initializer in model.graph.initializer:
        if initializer.name in ("bw", "sy"):
            value = np.float32(12 if initializer.name == "bw" else 0.0037)
            initializer.CopyFrom(onnx.numpy_helper.from_array(value, initializer.name))
    assert_exact(model)


def test_sixteen_bits_and_two_scales() -> None:
    model = branches(1, bits=16.0, scales=(0.000173,))
    for initializer in model.graph.initializer:
        if initializer.name == "b":
            initializer.CopyFrom(onnx.numpy_helper.from_array(np.float32(16), "b"))
    assert_carried(model)


@pytest.mark.parametrize("factor", [[0.0], [0.0, 1.0] * 3, [0.0, 0.3] * 3, [0.0] * 5 + [0.5]])
@pytest.mark.parametrize("first", [False, True])
def test_a_side_that_is_times_zero(factor: list[float], first: bool) -> None:
    """Pruned channels leave factors of 0, of the whole tensor or of some channels."""
    nodes = [
        quant(["x", "s", "z", "b"], "q"),
        quant(["w", "sw", "z", "bw"], "v"),
        node("MatMul", ["q", "v"], "m"),
        quant(["m", "odd", "z", "b"], "t"),
        node("Mul", ["t", "factor"], "p"),
        node("Add", ["p", "q"] if first else ["q", "p"], "a"),
        quant(["a", "sy", "z", "bw"], "y"),
    ]
    constants = GRID | {"w": weights(6, 6), "odd": 0.1731, "factor": np.float32(factor)}
    assert_exact(build(nodes, [1, 6], constants))


def reference(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """The network in float64, written out by hand."""
    values = {i.name: onnx.numpy_helper.to_array(i).astype(np.float64)
              for i in model.graph.initializer}  # fmt: skip
    values["x"] = x.astype(np.float64)
    for step in model.graph.node:
        a, *rest = (values[name] for name in step.input)
        match step.op_type:
            case "Quant":
                top = 2.0 ** (rest[2] - 1)
                values[step.output[0]] = np.clip(np.rint(a / rest[0]), -top, top - 1) * rest[0]
            case "MatMul":
                values[step.output[0]] = a @ rest[0]
            case "Add":
                values[step.output[0]] = a + rest[0]
            case "Relu":
                values[step.output[0]] = np.maximum(a, 0)
            case "Sigmoid":
                values[step.output[0]] = 1 / (1 + np.exp(-a))
    return values[model.graph.output[0].name]
