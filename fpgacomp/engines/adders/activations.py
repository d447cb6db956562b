"""A Requantize as wires: additions, a shift and a clip, or thresholds where these are fewer."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fpgacomp.engines.shared.circuit.build import Builder
from fpgacomp.engines.shared.circuit.cost import comparator_luts
from fpgacomp.engines.shared.circuit.linear import times
from fpgacomp.engines.shared.circuit.nodes import Range, bits_of
from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.ir.infer import round_shift
from fpgacomp.ir.layers import Requantize, Rounding

# Output levels up to which thresholds are weighed against additions.
_MOST_LEVELS = 64
# Values of an input over which the thresholds are looked for.
_MOST_VALUES = 1 << 22


def requantized(layer: Requantize, channel: int, wire: int, builder: Builder) -> int:
    """The wire of one element."""
    multiplier, offset = (
        int(values.array[channel if values.array.size > 1 else 0])
        for values in (layer.multiplier, layer.offset)
    )
    span = builder.ranges[wire]
    steps = _thresholds(layer, multiplier, offset, span)
    if steps is not None:
        thresholds, base, step = steps
        compared = sum(comparator_luts(span, each) for each in thresholds)
        # Each threshold also flips about two bits of the output.
        if compared + len(thresholds) * 0.4 <= _adder_luts(layer, multiplier, offset, span):
            return builder.count(wire, thresholds, base, step)
    scaled = times(builder, wire, multiplier)
    total = builder.sum(scaled, builder.constant(offset))
    rounded = _rounded(total, layer.shift, layer.rounding, builder)
    clipped = builder.clip(rounded, layer.lo, layer.hi)
    return builder.sum(clipped, builder.constant(-layer.zero_point))


def _adder_luts(layer: Requantize, multiplier: int, offset: int, span: Range) -> float:
    """LUTs of the additions and the clip, roughly."""
    ends = sorted(end * multiplier + offset for end in span)
    wide = bits_of((ends[0], ends[1]))
    sums = max(int(signed_digits(np.array([multiplier])).sum()) - 1, 0)
    sums += int(offset != 0) + int(layer.rounding is not Rounding.FLOOR and layer.shift > 0)
    sums += int(layer.zero_point != 0)
    out = bits_of((layer.lo, layer.hi))
    clip = out + max(wide - layer.shift - out, 0) / 2.5
    return sums * wide * 0.9 + clip


def _thresholds(
    layer: Requantize, multiplier: int, offset: int, span: Range
) -> tuple[tuple[int, ...], int, int] | None:
    """(thresholds, base, step) of the same function; None where it has too many levels.

    It is monotone: each of its values but the first has a least input.
    """
    lo, hi = span
    if hi - lo >= _MOST_VALUES:
        return None
    return _levels(multiplier, offset, layer.shift, layer.rounding, layer.lo, layer.hi,
                   layer.zero_point, lo, hi)  # fmt: skip


@lru_cache(maxsize=4096)
def _levels(
    multiplier: int, offset: int, shift: int, rounding: Rounding, low: int, high: int, zero: int,
    lo: int, hi: int,
) -> tuple[tuple[int, ...], int, int] | None:  # fmt: skip
    values = np.arange(lo, hi + 1, dtype=np.int64)
    out = np.clip(round_shift(values * multiplier + offset, shift, rounding), low, high) - zero
    jumps = np.diff(out)
    count = int(np.abs(jumps).sum())
    if count > _MOST_LEVELS:
        return None
    at = np.flatnonzero(jumps)
    thresholds = np.repeat(values[at + 1], np.abs(jumps[at]))
    return tuple(thresholds.tolist()), int(out[0]), 1 if multiplier >= 0 else -1


def _rounded(total: int, shift: int, rounding: Rounding, builder: Builder) -> int:
    """total / 2**shift: an addend that depends on the sign or on the last bit that is kept."""
    if shift == 0:
        return total
    half, ones = 1 << (shift - 1), (1 << shift) - 1
    constant = builder.constant
    match rounding:
        case Rounding.FLOOR:
            return builder.right(total, shift)
        case Rounding.ROUND:
            odd = builder.low(builder.right(total, shift), 1)
            addend = builder.choose(odd, constant(half), constant(half - 1))
        case Rounding.HALF_UP:
            addend = builder.choose(builder.at_least(total, 0), constant(half), constant(half - 1))
        case Rounding.HALF_DOWN:
            addend = builder.choose(builder.at_least(total, 0), constant(half - 1), constant(half))
        case Rounding.UP:
            addend = builder.choose(builder.at_least(total, 0), constant(ones), constant(0))
        case Rounding.DOWN:
            addend = builder.choose(builder.at_least(total, 0), constant(0), constant(ones))
    return builder.right(builder.sum(total, addend), shift)
