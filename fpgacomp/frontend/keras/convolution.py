"""Converts Keras convolutions, plain, depthwise and separable, to Conv with explicit padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fpgacomp.frontend.keras.activations import activate
from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.weights import Relayout, add_bias, quantizer_of, weight
from fpgacomp.ir.types import AnyArray


def ints(value: Any, rank: int) -> tuple[int, ...]:
    """Return a Keras size, which is one number or one per axis, as one per axis.

    A 1-D layer's size is 1 along an axis of time that TimeDistributed puts in front.
    """
    if not np.ndim(value):
        return (int(value),) * rank
    return (1,) * (rank - len(value)) + tuple(int(v) for v in value)


def window(
    spatial: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
) -> tuple[list[int], tuple[int, ...]]:
    """Return ONNX `pads` and the output size of TensorFlow's padding rule (same:
    more at the end).
    """
    before, after, sizes = [], [], []
    for n, k, s, d in zip(spatial, kernel, strides, dilations):
        span = (k - 1) * d + 1
        match padding:
            case "same":
                total = max((-(-n // s) - 1) * s + span - n, 0)
                begin = total // 2
            case "causal":
                total = begin = span - 1
            case "valid":
                total = begin = 0
            case _:
                raise ValueError(f"padding {padding!r} is none of same, causal and valid")
        before.append(begin)
        after.append(total - begin)
        sizes.append((n + total - span) // s + 1)
    return before + after, tuple(sizes)


def require_channels_last(b: KerasGraphWriter, layer: Any) -> None:
    """Refuse a layer that is set to Keras' other layout."""
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise b.refuse("data_format channels_first.", "use channels_last, Keras' default.")


def _conv(
    b: KerasGraphWriter, x: KerasTensor, layer: Any, kernel: str, filters: int, groups: int
) -> KerasTensor:
    require_channels_last(b, layer)
    x = b.channels_first(x)
    rank = len(x.shape) - 1
    size, strides = ints(layer.kernel_size, rank), ints(layer.strides, rank)
    dilations = ints(layer.dilation_rate, rank)
    pads, spatial = window(b.spatial(x), size, strides, dilations, layer.padding.lower())
    return b.node(
        "Conv",
        [x.name, kernel],
        (*spatial, filters),
        first=True,
        kernel_shape=list(size),
        strides=list(strides),
        dilations=list(dilations),
        pads=pads,
        group=groups,
        auto_pad="NOTSET",
    )


def _finish(b: KerasGraphWriter, y: KerasTensor, layer: Any, bias: Any) -> KerasTensor:
    return activate(b, add_bias(b, y, bias, quantizer_of(layer, "bias")), layer.activation)


def _filters_first(w: AnyArray) -> AnyArray:
    """Return [*kernel, in, out] as [out, in, *kernel]."""
    return np.ascontiguousarray(np.moveaxis(np.moveaxis(w, -1, 0), -1, 1))


def _channelwise(w: AnyArray) -> AnyArray:
    """Return [*kernel, in, multiplier] as [in * multiplier, 1, *kernel]."""
    flat = w.reshape(*w.shape[:-2], 1, w.shape[-2] * w.shape[-1])
    return _filters_first(flat)


def _weight(
    b: KerasGraphWriter, x: KerasTensor, kernel: Any, quantizer: Any, relayout: Relayout
) -> str:
    """Append the weight of a convolution over x, output channels first; return its name."""

    def spread(w: AnyArray) -> AnyArray:
        missing = len(x.shape) + 1 - w.ndim  # axes that TimeDistributed put in front
        return relayout(w.reshape((1,) * missing + w.shape))

    return weight(b, kernel, quantizer, spread, axis=0)


def convolution(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert Conv1D, Conv2D and their QKeras forms."""
    return _convolution(b, x, layer, layer.kernel, layer.bias if layer.use_bias else None)


def folded_convolution(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert QConv2DBatchnorm: the normalization is folded before the weights are quantized."""
    kernel, bias = layer.get_folded_weights()
    return _convolution(b, x, layer, kernel, bias)


def _convolution(
    b: KerasGraphWriter, x: KerasTensor, layer: Any, kernel: Any, bias: Any
) -> KerasTensor:
    w = _weight(b, x, kernel, quantizer_of(layer, "kernel"), _filters_first)
    groups = int(getattr(layer, "groups", 1) or 1)
    return _finish(b, _conv(b, x, layer, w, int(layer.filters), groups), layer, bias)


def depthwise(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert DepthwiseConv1D/2D and QDepthwiseConv2D."""
    kernel = getattr(layer, "depthwise_kernel", None)
    kernel = layer.kernel if kernel is None else kernel
    return _depthwise(b, x, layer, kernel, layer.bias if layer.use_bias else None)


def folded_depthwise(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert QDepthwiseConv2DBatchnorm, its normalization folded before the
    weights are quantized.
    """
    kernel, bias = layer.get_folded_weights()
    return _depthwise(b, x, layer, kernel, bias)


def _depthwise(
    b: KerasGraphWriter, x: KerasTensor, layer: Any, kernel: Any, bias: Any
) -> KerasTensor:
    w = _weight(b, x, kernel, quantizer_of(layer, "depthwise"), _channelwise)
    filters = x.channels * int(layer.depth_multiplier)
    return _finish(b, _conv(b, x, layer, w, filters, x.channels), layer, bias)


def separable(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert SeparableConv1D/2D to a depthwise and a 1x1 convolution."""
    w = _weight(b, x, layer.depthwise_kernel, quantizer_of(layer, "depthwise"), _channelwise)
    y = _conv(b, x, layer, w, x.channels * int(layer.depth_multiplier), x.channels)
    pointwise = quantizer_of(layer, "pointwise")
    w = _weight(b, x, layer.pointwise_kernel, pointwise, _filters_first)
    ones = [1] * (len(x.shape) - 1)
    y = b.node(
        "Conv",
        [y.name, w],
        (*y.shape[:-1], int(layer.filters)),
        first=True,
        kernel_shape=ones,
        strides=ones,
        dilations=ones,
        pads=[0] * (2 * len(ones)),
        group=1,
        auto_pad="NOTSET",
    )
    return _finish(b, y, layer, layer.bias if layer.use_bias else None)
