"""Whatever lies behind the last integers is computed by the host as the file has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.support.frontend_runs import execute, node
from tests.support.ordinary_networks import convolution, quantized
from tests.support.whole_runs import answers, assert_exact, random_inputs

pytestmark = pytest.mark.slow

Nodes = list[onnx.NodeProto]
# Steps from a tensor [1, 4, H, W] to a tensor of that rank, H and W even.
STEPS: dict[str, Callable[[str, str], Nodes]] = {
    "exp": lambda x, y: [node("Mul", [x, "small"], f"{y}m"), node("Exp", [f"{y}m"], y)],
    "power": lambda x, y: [node("Pow", [x, "two"], y)],
    "largest": lambda x, y: [node("ReduceMax", [x], f"{y}r", axes=[1], keepdims=1),
                             node("Sub", [x, f"{y}r"], y)],
    "mean": lambda x, y: [node("ReduceMean", [x], f"{y}r", axes=[2, 3], keepdims=1),
                          node("Add", [x, f"{y}r"], y)],
    "split": lambda x, y: [
        helper.make_node("Split", [x, "parts"], [f"{y}a", f"{y}b"], axis=1),
        node("Sigmoid", [f"{y}a"], f"{y}s"), node("Concat", [f"{y}b", f"{y}s"], y, axis=1)],
    "softmax": lambda x, y: [node("Softmax", [x], y, axis=1)],
    "moved": lambda x, y: [node("DepthToSpace", [x], f"{y}d", blocksize=2),
                           node("SpaceToDepth", [f"{y}d"], y, blocksize=2)],
    "where": lambda x, y: [node("Greater", [x, "small"], f"{y}g"),
                           node("Where", [f"{y}g", x, "two"], y)],
    "extremes": lambda x, y: [node("Abs", [x], f"{y}a"), node("Max", [x, f"{y}a"], f"{y}m"),
                              node("Min", [f"{y}m", x], f"{y}n"), node("Sum", [x, f"{y}n"], y)],
    "quotient": lambda x, y: [node("Abs", [x], f"{y}a"), node("Add", [f"{y}a", "two"], f"{y}p"),
                              node("Div", [x, f"{y}p"], y)],
    "rolled": lambda x, y: [node("Slice", [x, "one", "four", "one"], f"{y}a"),
                            node("Slice", [x, "none", "one", "one"], f"{y}b"),
                            node("Concat", [f"{y}a", f"{y}b"], y, axis=1)],
    "gathered": lambda x, y: [node("Gather", [x, "mixed"], y, axis=1)],
    "rounded": lambda x, y: [node("Floor", [x], y)],
    "padded": lambda x, y: [node("Pad", [x, "around"], f"{y}p", mode="edge"),
                            node("MaxPool", [f"{y}p"], y, kernel_shape=[3, 3])],
    "resized": lambda x, y: [node("Resize", [x, "", "factors"], f"{y}p", mode="linear"),
                             node("AveragePool", [f"{y}p"], y, kernel_shape=[2, 2],
                                  strides=[2, 2])],
    "attended": lambda x, y: [node("Transpose", [x], f"{y}t", perm=[0, 1, 3, 2]),
                              node("MatMul", [x, f"{y}t"], y)],
    "quantized again": lambda x, y: [node("Softmax", [x], f"{y}s", axis=1),
                                     quantized(f"{y}s", y, "sw")],
    "normalized": lambda x, y: [node("InstanceNormalization", [x, "gains", "gains"], y)],
}  # fmt: skip
CONSTANTS: dict[str, Any] = {
    "small": 0.0625, "two": 2.0, "parts": np.array([2, 2]), "one": np.array([1]),
    "four": np.array([4]), "none": np.array([0]), "mixed": np.array([2, 0, 3, 1]),
    "around": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "gains": np.array([1.0, 0.5, 2.0, 1.5]),
    "factors": np.array([1.0, 1.0, 2.0, 2.0], np.float32),
}  # fmt: skip


def tailed(steps: Sequence[str], *, several: bool = False) -> onnx.ModelProto:
    """A quantized Conv and these steps behind it; the first step's result is an output, too."""
    nodes = [quantized("c", "t0", "sy")]
    for i, step in enumerate(steps):
        nodes += STEPS[step](f"t{i}", f"t{i + 1}")
    model = convolution(*nodes, **CONSTANTS)
    if several:
        model.graph.output.append(helper.make_tensor_value_info("t1", TensorProto.FLOAT, None))
        model.graph.output.append(helper.make_tensor_value_info("t0", TensorProto.FLOAT, None))
    return model


def assert_answers(model: onnx.ModelProto) -> None:
    inputs = random_inputs(model, 3)
    ours = answers(model, inputs)
    assert list(ours) == [output.name for output in model.graph.output]
    for sample in range(3):
        theirs = execute(model, inputs["x"][sample : sample + 1])
        for name, wanted in zip(ours, theirs):
            np.testing.assert_allclose(ours[name][sample], wanted[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("step", STEPS)
def test_one_step(step: str) -> None:
    model = tailed([step])
    lowered, _ = assert_exact(model)
    if step != "mean":  # hardware adds the positions up, the host adds the mean
        assert len(lowered.graph.layers) == 3  # the input, the Conv and its activation
    assert_answers(model)


@pytest.mark.parametrize("seed", range(8))
def test_random_tails(seed: int) -> None:
    """Steps in random order, with several outputs."""
    rng = np.random.default_rng(seed)
    steps = [str(step) for step in rng.choice(list(STEPS), size=4, replace=False)]
    model = tailed(steps, several=True)
    assert_exact(model)
    assert_answers(model)
