"""Finds what a QKeras quantizer makes of a weight: integers, a step per channel, a bit width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.types import AnyArray

KNOWN = (
    "quantized_bits",
    "quantized_linear",
    "binary",
    "stochastic_binary",
    "ternary",
    "stochastic_ternary",
    "quantized_po2",
    "quantized_relu_po2",
)
_LINEAR = ("quantized_bits", "quantized_linear")
WIDEST_BITS = 24  # a float32 mantissa: wider weights are no integers in the model itself


@dataclass(frozen=True)
class QuantizedWeight:
    """A weight on its quantizer's grid: weight = integers * step, exactly in float32.

    Args:
        integers: in the shape of the weight.
        step: broadcasts against integers.
        bits: of the Quant node; 1 with `bipolar` is BipolarQuant.
    """

    integers: AnyArray
    step: AnyArray
    bits: int
    signed: bool
    narrow: bool
    bipolar: bool = False

    @property
    def values(self) -> AnyArray:
        """The quantized weight, float32."""
        return (self.integers * self.step).astype(np.float32)


def quantize_weight(quantizer: Any, weight: AnyArray, where: str) -> QuantizedWeight:
    """Call the quantizer as the layer does and find the integers behind its answer.

    Raises:
        UnsupportedLayer: a quantizer that is unknown or does not put the weights on a grid.
    """
    kind = type(quantizer).__name__
    problem = _refusal(quantizer, kind)
    if problem:
        raise UnsupportedLayer(where, *problem)
    values = call_without_straight_through(quantizer, weight)
    step = _step(quantizer, kind, values)
    integers = np.rint(values.astype(np.float64) / step)
    # x + (q - x) is how TensorFlow passes gradients through: an error of an epsilon of x.
    noise = 4 * np.finfo(np.float32).eps * (np.abs(weight).max(initial=1.0) + np.abs(values).max())
    if not np.all(np.abs(integers * step - values) <= noise):
        raise UnsupportedLayer(
            where,
            f"{kind} gave weights that are no multiples of its scale.",
            "retrain with quantized_bits, binary or ternary.",
        )
    result = _format(quantizer, kind, integers.astype(np.int64), step)
    if result.bits > WIDEST_BITS:
        raise UnsupportedLayer(
            where,
            f"{kind} spreads these weights over {result.bits} bits as integers.",
            f"retrain with quantized_bits, or limit max_value: {WIDEST_BITS} bits are carried.",
        )
    return result


def on_common_power_of_two(weight: QuantizedWeight) -> QuantizedWeight:
    """Return the weight with one scale per output channel at most, on the last axis.

    Powers of two that differ within an output channel, as alpha='auto_po2' with another
    scale_axis gives, become integers of more bits under the smallest of them. What cannot be
    written so is returned as it is.
    """
    others = tuple(range(weight.step.ndim - 1))
    smallest = weight.step.min(axis=others, keepdims=True)
    same = np.array_equal(np.broadcast_to(smallest, weight.step.shape), weight.step)
    if same or not np.all(np.frexp(weight.step)[0] == 0.5):
        return weight
    integers = np.rint(weight.integers * (weight.step / smallest)).astype(np.int64)
    largest = int(np.abs(integers).max(initial=1))
    bits = largest.bit_length() + 1
    if bits > WIDEST_BITS:
        return weight
    return QuantizedWeight(integers, smallest, bits, signed=True, narrow=True)


def quantize_parameter(quantizer: Any, values: AnyArray, where: str) -> AnyArray:
    """Return what the quantizer makes of a bias or a normalization parameter (no
    grid is needed).
    """
    if quantizer is None:
        return values
    kind = type(quantizer).__name__
    if kind.endswith("po2") or kind == "quantized_relu":  # of a variance, say
        return call_without_straight_through(quantizer, values)
    return quantize_weight(quantizer, values, where).values


def call_without_straight_through(quantizer: Any, x: AnyArray) -> AnyArray:
    """Return the quantizer's answer, without its gradient trick's float noise where it can."""
    had = getattr(quantizer, "use_ste", None)
    if had is not None:
        quantizer.use_ste = False
    try:
        return np.asarray(quantizer(x.astype(np.float32)), dtype=np.float32)
    finally:
        if had is not None:
            quantizer.use_ste = had


def _refusal(quantizer: Any, kind: str) -> tuple[str, str] | None:
    if kind not in KNOWN:
        return _unknown(kind)
    if number(getattr(quantizer, "qnoise_factor", 1.0)) != 1.0:
        return f"{kind} has qnoise_factor below 1, a state of training.", "set it to 1.0."
    if kind == "quantized_bits" and quantizer.bits < 2 and isinstance(quantizer.alpha, str):
        return "quantized_bits(1) with an automatic alpha divides by zero.", "use binary()."
    return None


def _unknown(kind: str) -> tuple[str, str]:
    why, fix = "is none of QKeras'", f"use one of {', '.join(KNOWN)}."
    match kind:
        case "bernoulli":
            why, fix = "draws new weights in every call", "retrain with binary or ternary."
        case "quantized_ulaw" | "quantized_sigmoid" | "quantized_hswish" | "quantized_tanh":
            why = "puts weights through a curve"
            fix = "retrain with quantized_bits or quantized_po2."
    return f"weight quantizer {kind} {why}.", fix


def number(value: Any) -> float:
    """Return a Python number out of a number, tensor or variable."""
    return float(np.asarray(value))


def _step(quantizer: Any, kind: str, values: AnyArray) -> AnyArray:
    """Return the grid the weights lie on, with as many axes as the weight."""
    if kind.endswith("po2"):
        nonzero = np.abs(values[values != 0])
        step = np.asarray(nonzero.min() if nonzero.size else 1.0, dtype=np.float32)
    elif kind == "quantized_linear":
        step = np.asarray(quantizer.quantization_scale, dtype=np.float32)
        # One signed bit answers minus or plus half a scale.
        step = step * np.float32(0.5 if quantizer.bits == 1 and quantizer.keep_negative else 1)
    else:
        step = np.abs(np.asarray(quantizer.scale, dtype=np.float32))
    if kind == "quantized_bits":
        magnitude_bits = int(quantizer.bits) - int(bool(quantizer.keep_negative))
        if magnitude_bits > 0:
            step = step * np.float32(2.0 ** (number(quantizer.integer) - magnitude_bits))
    step = step.reshape((1,) * (values.ndim - step.ndim) + step.shape)
    return np.where(np.isfinite(step) & (step > 0), step, 1.0).astype(np.float32)


def _format(quantizer: Any, kind: str, integers: AnyArray, step: AnyArray) -> QuantizedWeight:
    lo, hi = int(integers.min(initial=0)), int(integers.max(initial=0))
    one_bit = kind in ("binary", "stochastic_binary") or (kind in _LINEAR and quantizer.bits == 1)
    if one_bit and bool(np.all(np.abs(integers) == 1)):
        return QuantizedWeight(integers, step, 1, signed=True, narrow=False, bipolar=True)
    if kind in ("ternary", "stochastic_ternary"):
        return QuantizedWeight(integers, step, 2, signed=True, narrow=True)
    signed = lo < 0 or bool(getattr(quantizer, "keep_negative", False))
    bits = int(quantizer.bits) if kind in _LINEAR else 1
    while not _holds(bits, signed, lo, hi):
        bits += 1
    narrow = signed and bool(getattr(quantizer, "symmetric", False)) and lo > -(1 << (bits - 1))
    return QuantizedWeight(integers, step, bits, signed, narrow)


def _holds(bits: int, signed: bool, lo: int, hi: int) -> bool:
    if signed:
        return bits > 1 and -(1 << (bits - 1)) <= lo and hi < 1 << (bits - 1)
    return lo >= 0 and hi < 1 << bits
