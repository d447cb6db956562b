"""Windows of maximum and sum as calls of fpgacomp_pool.h."""

from __future__ import annotations

from math import prod

import numpy as np

from fpgacomp.engines.hls4ml.emit.nodes import Extension, Weights, ap_type, parameter
from fpgacomp.ir.layers import MaxPool, SumPool
from fpgacomp.ir.types import IntType


def plane(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a channels-last shape; 1-D data is one row."""
    return (1, shape[0]) if len(shape) == 2 else (shape[0], shape[1])


def pool_extension(layer: MaxPool | SumPool) -> tuple[Extension, dict[str, Weights]]:
    """The kernel call of a pooling layer, 1-D or 2-D, and the weights it carries."""
    one = (1,) if len(layer.kernel) == 1 else ()
    kernel, strides = (*one, *layer.kernel), (*one, *layer.strides)
    (top, bottom), (left, right) = (((0, 0),) if one else ()) + layer.pads
    in_height, in_width = plane(layer.input.shape)
    out_height, out_width = plane(layer.output.shape)
    constants: dict[str, int | bool | str] = {
        "in_height": in_height, "in_width": in_width, "n_channels": layer.input.channels,
        "kernel_height": kernel[0], "kernel_width": kernel[1],
        "stride_height": strides[0], "stride_width": strides[1],
        "pad_top": top, "pad_left": left,
        "padded_height": in_height + top + bottom, "padded_width": in_width + left + right,
        "out_height": out_height, "out_width": out_width,
        "padding": layer.input.type.lo if isinstance(layer, MaxPool) else 0,
    }  # fmt: skip
    factors = layer.multiplier if isinstance(layer, SumPool) else None
    weights = {"multiplier": parameter(factors.array if factors else np.ones(1, dtype=np.int64))}
    constants |= {"scaled": factors is not None, "n_multipliers": weights["multiplier"].values.size}
    kernel_name = "maxpool" if isinstance(layer, MaxPool) else "sumpool"
    typedefs = {"accum_t": ap_type(_window(layer, prod(kernel)))}
    extension = Extension(kernel_name, "fpgacomp_pool.h", constants, typedefs, tuple(weights))
    return extension, weights


def _window(layer: MaxPool | SumPool, taps: int) -> IntType:
    """Range of what one window holds before its factor."""
    if isinstance(layer, MaxPool):
        return layer.input.type
    if layer.multiplier is None:
        return layer.output.type
    data = layer.input.type
    return IntType(min(data.lo, 0) * taps, max(data.hi, 0) * taps)
