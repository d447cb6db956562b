"""QONNX's quantizers for the reference executor, with what tells a rounding tie from an error.

The semantics are those of qonnx.custom_op.general (qonnx 1.0.0): the zero point is
added before the rounding and taken off after it; 1-bit signed is bipolar.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fpgacomp.evidence.reference.node import Operands, ReferenceNode, operand
from fpgacomp.ir.types import AnyArray

TIE = 2.0**-20  # relative distance to a rounding boundary that is called a tie


def _half_up(v: AnyArray) -> AnyArray:
    return np.asarray(np.sign(v) * np.floor(np.abs(v) + 0.5))


def _half_down(v: AnyArray) -> AnyArray:
    return np.asarray(np.sign(v) * np.ceil(np.abs(v) - 0.5))


def _away_from_zero(v: AnyArray) -> AnyArray:
    return np.asarray(np.sign(v) * np.ceil(np.abs(v)))


def _middle(lower: AnyArray) -> AnyArray:
    return lower + 0.5


def _top(lower: AnyArray) -> AnyArray:
    return lower + 1


def _bottom(lower: AnyArray) -> AnyArray:
    return lower


def _outer(lower: AnyArray) -> AnyArray:
    return np.where(lower >= 0, lower, lower + 1)


def _inner(lower: AnyArray) -> AnyArray:
    return np.where(lower >= 0, lower + 1, lower)


@dataclass(frozen=True)
class _Rounding:
    """A rounding function, and where it switches from an integer to the next higher one."""

    apply: Callable[[AnyArray], AnyArray]
    boundary_above: Callable[[AnyArray], AnyArray]


_ROUNDINGS = {
    "ROUND": _Rounding(np.rint, _middle),
    "HALF_EVEN": _Rounding(np.rint, _middle),
    "HALF_UP": _Rounding(_half_up, _middle),
    "HALF_DOWN": _Rounding(_half_down, _middle),
    "FLOOR": _Rounding(np.floor, _top),
    "CEIL": _Rounding(np.ceil, _bottom),
    "UP": _Rounding(_away_from_zero, _outer),
    "DOWN": _Rounding(np.trunc, _inner),
    "ROUND_TO_ZERO": _Rounding(np.trunc, _inner),
}


IsTie = Callable[["QuantizedBatch", AnyArray], AnyArray]


@dataclass(frozen=True)
class QuantizedBatch:
    """What one quantizer did to a batch: everything that tells a tie from an error.

    Args:
        before: the value in units of the step, zero point included, not yet clipped.
        codes: the integer it became (a float array that holds integers).
        scale: of one code; broadcasts against codes.
        offset: of the real value: real = codes * scale + offset.
        is_tie: (quantized, other codes) -> where `before` lies within 2**-20
            (relative) of every boundary between the own and the other code.
    """

    before: AnyArray
    codes: AnyArray
    scale: AnyArray
    offset: AnyArray
    is_tie: IsTie
    real: AnyArray = field(repr=False)

    def codes_of(self, real: AnyArray) -> AnyArray:
        """Return real values on this quantizer's grid as codes, not rounded."""
        return np.asarray((real - self.offset) / self.scale)

    def ties_with(self, others: AnyArray) -> AnyArray:
        """Return where another outcome is explained by a value on a rounding boundary."""
        return self.is_tie(self, others)


def _real_operand(operands: Operands, index: int) -> AnyArray:
    """An operand in real numbers: parameters in its type would lose what is behind the point."""
    value = operand(operands, index)
    return value if value.dtype.kind == "f" else value.astype(np.float64)


def quant(node: ReferenceNode, operands: Operands) -> QuantizedBatch:
    """Compute Quant(x, scale, zero point, bit width)."""
    x = _real_operand(operands, 0)
    scale, zero_point, bits = (operand(operands, i).astype(x.dtype) for i in (1, 2, 3))
    before = x / scale + zero_point
    if node.get("signed", 1) and np.all(bits == 1):
        codes = np.where(before >= 0, 1.0, -1.0).astype(before.dtype)
        is_tie: IsTie = _bipolar_tie
    else:
        rounding = _rounding(node, "ROUND")
        lo, hi = _limits(bool(node.get("signed", 1)), bool(node.get("narrow", 0)), bits)
        codes = rounding.apply(np.clip(before, lo, hi))
        is_tie = _rounding_tie(rounding)
    real = (codes - zero_point) * scale
    return QuantizedBatch(before, codes, scale, -zero_point * scale, is_tie, real)


def bipolar_quant(node: ReferenceNode, operands: Operands) -> QuantizedBatch:
    """Compute BipolarQuant(x, scale): the sign, zero counting as positive, times the scale."""
    x, scale = _real_operand(operands, 0), operand(operands, 1)
    codes = np.where(x >= 0, 1.0, -1.0).astype(x.dtype)
    zero = np.zeros((), dtype=x.dtype)
    return QuantizedBatch(x / np.abs(scale), codes, scale, zero, _bipolar_tie, codes * scale)


def trunc(node: ReferenceNode, operands: Operands) -> QuantizedBatch:
    """Compute Trunc, version 1 (5 operands) or version 2 (6 operands, with an output scale)."""
    x = _real_operand(operands, 0)
    scale, zero_point, bits_in = (operand(operands, i).astype(x.dtype) for i in (1, 2, 3))
    rounding = _rounding(node, "FLOOR")
    fine = x / scale + zero_point
    whole = np.rint(fine)
    if len(operands) == 5:
        before = whole / 2.0 ** (bits_in - operand(operands, 4))
        codes, step, shift = rounding.apply(before), scale, zero_point
    else:
        step = operand(operands, 4)
        ratio = 2.0 ** np.rint(np.log2(step / scale))
        lo, hi = _limits(
            bool(node.get("signed", 1)), bool(node.get("narrow", 0)), operand(operands, 5)
        )
        before, shift = whole / ratio, zero_point / ratio
        codes = rounding.apply(np.clip(before, lo, hi))
    real = (codes - shift) * step
    return QuantizedBatch(before, codes, step, -shift * step, _trunc_tie(fine), real)


def multi_threshold(node: ReferenceNode, operands: Operands) -> QuantizedBatch:
    """Compute MultiThreshold(x, thresholds [C or 1, n]): out_bias + out_scale * count(t <= x)."""
    x, thresholds = _real_operand(operands, 0), np.sort(operand(operands, 1), axis=-1)
    last = np.moveaxis(x, _channel_axis(node, x.ndim), -1)
    codes = np.empty(last.shape, dtype=x.dtype)
    rows = np.broadcast_to(thresholds, (last.shape[-1], thresholds.shape[1]))
    if len(thresholds) == 1:
        flat = np.searchsorted(thresholds[0], last.ravel(), side="right")
        codes[...] = flat.reshape(last.shape)
    else:
        for channel, row in enumerate(rows):
            codes[..., channel] = np.searchsorted(row, last[..., channel], side="right")
    codes = np.moveaxis(codes, -1, _channel_axis(node, x.ndim))
    scale = np.asarray(node.number("out_scale", 1.0), dtype=x.dtype)
    bias = np.asarray(node.number("out_bias", 0.0), dtype=x.dtype)
    is_tie = _threshold_tie(rows, _channel_axis(node, x.ndim))
    return QuantizedBatch(x, codes, scale, bias, is_tie, codes * scale + bias)


QUANTIZER_FUNCTIONS: dict[str, Callable[[ReferenceNode, Operands], QuantizedBatch]] = {
    "Quant": quant,
    "IntQuant": quant,
    "BipolarQuant": bipolar_quant,
    "Trunc": trunc,
    "MultiThreshold": multi_threshold,
}


def _limits(signed: bool, narrow: bool, bits: AnyArray) -> tuple[AnyArray, AnyArray]:
    if signed:
        half = 2.0 ** (bits - 1)
        return (1 - half if narrow else -half), half - 1
    return np.zeros_like(bits), np.asarray(2.0**bits - (2 if narrow else 1))


def _rounding(node: ReferenceNode, default: str) -> _Rounding:
    mode = str(node.get("rounding_mode", default)).upper()
    if mode not in _ROUNDINGS:
        raise node.unsupported(f"rounding mode {mode} is none of {', '.join(_ROUNDINGS)}.")
    return _ROUNDINGS[mode]


def _channel_axis(node: ReferenceNode, rank: int) -> int:
    """Return the axis of the channels: by data_layout, else by rank as qonnx guesses."""
    layout = node.get("data_layout", "") or {3: "NWC", 4: "NCHW"}.get(rank, "NC")
    return str(layout).index("C") if "C" in layout else 1


def _close(before: AnyArray, boundary: AnyArray) -> AnyArray:
    return np.asarray(np.abs(before - boundary) <= TIE * np.maximum(1, np.abs(before)))


def _bipolar_tie(done: QuantizedBatch, others: AnyArray) -> AnyArray:
    return np.asarray(_close(done.before, np.zeros(())) & (np.abs(others) == 1))


def _rounding_tie(rounding: _Rounding) -> IsTie:
    def is_tie(done: QuantizedBatch, others: AnyArray) -> AnyArray:
        first = rounding.boundary_above(np.minimum(done.codes, others))
        last = rounding.boundary_above(np.maximum(done.codes, others) - 1)
        return _close(done.before, first) & _close(done.before, last)

    return is_tie


def _trunc_tie(fine: AnyArray) -> IsTie:
    """Trunc drops bits of an integer, which is exact: only that integer can be in doubt."""

    def is_tie(done: QuantizedBatch, others: AnyArray) -> AnyArray:
        return _close(fine, np.floor(fine) + 0.5)

    return is_tie


def _threshold_tie(rows: AnyArray, axis: int) -> IsTie:
    """Ties relative to the thresholds [C, n] that lie between the two counts."""

    def is_tie(done: QuantizedBatch, others: AnyArray) -> AnyArray:
        ours, theirs, x = (np.moveaxis(a, axis, -1) for a in (done.codes, others, done.before))
        channel = np.arange(x.shape[-1])
        close = np.ones(x.shape, dtype=bool)
        top = rows.shape[1] - 1
        for count in (np.minimum(ours, theirs), np.maximum(ours, theirs) - 1):
            border = rows[channel, np.clip(count, 0, top).astype(np.int64)]
            close &= np.abs(x - border) <= TIE * np.maximum(1, np.abs(border))
        return np.moveaxis(close, -1, axis)

    return is_tie
