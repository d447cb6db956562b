"""The table of Keras and QKeras layers, and how each becomes ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fpgacomp.frontend.keras.activations import ACTIVATION_LAYERS, activate
from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.convolution import (
    convolution,
    depthwise,
    folded_convolution,
    folded_depthwise,
    separable,
)
from fpgacomp.frontend.keras.merging import MERGES
from fpgacomp.frontend.keras.normalization import batch_normalization, normalization, rescaling
from fpgacomp.frontend.keras.pooling import average_pool, global_pool, max_pool
from fpgacomp.frontend.keras.remedies import refusal
from fpgacomp.frontend.keras.shaping import (
    cropping,
    flatten,
    permute,
    reshape,
    upsample,
    zero_padding,
)
from fpgacomp.frontend.keras.weights import add_bias, quantizer_of, weight
from fpgacomp.frontend.keras.wrappers import time_distributed

Convert = Callable[[KerasGraphWriter, KerasTensor, Any], KerasTensor]


def convert(b: KerasGraphWriter, layer: Any, inputs: Sequence[KerasTensor]) -> KerasTensor:
    """Append the nodes of one call of a layer.

    Raises:
        UnsupportedLayer: the layer, or its quantizer, is not carried.
    """
    kind = type(layer).__name__
    if kind in ACTIVATION_LAYERS:
        return activate(b, inputs[0], layer)
    if kind in MERGES:
        return MERGES[kind](b, list(inputs), layer)
    if kind not in _LAYERS:
        raise b.refuse(*refusal(kind))
    return _LAYERS[kind](b, inputs[0], layer)


def _dense(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    return _product(b, x, layer, layer.kernel, layer.bias if layer.use_bias else None)


def _folded_dense(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert QDenseBatchnorm: the normalization is folded before the weights are quantized."""
    return _product(b, x, layer, *layer.get_folded_weights())


def _time_distributed(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    return time_distributed(b, x, layer, lambda b, x, inner: convert(b, inner, [x]))


def _product(
    b: KerasGraphWriter, x: KerasTensor, layer: Any, kernel: Any, bias: Any
) -> KerasTensor:
    x = b.channels_last(x)
    kernel = weight(b, kernel, quantizer_of(layer, "kernel"), lambda w: w, axis=1)
    y = b.node("MatMul", [x.name, kernel], (*x.shape[:-1], int(layer.units)))
    return activate(b, add_bias(b, y, bias, quantizer_of(layer, "bias")), layer.activation)


def _unchanged(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    return x


def _activation(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    quantizer = getattr(layer, "quantizer", None)
    return activate(b, x, layer.activation if quantizer is None else quantizer)


_UNCHANGED = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout"),
    *("GaussianNoise", "GaussianDropout", "ActivityRegularization", "InputLayer", "Identity"),
    *("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast"),
)
"""Layers that do nothing outside of training."""

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
    "BatchNormalization": batch_normalization,
    "QBatchNormalization": batch_normalization,
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
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "UpSampling1D": upsample,
    "UpSampling2D": upsample,
    "ZeroPadding1D": zero_padding,
    "ZeroPadding2D": zero_padding,
    "Cropping1D": cropping,
    "Cropping2D": cropping,
    "Normalization": normalization,
    "Rescaling": rescaling,
    **dict.fromkeys(_UNCHANGED, _unchanged),
}
