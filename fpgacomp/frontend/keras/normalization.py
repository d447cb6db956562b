"""Converts Keras layers that scale and shift their input by numbers found in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.weight_quantizers import quantize_parameter
from fpgacomp.frontend.keras.weights import quantizer_of
from fpgacomp.ir.types import AnyArray


def batch_normalization(
    b: KerasGraphWriter, x: KerasTensor, layer: Any, *, axes_in_front: int = 0
) -> KerasTensor:
    """Convert BatchNormalization and QBatchNormalization over any one axis.

    Args:
        axes_in_front: axes of x that the layer does not count, as TimeDistributed hides one.
    """
    axis = _normalized_axis(b, x, layer, axes_in_front)
    channels = x.shape[axis - 1]
    gamma = _parameter(b, layer, "gamma", layer.gamma if layer.scale else None, 1.0, channels)
    beta = _parameter(b, layer, "beta", layer.beta if layer.center else None, 0.0, channels)
    mean = _parameter(b, layer, "mean", layer.moving_mean, 0.0, channels)
    variance = _parameter(b, layer, "variance", layer.moving_variance, 1.0, channels)
    epsilon = float(layer.epsilon)
    inverse = quantizer_of(layer, "inverse")
    if inverse is not None:
        factor = gamma / np.sqrt(variance + np.float32(epsilon))
        factor = quantize_parameter(inverse, factor.astype(np.float32), b.layer)
        return _scaled_and_shifted(b, x, axis, factor, beta - mean * factor)
    names = ("gamma", "beta", "mean", "variance")
    parameters = [b.constant(n, v) for n, v in zip(names, (gamma, beta, mean, variance))]
    if axis == len(x.shape):
        return b.same("BatchNormalization", b.channels_first(x), *parameters, epsilon=epsilon)
    # ONNX normalizes axis 1: another one is brought there and back.
    x = b.channels_last(x)
    order = [axis - 1, *(i for i in range(len(x.shape)) if i != axis - 1)]
    y = b.same("BatchNormalization", b.permuted(x, order), *parameters, epsilon=epsilon)
    return b.permuted(y, [order.index(i) for i in range(len(order))])


def _normalized_axis(b: KerasGraphWriter, x: KerasTensor, layer: Any, axes_in_front: int) -> int:
    """Return the axis of x with the batch counted, 1 to rank."""
    axes = list(layer.axis) if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    if len(axes) != 1:
        raise b.refuse(f"BatchNormalization over axes {axes}.", "normalize one axis.")
    axis = int(axes[0])
    return axis + len(x.shape) + 1 if axis < 0 else axis + axes_in_front


def _scaled_and_shifted(
    b: KerasGraphWriter, x: KerasTensor, axis: int, factor: AnyArray, offset: AnyArray
) -> KerasTensor:
    if axis != len(x.shape):
        x = b.channels_last(x)
        trailing = (1,) * (len(x.shape) - axis)
        factor, offset = factor.reshape(-1, *trailing), offset.reshape(-1, *trailing)
    else:
        factor, offset = b.per_channel(x, factor), b.per_channel(x, offset)
    y = b.same("Mul", x, b.constant("factor", factor))
    return b.same("Add", y, b.constant("offset", offset))


def _parameter(
    b: KerasGraphWriter, layer: Any, role: str, values: Any, default: float, channels: int
) -> AnyArray:
    if values is None:
        return np.full(channels, default, dtype=np.float32)
    array = np.asarray(values, dtype=np.float32)
    return quantize_parameter(quantizer_of(layer, role), array, b.layer)


def rescaling(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert Rescaling, whose scale and offset are one number or one per channel."""
    scale, offset = (np.asarray(value, dtype=np.float32) for value in (layer.scale, layer.offset))
    x = b.channels_last(x) if scale.size > 1 or offset.size > 1 else x
    y = b.same("Mul", x, b.constant("scale", scale))
    return b.same("Add", y, b.constant("offset", offset)) if np.any(offset) else y


def normalization(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert (x - mean) / max(sqrt(variance), epsilon), which `adapt` found the numbers of.

    With invert=True it is mean + x * max(sqrt(variance), epsilon).
    """
    x = b.channels_last(x)
    mean, variance = (np.asarray(v, dtype=np.float32) for v in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), np.float32(1e-7))  # Keras' backend epsilon
    if getattr(layer, "invert", False):
        y = b.same("Mul", x, b.constant("deviation", deviation))
        return b.same("Add", y, b.constant("mean", mean))
    y = b.same("Sub", x, b.constant("mean", mean))
    return b.same("Div", y, b.constant("deviation", deviation))
