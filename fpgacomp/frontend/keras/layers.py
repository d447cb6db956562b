"""The table of Keras and QKeras layers, and how each becomes ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fpgacomp.frontend.keras.activations import ACTIVATION_LAYERS, activate
from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.convolution import (
    convolution,
    depthwise,
    folded_convolution,
    folded_depthwise,
    separable,
)
from fpgacomp.frontend.keras.pooling import average_pool, global_pool, max_pool
from fpgacomp.frontend.keras.weight_quantizers import quantize_parameter
from fpgacomp.frontend.keras.weights import add_bias, quantizer_of, weight
from fpgacomp.ir.types import AnyArray

Convert = Callable[[KerasGraphWriter, KerasTensor, Any], KerasTensor]


def convert(b: KerasGraphWriter, layer: Any, inputs: Sequence[KerasTensor]) -> KerasTensor:
    """Append the nodes of one call of a layer.

    Raises:
        UnsupportedLayer: the layer, or its quantizer, is not carried.
    """
    kind = type(layer).__name__
    if kind in ACTIVATION_LAYERS:
        return activate(b, inputs[0], layer)
    if kind in _MERGES:
        return _MERGES[kind](b, list(inputs), layer)
    if kind not in _LAYERS:
        raise b.refuse(
            f"layer class {kind} is not carried.",
            f"use one of {', '.join(sorted({*_LAYERS, *_MERGES, *ACTIVATION_LAYERS}))}.",
        )
    return _LAYERS[kind](b, inputs[0], layer)


def _dense(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    return _product(b, x, layer, layer.kernel, layer.bias if layer.use_bias else None)


def _folded_dense(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert QDenseBatchnorm: the normalization is folded before the weights are quantized."""
    return _product(b, x, layer, *layer.get_folded_weights())


def _time_distributed(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert TimeDistributed of a Dense layer, which works on the last axis anyhow."""
    kind = type(layer.layer).__name__
    if kind not in ("Dense", "QDense"):
        raise b.refuse(f"TimeDistributed({kind}).", "use TimeDistributed with Dense or QDense.")
    return _dense(b, x, layer.layer)


def _product(
    b: KerasGraphWriter, x: KerasTensor, layer: Any, kernel: Any, bias: Any
) -> KerasTensor:
    x = b.channels_last(x)
    kernel = weight(b, kernel, quantizer_of(layer, "kernel"), lambda w: w, axis=1)
    y = b.node("MatMul", [x.name, kernel], (*x.shape[:-1], int(layer.units)))
    return activate(b, add_bias(b, y, bias, quantizer_of(layer, "bias")), layer.activation)


def _batch_normalization(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    if list(axes) not in ([-1], [len(x.shape)]):
        raise b.refuse(f"BatchNormalization over axis {list(axes)}.", "use the channel axis, -1.")
    gamma = _parameter(b, layer, "gamma", layer.gamma if layer.scale else None, 1.0, x.channels)
    beta = _parameter(b, layer, "beta", layer.beta if layer.center else None, 0.0, x.channels)
    mean = _parameter(b, layer, "mean", layer.moving_mean, 0.0, x.channels)
    variance = _parameter(b, layer, "variance", layer.moving_variance, 1.0, x.channels)
    epsilon = float(layer.epsilon)
    inverse = quantizer_of(layer, "inverse")
    if inverse is not None:
        factor = gamma / np.sqrt(variance + np.float32(epsilon))
        factor = quantize_parameter(inverse, factor.astype(np.float32), b.layer)
        x = b.same("Mul", x, b.constant("factor", b.per_channel(x, factor)))
        return b.same("Add", x, b.constant("offset", b.per_channel(x, beta - mean * factor)))
    x = b.channels_first(x)
    names = ("gamma", "beta", "mean", "variance")
    parameters = [b.constant(n, v) for n, v in zip(names, (gamma, beta, mean, variance))]
    return b.same("BatchNormalization", x, *parameters, epsilon=epsilon)


def _parameter(
    b: KerasGraphWriter, layer: Any, role: str, values: Any, default: float, channels: int
) -> AnyArray:
    if values is None:
        return np.full(channels, default, dtype=np.float32)
    array = np.asarray(values, dtype=np.float32)
    return quantize_parameter(quantizer_of(layer, role), array, b.layer)


def _flatten(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    x = b.channels_last(x)
    return b.node("Flatten", [x.name], (int(np.prod(x.shape)),), axis=1)


def _reshape(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    x = b.channels_last(x)
    shape = [int(d) for d in layer.target_shape]
    if -1 in shape:
        known = int(np.prod([d for d in shape if d != -1]))
        shape[shape.index(-1)] = int(np.prod(x.shape)) // known
    target = b.constant("shape", np.asarray([0, *shape], dtype=np.int64))
    return b.node("Reshape", [x.name, target], tuple(shape))


def _permute(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    x = b.channels_last(x)
    dims = [int(d) for d in layer.dims]
    return b.node("Transpose", [x.name], tuple(x.shape[d - 1] for d in dims), perm=[0, *dims])


def _upsample(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    if getattr(layer, "interpolation", "nearest") != "nearest":
        raise b.refuse(f"UpSampling with {layer.interpolation}.", "use interpolation='nearest'.")
    size = layer.size if isinstance(layer.size, (list, tuple)) else [layer.size]
    x = b.channels_first(x)
    factors = [int(f) for f in size]
    scales = b.constant("scales", np.asarray([1, 1, *factors], dtype=np.float32))
    shape = (*(n * f for n, f in zip(x.shape, factors)), x.channels)
    return b.node(
        "Resize",
        [x.name, b.constant("roi", np.zeros(0, dtype=np.float32)), scales],
        shape,
        first=True,
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )


def _zero_padding(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    padding = np.asarray(layer.padding).reshape(-1, 2)
    x = b.channels_first(x)
    pads = [0, 0, *padding[:, 0], 0, 0, *padding[:, 1]]
    shape = (*(n + int(p.sum()) for n, p in zip(x.shape, padding)), x.channels)
    constant = b.constant("pads", np.asarray(pads, dtype=np.int64))
    return b.node("Pad", [x.name, constant], shape, first=True, mode="constant")


def _rescaling(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    scale, offset = (np.asarray(v, dtype=np.float32) for v in (layer.scale, layer.offset))
    y = b.same("Mul", x, b.constant("scale", scale))
    return b.same("Add", y, b.constant("offset", offset)) if np.any(offset) else y


def _normalization(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert (x - mean) / max(sqrt(variance), epsilon), which `adapt` found the numbers of."""
    x = b.channels_last(x)
    if getattr(layer, "invert", False):
        raise b.refuse("Normalization with invert=True.", "use Rescaling.")
    mean, variance = (np.asarray(v, dtype=np.float32) for v in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), np.float32(1e-7))  # Keras' backend epsilon
    y = b.same("Sub", x, b.constant("mean", mean))
    return b.same("Div", y, b.constant("deviation", deviation))


def _unchanged(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    return x


def _activation(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    quantizer = getattr(layer, "quantizer", None)
    return activate(b, x, layer.activation if quantizer is None else quantizer)


def _add(b: KerasGraphWriter, inputs: list[KerasTensor], layer: Any) -> KerasTensor:
    total = inputs[0]
    for other in inputs[1:]:
        total = _joined(b, "Add", total, other)
    return total


def _subtract(b: KerasGraphWriter, inputs: list[KerasTensor], layer: Any) -> KerasTensor:
    return _joined(b, "Sub", *inputs)


def _average(b: KerasGraphWriter, inputs: list[KerasTensor], layer: Any) -> KerasTensor:
    total = _add(b, inputs, layer)
    return b.same("Div", total, b.constant("count", np.float32(len(inputs))))


def _joined(b: KerasGraphWriter, op: str, x: KerasTensor, other: KerasTensor) -> KerasTensor:
    if other.shape != x.shape:
        raise b.refuse(f"{op} of shapes {x.shape} and {other.shape}.", "make them equal.")
    other = b.channels_first(other) if x.first else b.channels_last(other)
    return b.same(op, x, other.name)


def _concatenate(b: KerasGraphWriter, inputs: list[KerasTensor], layer: Any) -> KerasTensor:
    rank = len(inputs[0].shape)
    if layer.axis not in (-1, rank):
        raise b.refuse(f"Concatenate over axis {layer.axis}.", "use the channel axis, -1.")
    first = all(x.first for x in inputs)
    parts = inputs if first else [b.channels_last(x) for x in inputs]
    shape = (*parts[0].shape[:-1], sum(x.channels for x in parts))
    return b.node("Concat", [x.name for x in parts], shape, first=first, axis=1 if first else rank)


_MERGES: dict[str, Callable[[KerasGraphWriter, list[KerasTensor], Any], KerasTensor]] = {
    "Add": _add,
    "Average": _average,
    "Concatenate": _concatenate,
    "Subtract": _subtract,
}
_LAYERS: dict[str, Convert] = {
    "Dense": _dense,
    "QDense": _dense,
    "QDenseBatchnorm": _folded_dense,
    "TimeDistributed": _time_distributed,
    "Conv1D": convolution,
    "Conv2D": convolution,
    "QConv1D": convolution,
    "QConv2D": convolution,
    "QConv2DBatchnorm": folded_convolution,
    "DepthwiseConv1D": depthwise,
    "DepthwiseConv2D": depthwise,
    "QDepthwiseConv2D": depthwise,
    "QDepthwiseConv2DBatchnorm": folded_depthwise,
    "SeparableConv1D": separable,
    "SeparableConv2D": separable,
    "QSeparableConv1D": separable,
    "QSeparableConv2D": separable,
    "BatchNormalization": _batch_normalization,
    "QBatchNormalization": _batch_normalization,
    "Activation": _activation,
    "QActivation": _activation,
    "MaxPooling1D": max_pool,
    "MaxPooling2D": max_pool,
    "AveragePooling1D": average_pool,
    "AveragePooling2D": average_pool,
    "QAveragePooling2D": average_pool,
    "GlobalAveragePooling1D": global_pool,
    "GlobalAveragePooling2D": global_pool,
    "QGlobalAveragePooling2D": global_pool,
    "GlobalMaxPooling1D": global_pool,
    "GlobalMaxPooling2D": global_pool,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "UpSampling1D": _upsample,
    "UpSampling2D": _upsample,
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "Dropout": _unchanged,
    "SpatialDropout1D": _unchanged,
    "SpatialDropout2D": _unchanged,
    "GaussianNoise": _unchanged,
    "GaussianDropout": _unchanged,
    "AlphaDropout": _unchanged,
    "ActivityRegularization": _unchanged,
    "InputLayer": _unchanged,
}
