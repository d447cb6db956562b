"""Writes QKeras activation quantizers as ONNX nodes: a float function, then Quant or
MultiThreshold.

Formulas: qkeras/quantizers.py 0.9.0, `__call__` of each class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.powers_of_two import power_of_two_levels
from fpgacomp.frontend.keras.weight_quantizers import number
from fpgacomp.network.operators import QONNX_DOMAIN

MAX_LEVELS = 1 << 10  # thresholds per channel; the later stages carry no more
TERNARY_THRESHOLD = 0.33  # qkeras ternary.default_threshold


def quantize_activation(b: KerasGraphWriter, x: KerasTensor, quantizer: Any) -> KerasTensor:
    """Append nodes that compute `quantizer(x)` as in inference.

    Raises:
        UnsupportedLayer: a quantizer that is unknown, random, or depends on the batch.
    """
    kind = type(quantizer).__name__
    if number(getattr(quantizer, "qnoise_factor", 1.0)) != 1.0:
        raise b.refuse(f"{kind} has qnoise_factor below 1, a state of training.", "set it to 1.0.")
    match kind:
        case "quantized_bits":
            return _bits(b, x, quantizer)
        case "quantized_linear":
            return _linear(b, x, quantizer)
        case "quantized_relu":
            return _relu(b, x, quantizer)
        case "quantized_tanh":
            return _tanh(b, x, quantizer)
        case "quantized_sigmoid":
            return _sigmoid(b, x, quantizer)
        case "quantized_hswish":
            return _hswish(b, x, quantizer)
        case "binary" | "stochastic_binary":
            return _binary(b, x, quantizer)
        case "ternary" | "stochastic_ternary":
            return _ternary(b, x, quantizer)
        case "quantized_po2" | "quantized_relu_po2":
            return _powers_of_two(b, x, quantizer)
    raise b.refuse(*_not_carried(kind))


def _not_carried(kind: str) -> tuple[str, str]:
    """Return why an activation quantizer has no exact integer form, and the remedy."""
    match kind:
        case "bernoulli":
            why = "answers at random, also in inference."
            fix = "retrain with binary, or quantized_bits(1)."
        case "quantized_ulaw":
            why = "answers levels on a logarithmic curve, which are no integers times a scale."
            fix = "retrain with quantized_bits or quantized_tanh."
        case _:
            why = "is none of QKeras'."
            fix = "retrain with quantized_bits, quantized_relu, quantized_tanh or ternary."
    return f"activation quantizer {kind} {why}", fix


def quant(
    b: KerasGraphWriter,
    x: KerasTensor,
    scale: float,
    bits: int,
    *,
    signed: bool,
    narrow: bool = False,
) -> KerasTensor:
    """Append a Quant with one scale, zero point 0, rounding half to even as tf.round does."""
    if bits < 2 and signed:
        raise b.refuse("one signed bit has no linear grid.", "use binary(), or two bits.")
    parameters = (("scale", scale), ("zero_point", 0.0), ("bit_width", float(bits)))
    extra = [b.constant(name, value) for name, value in parameters]
    attributes = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": "ROUND"}
    return b.same("Quant", x, *extra, domain=QONNX_DOMAIN, **attributes)


def clip(b: KerasGraphWriter, x: KerasTensor, lo: float | None, hi: float | None) -> KerasTensor:
    """Append a Clip with both ends given (the widest float for none), or nothing."""
    if lo is None and hi is None:
        return x
    widest = float(np.finfo(np.float32).max)
    ends = (-widest if lo is None else lo, widest if hi is None else hi)
    return b.same("Clip", x, *(b.constant("limit", end) for end in ends))


def _alpha(b: KerasGraphWriter, quantizer: Any) -> float:
    """Return the constant factor; a string would mean that it is taken from each batch."""
    alpha = quantizer.alpha
    if isinstance(alpha, str):
        raise b.refuse(
            f"{type(quantizer).__name__} with alpha='{alpha}' takes its scale from every batch.",
            "retrain with alpha=None or a number for activations.",
        )
    factor = 1.0 if alpha is None else np.asarray(alpha, dtype=np.float64)
    if np.size(factor) != 1 or float(np.ravel(factor)[0]) <= 0:
        raise b.refuse(
            f"{type(quantizer).__name__} has alpha {alpha}.", "use one positive number, or None."
        )
    return float(np.ravel(factor)[0])


def _bits(b: KerasGraphWriter, x: KerasTensor, q: Any) -> KerasTensor:
    alpha, signed = _alpha(b, q), bool(q.keep_negative)
    magnitude_bits = int(q.bits) - int(signed)
    if magnitude_bits == 0:
        return _bipolar(b, x, alpha) if signed else _step_at_zero(b, x, alpha)
    step = 2.0 ** (number(q.integer) - magnitude_bits)
    narrow = signed and bool(q.symmetric)
    y = quant(b, x, step, int(q.bits), signed=signed, narrow=narrow)
    return y if alpha == 1.0 else b.same("Mul", y, b.constant("alpha", alpha))


def _linear(b: KerasGraphWriter, x: KerasTensor, q: Any) -> KerasTensor:
    signed = bool(q.keep_negative)
    step = _alpha(b, q) * 2.0 ** (number(q.integer) - int(q.bits) + int(signed))
    if int(q.bits) == 1 and signed:  # answers minus or plus half a step
        return _bipolar(b, x, step / 2)
    return quant(b, x, step, int(q.bits), signed=signed, narrow=signed and bool(q.symmetric))


def _relu(b: KerasGraphWriter, x: KerasTensor, q: Any) -> KerasTensor:
    if q.use_sigmoid:
        raise b.refuse(
            "quantized_relu with use_sigmoid rounds two curves into one.",
            "retrain with use_sigmoid=0.",
        )
    slope = float(q.negative_slope)
    magnitude_bits = int(q.bits) - int(slope != 0)
    step = 2.0 ** (number(q.integer) - magnitude_bits)
    limit = None if q.is_quantized_clip or not q.relu_upper_bound else float(q.relu_upper_bound)
    if limit is not None and not (limit / step).is_integer():
        raise b.refuse(
            f"relu_upper_bound {limit:g} is no multiple of the step {step:g}.",
            "choose a multiple, or is_quantized_clip=True.",
        )
    if slope == 0:
        y = b.same("Relu", x) if limit is None else clip(b, x, 0.0, limit)
        return quant(b, y, step, int(q.bits), signed=False)
    lowest = slope * 2.0**magnitude_bits
    if not lowest.is_integer():
        raise b.refuse(
            f"negative_slope {slope:g} saturates below one step of {step:g}.",
            "use a larger negative_slope or more bits.",
        )
    top = (2.0**magnitude_bits - 1) * step
    y = b.same("LeakyRelu", x, alpha=slope)
    y = clip(b, y, -lowest * step, top if limit is None else min(top, limit))
    bits = 1 + max(magnitude_bits, int(lowest - 1).bit_length())
    return quant(b, y, step, bits, signed=True)


def _sigmoid_kind() -> str:
    """Return what qkeras.set_internal_sigmoid chose: hard, smooth or real."""
    from qkeras import quantizers

    functions = {quantizers.hard_sigmoid: "hard", quantizers.smooth_sigmoid: "smooth"}
    return functions.get(quantizers._sigmoid, "real")


def _tanh(b: KerasGraphWriter, x: KerasTensor, q: Any) -> KerasTensor:
    kind = "tanh" if q.use_real_tanh else _sigmoid_kind()
    if kind == "tanh":
        y = b.same("Tanh", x)
    elif kind == "real":  # 2 sigmoid(x) - 1 = tanh(x / 2)
        y = b.same("Tanh", b.same("Mul", x, b.constant("half", 0.5)))
    else:
        y = x if kind == "hard" else b.same("Mul", x, b.constant("slope", 0.375))
        y = clip(b, y, -1.0, 1.0)
    step = 2.0 ** (1 - int(q.bits))
    return quant(b, y, step, int(q.bits), signed=True, narrow=bool(q.symmetric))


def _sigmoid(b: KerasGraphWriter, x: KerasTensor, q: Any) -> KerasTensor:
    kind = "real" if q.use_real_sigmoid else _sigmoid_kind()
    if kind == "real":
        y = b.same("Sigmoid", x)
    else:
        y = b.same("HardSigmoid", x, alpha=0.5 if kind == "hard" else 0.1875, beta=0.5)
    step = 2.0 ** -int(q.bits)
    if q.symmetric:
        y = clip(b, y, step, 1.0)
    return quant(b, y, step, int(q.bits), signed=False)


def _hswish(b: KerasGraphWriter, x: KerasTensor, q: Any) -> KerasTensor:
    if (q.relu_shift, q.relu_upper_bound) != (3, 6):
        raise b.refuse(
            f"quantized_hswish with relu_shift {q.relu_shift} and bound {q.relu_upper_bound}.",
            "use relu_shift=3, relu_upper_bound=6.",
        )
    return _bits(b, b.same("HardSwish", x), q)


def _binary(b: KerasGraphWriter, x: KerasTensor, q: Any) -> KerasTensor:
    alpha = _alpha(b, q)
    return _step_at_zero(b, x, alpha) if q.use_01 else _bipolar(b, x, alpha)


def _bipolar(b: KerasGraphWriter, x: KerasTensor, scale: float) -> KerasTensor:
    return b.same("BipolarQuant", x, b.constant("scale", scale), domain=QONNX_DOMAIN)


def _step_at_zero(b: KerasGraphWriter, x: KerasTensor, scale: float) -> KerasTensor:
    """Append a step: 0 below zero, `scale` from zero on."""
    return _thresholds(b, x, [0.0], "BINARY", scale, 0.0)


def _ternary(b: KerasGraphWriter, x: KerasTensor, q: Any) -> KerasTensor:
    threshold = np.float32(TERNARY_THRESHOLD if q.threshold is None else q.threshold)
    scale = _alpha(b, q)
    if threshold <= 0:
        raise b.refuse(f"ternary with threshold {threshold}.", "use a positive threshold.")
    # The output is -1 up to and including -threshold: 0 begins at the next float above it.
    zero_from = float(np.nextafter(-threshold, np.float32(0)))
    return _thresholds(b, x, [zero_from, float(threshold)], "TERNARY", scale, -scale)


def _thresholds(
    b: KerasGraphWriter,
    x: KerasTensor,
    thresholds: Sequence[float],
    dtype: str,
    scale: float,
    bias: float,
) -> KerasTensor:
    if not x.first and len(x.shape) > 1:
        x = b.channels_first(x)
    return b.same(
        "MultiThreshold",
        x,
        b.constant("thresholds", np.asarray([thresholds], dtype=np.float32)),
        domain=QONNX_DOMAIN,
        out_dtype=dtype,
        out_scale=scale,
        out_bias=bias,
    )


def _powers_of_two(b: KerasGraphWriter, x: KerasTensor, q: Any) -> KerasTensor:
    """Append quantized_po2 or quantized_relu_po2 as thresholds, some of them repeated.

    A step from one power of two to the next is as many equal thresholds as it has units of
    the smallest level.
    """
    levels = power_of_two_levels(b, q)
    unit = float(np.abs(levels.values).min())
    integers = np.rint(levels.values / unit).astype(np.int64)
    steps = np.diff(integers)
    if steps.sum() > MAX_LEVELS:
        raise b.refuse(
            f"{type(q).__name__}({q.bits}) spreads over {steps.sum() + 1} integers from "
            f"{levels.values[0]:g} to {levels.values[-1]:g}, more than {MAX_LEVELS + 1}.",
            "retrain with fewer bits, or with quantized_relu or quantized_bits.",
        )
    lo, hi = int(integers[0]), int(integers[-1])
    bits = max(hi.bit_length(), (-lo - 1).bit_length() if lo < 0 else 0) + int(lo < 0)
    dtype = f"INT{bits}" if lo < 0 else f"UINT{bits}"
    thresholds = np.repeat(levels.borders, steps)
    return _thresholds(b, x, list(thresholds), dtype, unit, lo * unit)
