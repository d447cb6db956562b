"""What calibration executes, against ONNX Runtime, exactly; and its SAME padding."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from fpgacomp.zoo import operators


def onnxruntime_node(op: str, x: np.ndarray, *rest: np.ndarray, **attributes: object) -> np.ndarray:
    names = ["x", *(f"w{i}" for i in range(len(rest)))]
    arrays = [x.astype(np.float32), *(a.astype(np.float32) for a in rest)]
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape)
             for n, a in zip(names, arrays)]  # fmt: skip
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node(op, names, ["y"], **attributes)], "g", infos,
                              [output])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    result: np.ndarray = session.run(None, dict(zip(names, arrays)))[0]
    return result


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("shape", "weights"),
    [
        ((2, 3, 9, 8), (5, 3, 3, 3)),
        ((2, 1, 11, 6), (4, 1, 10, 4)),
        ((3, 6, 8, 8), (6, 1, 3, 3)),  # depthwise
        ((2, 6, 20), (4, 6, 5)),
        ((2, 5, 7, 7), (3, 5, 1, 1)),
    ],
)
def test_convolution(shape: tuple[int, ...], weights: tuple[int, ...], stride: int) -> None:
    rng = np.random.default_rng(1)
    x, w = rng.integers(-128, 128, shape), rng.integers(-7, 8, weights)
    pads = operators.same_pads(shape[2:], weights[2:], stride)
    done = operators.convolve(x.astype(float), w.astype(float), stride, pads)
    befores, afters = zip(*pads)
    expected = onnxruntime_node(
        "Conv", x, w, strides=[stride] * len(pads), pads=[*befores, *afters],
        group=shape[1] // weights[1],
    )  # fmt: skip
    assert np.array_equal(done, expected)
    assert done.shape[2:] == tuple(-(-size // stride) for size in shape[2:])


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"),
    [(32, 3, 1, (1, 1)), (32, 3, 2, (0, 1)), (32, 1, 2, (0, 0)), (49, 10, 2, (4, 5)),
     (10, 4, 2, (1, 1))],
)  # fmt: skip
def test_same_padding_puts_the_odd_element_last(
    size: int, kernel: int, stride: int, pads: tuple[int, int]
) -> None:
    assert operators.same_pads((size,), (kernel,), stride) == (pads,)


@pytest.mark.parametrize("shape", [(2, 3, 8, 6), (2, 3, 10)])
def test_max_pool_and_upsample(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(2).integers(-50, 50, shape).astype(float)
    window = [2] * (len(shape) - 2)
    expected = onnxruntime_node("MaxPool", x, kernel_shape=window, strides=window)
    assert np.array_equal(operators.max_pool(x, 2), expected)
    large = operators.upsample(x, 2)
    assert large.shape[2:] == tuple(2 * size for size in shape[2:])
    assert np.array_equal(operators.max_pool(large, 2), x)
    assert np.array_equal(-operators.max_pool(-large, 2), x)


def test_sums_beyond_float32_are_refused() -> None:
    x, w = np.full((1, 1 << 10), 255.0), np.full((1 << 10, 1), 127.0)
    with pytest.raises(AssertionError, match="not exact in float32"):
        operators.dense(x, w)


def test_what_is_not_quantized_is_refused() -> None:
    with pytest.raises(AssertionError, match="only quantized values"):
        operators.dense(np.array([[0.5, 1.0]]), np.ones((2, 1)))
