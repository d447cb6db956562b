"""Converts Keras pooling layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpgacomp.frontend.keras.activations import activate
from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.convolution import ints, require_channels_last, window


def _pool(
    b: KerasGraphWriter, x: KerasTensor, layer: Any, op: str, **attributes: Any
) -> KerasTensor:
    require_channels_last(b, layer)
    x = b.channels_first(x)
    rank = len(x.shape) - 1
    size, strides = ints(layer.pool_size, rank), ints(layer.strides, rank)
    pads, spatial = window(b.spatial(x), size, strides, (1,) * rank, layer.padding.lower())
    return b.node(
        op,
        [x.name],
        (*spatial, x.channels),
        first=True,
        kernel_shape=list(size),
        strides=list(strides),
        pads=pads,
        ceil_mode=0,
        auto_pad="NOTSET",
        **attributes,
    )


def max_pool(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert MaxPooling1D/2D."""
    return _pool(b, x, layer, "MaxPool")


def average_pool(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert AveragePooling1D/2D and QAveragePooling2D; padding is not counted."""
    y = _pool(b, x, layer, "AveragePool", count_include_pad=0)
    area = int(np.prod(ints(layer.pool_size, len(x.shape) - 1)))
    return _quantized_average(b, y, layer, area)


def global_pool(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert global average and maximum, with or without kept axes."""
    require_channels_last(b, layer)
    x = b.channels_first(x)
    op = "GlobalMaxPool" if "Max" in type(layer).__name__ else "GlobalAveragePool"
    ones = (1,) * (len(x.shape) - 1)
    y = b.node(op, [x.name], (*ones, x.channels), first=True)
    if not getattr(layer, "keepdims", False):
        y = b.node("Flatten", [y.name], (x.channels,), axis=1)
    return _quantized_average(b, y, layer, int(np.prod(b.spatial(x))))


def _quantized_average(b: KerasGraphWriter, y: KerasTensor, layer: Any, area: int) -> KerasTensor:
    """Append what QKeras computes: the sum times quantize(1 / area), then an activation."""
    quantizer = getattr(layer, "average_quantizer_internal", None)
    if quantizer is not None:
        factor = float(np.asarray(quantizer(1.0 / area))) * area
        y = b.same("Mul", y, b.constant("average_factor", factor))
    return activate(b, y, getattr(layer, "activation", None))
