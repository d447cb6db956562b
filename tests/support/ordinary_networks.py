"""Parts of the small networks that stand for ordinary ones: a grid, weights, a quantized input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from tests.support.frontend_runs import build, node, quant

GRID: dict[str, Any] = {"s": 0.25, "z": 0.0, "b": 6.0, "sw": 0.125, "bw": 4.0, "sy": 0.5}
"""Scales, zero point and bit widths that the networks' constants are named after."""


def weights(*shape: int) -> np.ndarray:
    """Seeded weights on a grid of 1/8."""
    return np.random.default_rng(3).integers(-7, 8, shape).astype(np.float32) / 8


def quantized(tensor: str, output: str, scale: str = "s", bits: str = "b") -> onnx.NodeProto:
    """A signed quantizer whose scale and bit width are constants of the grid."""
    return quant([tensor, scale, "z", bits], output)


def network(
    nodes: Sequence[onnx.NodeProto], shape: Sequence[int], output: str = "", **constants: Any
) -> onnx.ModelProto:
    """The nodes behind a quantizer of x, named q."""
    return build([quantized("x", "q"), *nodes], shape, GRID | constants, output=output)


def dense(*behind: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    """MatMul of [1, 4] by [4, 3], named m, and what follows it."""
    nodes = [quantized("w", "v", "sw", "bw"), node("MatMul", ["q", "v"], "m"), *behind]
    return network(nodes, [1, 4], w=weights(4, 3), **constants)


def convolution(*behind: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    """A 1x1 Conv of [1, 2, 4, 4] to 4 channels, named c, and what follows it."""
    nodes = [quantized("u", "v", "sw", "bw"), node("Conv", ["q", "v"], "c"), *behind]
    return network(nodes, [1, 2, 4, 4], u=weights(4, 2, 1, 1), **constants)
