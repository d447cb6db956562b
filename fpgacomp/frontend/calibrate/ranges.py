"""Turns observed values into a quantizer's scale: min-max, percentile or least squared error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fpgacomp.frontend.calibrate.options import RangeMethod, ScaleKind
from fpgacomp.frontend.quantizers import integer_range
from fpgacomp.ir.types import AnyArray

CANDIDATES = np.linspace(0.2, 1.0, 81)  # fractions of the full range that MSE tries
FINER_EXPONENTS = 6  # how many smaller powers of two MSE tries
# A channel whose weights are this much smaller than the largest channel's is as good as
# zero; a scale of its own would only cost a wide multiplier in hardware.
WIDEST_RATIO = 2.0**-20


@dataclass(frozen=True)
class QuantizerFormat:
    """An integer range and its flags; `zero_point` is added before rounding, as QONNX does."""

    bits: int
    signed: bool
    narrow: bool = False
    zero_point: int = 0

    @property
    def range(self) -> tuple[int, int]:
        """Lowest and highest integer, the zero point taken off."""
        lo, hi = integer_range(self.bits, signed=self.signed, narrow=self.narrow)
        return lo - self.zero_point, hi - self.zero_point


def power_of_two(scale: AnyArray) -> AnyArray:
    """Return the next power of two that is not smaller (a scale within 1e-6 of one is that one)."""
    return np.exp2(np.ceil(np.log2(scale) - 1e-6))


def full_scale(lo: AnyArray, hi: AnyArray, form: QuantizerFormat) -> AnyArray:
    """Return the smallest scales at which lo..hi does not saturate.

    Where all values are zero any scale will do: it takes the largest of the others.
    """
    low, high = form.range
    scale = np.maximum(hi, 0.0) / high
    if low < 0:
        scale = np.maximum(scale, np.minimum(lo, 0.0) / low)
    return _floored(scale)


def _floored(scale: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the scales, none of them zero nor out of all proportion to the largest."""
    largest = scale.max() or 1.0
    return np.where(scale > 0, np.maximum(scale, largest * WIDEST_RATIO), largest)


def quantize(values: AnyArray, scale: AnyArray, form: QuantizerFormat) -> AnyArray:
    """Return what Quant makes of values, in float64."""
    low, high = form.range
    return np.clip(np.rint(values / scale), low, high) * scale


def choose_scale(
    samples: AnyArray,
    lo: float,
    hi: float,
    form: QuantizerFormat,
    *,
    kind: ScaleKind,
    method: RangeMethod,
    percentile: float,
) -> float:
    """Return one scale for an activation.

    Args:
        samples: values seen, flat; a subset where there were too many.
        lo, hi: the extremes of all values.
    """
    if method == "percentile":
        tail = (100.0 - percentile) / 2 if form.range[0] < 0 else 100.0 - percentile
        top = float(np.percentile(samples, 100.0 - tail))
        bottom = float(np.percentile(samples, tail)) if form.range[0] < 0 else 0.0
        if top > 0 or bottom < 0:  # otherwise nearly all values are zero, and the extremes stay
            lo, hi = bottom, top
    largest = full_scale(np.asarray([lo]), np.asarray([hi]), form)
    if kind == "power-of-two":
        largest = power_of_two(largest)
    if method != "mse":
        return float(largest[0])
    return float(_least_error(samples.reshape(1, -1).astype(np.float64), largest, form, kind)[0])


def choose_weight_scales(
    rows: AnyArray, form: QuantizerFormat, *, kind: ScaleKind, method: RangeMethod
) -> npt.NDArray[np.float64]:
    """Return one scale per row of [channels, weights]; percentile is min-max here (all weights
    count).
    """
    rows = rows.astype(np.float64)
    largest = full_scale(rows.min(axis=1), rows.max(axis=1), form)
    if kind == "power-of-two":
        largest = power_of_two(largest)
    return _least_error(rows, largest, form, kind) if method == "mse" else largest


def bipolar_scales(rows: AnyArray, *, kind: ScaleKind) -> npt.NDArray[np.float64]:
    """Return the mean magnitude per row: the least squared error of sign(w) * scale."""
    scale: npt.NDArray[np.float64] = np.abs(rows.astype(np.float64)).mean(axis=1)
    scale = _floored(scale)
    return np.exp2(np.rint(np.log2(scale))) if kind == "power-of-two" else scale


def _least_error(
    rows: AnyArray, largest: AnyArray, form: QuantizerFormat, kind: ScaleKind
) -> npt.NDArray[np.float64]:
    """Return, per row, the candidate scale (at most `largest`) with the least squared error."""
    if kind == "power-of-two":
        factors = np.exp2(-np.arange(FINER_EXPONENTS + 1.0))
    else:
        factors = CANDIDATES[::-1]
    best = np.asarray(largest, dtype=np.float64).copy()
    least = np.full(len(rows), np.inf)
    for factor in factors:
        scale = largest * factor
        error = np.square(quantize(rows, scale[:, None], form) - rows).mean(axis=1)
        better = error < least
        best[better], least[better] = scale[better], error[better]
    return best
