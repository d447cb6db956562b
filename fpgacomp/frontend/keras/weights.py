"""Writes weights of Dense and convolution layers as constants under explicit quantizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.weight_quantizers import (
    QuantizedWeight,
    on_common_power_of_two,
    quantize_parameter,
    quantize_weight,
)
from fpgacomp.ir.types import AnyArray

Relayout = Callable[[AnyArray], AnyArray]


def weight(b: KerasGraphWriter, values: Any, quantizer: Any, relayout: Relayout, axis: int) -> str:
    """Append a weight in ONNX's layout, float or under Quant or BipolarQuant; return its name.

    Args:
        values: as Keras stores them.
        relayout: to ONNX's axes.
        axis: the output channel's axis there, along which the scale may vary.
    """
    array = np.asarray(values, dtype=np.float32)
    if quantizer is None:
        return b.constant("weight", relayout(array))
    quantized = on_common_power_of_two(quantize_weight(quantizer, array, b.layer))
    full_step = relayout(np.broadcast_to(quantized.step, array.shape))
    scale = _per_channel(b, full_step, axis)
    source = b.constant("weight", relayout(quantized.values))
    if quantized.bipolar:
        return b.weight_node("BipolarQuant", [source, b.constant("scale", scale)], full_step.shape)
    return _quant(b, source, scale, quantized, full_step.shape)


def _quant(
    b: KerasGraphWriter,
    source: str,
    scale: AnyArray,
    quantized: QuantizedWeight,
    shape: tuple[int, ...],
) -> str:
    inputs = [
        source,
        b.constant("scale", scale),
        b.constant("zero_point", 0.0),
        b.constant("bit_width", float(quantized.bits)),
    ]
    return b.weight_node(
        "Quant",
        inputs,
        shape,
        signed=int(quantized.signed),
        narrow=int(quantized.narrow),
        rounding_mode="ROUND",
    )


def _per_channel(b: KerasGraphWriter, step: AnyArray, axis: int) -> AnyArray:
    """Return one number, or one along `axis`."""
    if np.all(step == step.flat[0]):
        return np.asarray(step.flat[0])
    others = tuple(i for i in range(step.ndim) if i != axis)
    scale: AnyArray = step.max(axis=others, keepdims=True)
    if not np.array_equal(np.broadcast_to(scale, step.shape), step):
        raise b.refuse(
            "the weight scale varies within an output channel (per input channel or element).",
            "retrain with scale_axis of the output channel, or with alpha='auto_po2'.",
        )
    return scale


def add_bias(b: KerasGraphWriter, x: KerasTensor, values: Any, quantizer: Any) -> KerasTensor:
    """Append a bias (None: nothing), already in quantized values where it has a quantizer."""
    if values is None:
        return x
    bias = quantize_parameter(quantizer, np.asarray(values, dtype=np.float32), b.layer)
    return b.same("Add", x, b.constant("bias", b.per_channel(x, bias)))


def quantizer_of(layer: Any, role: str) -> Any:
    """Return the quantizer the layer calls on its kernel, bias, ...; None for plain Keras."""
    return getattr(layer, f"{role}_quantizer_internal", None)
