"""Integer activations that equal a staircase on every input: Requantize and Thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fpgacomp.ir.infer import round_shift
from fpgacomp.ir.layers import Rounding
from fpgacomp.ir.types import FloatArray, IntArray
from fpgacomp.lower.staircase import NO_STEP, Staircase

MAX_SHIFT = 40
_PRODUCT_BITS = 62


@dataclass(frozen=True)
class Multiplier:
    """clip(round((x * multiplier + offset) / 2**shift), lo, hi) in levels, per channel."""

    multiplier: IntArray
    offset: IntArray
    shift: int
    lo: int
    hi: int
    rounding: Rounding


@dataclass(frozen=True)
class Comparators:
    """base + step * (number of thresholds <= x), per channel, in levels."""

    thresholds: IntArray  # [C, n], ascending; hi + 1 never fires
    base: IntArray
    step: IntArray


def comparators(stairs: Staircase) -> Comparators:
    """Return the staircase itself as thresholds; those that fired before the range
    are in the base.
    """
    rising = stairs.direction > 0
    never = (stairs.hi + 1)[:, None]
    lowest = stairs.lo[:, None]
    # Rising: fires from `reach` on. Falling, in x: level lost from -below on.
    up = np.where(stairs.reach == NO_STEP, never, np.maximum(stairs.reach, lowest))
    lost = np.where(stairs.below == -NO_STEP, never, -stairs.below)
    down = np.where(stairs.reach == NO_STEP, lowest, np.minimum(lost, never))
    table = np.sort(np.where(rising[:, None], up, down), axis=1)
    first = int(stairs.levels[0]) - 1 if len(stairs.levels) else int(stairs.start.min())
    count = len(stairs.levels)
    base = np.where(rising, first, first + count)
    step = np.where(rising, 1, -1)
    return _without_constant_columns(Comparators(table, base, step), stairs)


def _without_constant_columns(found: Comparators, stairs: Staircase) -> Comparators:
    """Drop columns that fire always, or never, in all channels."""
    always = (found.thresholds <= stairs.lo[:, None]).all(axis=0)
    never = (found.thresholds > stairs.hi[:, None]).all(axis=0)
    base = found.base + found.step * int(always.sum())
    return Comparators(found.thresholds[:, ~(always | never)], base, found.step)


def find_multiplier(stairs: Staircase, slope: FloatArray) -> Multiplier | None:
    """Return the narrowest multiplier, offset and shift that equal the staircase everywhere.

    A non-decreasing function equals the staircase if and only if it is short of each
    level at `below` and reaches it at `reach`; both are checked for every level and
    channel, which is the proof. `slope` [C or 1] (levels per input) only says where
    to look: at each shift the two integers around slope * 2**shift. What lies outside
    the staircase's lowest and highest level is the clamp's work.
    """
    channels = len(stairs.lo)
    lo, hi = int(stairs.start.min()), int(stairs.end.max())
    slope = abs(np.broadcast_to(slope, (channels,)))
    if len(stairs.levels) == 0:
        constant = np.full(channels, lo)
        return Multiplier(constant * 0, constant, 0, lo, hi, Rounding.FLOOR)
    solved_m = np.zeros(channels, dtype=np.int64)
    solved_o = np.zeros(channels, dtype=np.int64)
    solved_at = np.full(channels, -1)
    for shift in range(MAX_SHIFT + 1):
        todo = np.flatnonzero(solved_at < 0)
        if len(todo) == 0:
            break
        if not _within_bits(stairs, slope, shift):
            return None
        for m in _candidates(slope[todo], shift):
            offset = _offset_at(stairs, todo, m, shift)
            hit = (offset != NO_STEP) & (solved_at[todo] < 0)
            where = todo[hit]
            solved_m[where], solved_o[where], solved_at[where] = m[hit], offset[hit], shift
    if np.any(solved_at < 0):
        return None
    shift = int(solved_at.max())
    grow = shift - solved_at
    multiplier, offset = solved_m << grow, solved_o << grow
    return Multiplier(multiplier * stairs.direction, offset, shift, lo, hi, Rounding.FLOOR)


def _within_bits(stairs: Staircase, slope: FloatArray, shift: int) -> bool:
    largest = float(np.maximum(abs(stairs.lo), abs(stairs.hi)).max() + 1)
    top = float(abs(stairs.levels).max() + 1)
    return (largest * float(slope.max()) + top) * 2.0**shift < 2.0**_PRODUCT_BITS


def _candidates(slope: FloatArray, shift: int) -> tuple[IntArray, IntArray]:
    scaled = slope * 2.0**shift
    return np.floor(scaled).astype(np.int64), np.ceil(scaled).astype(np.int64)


def _offset_at(stairs: Staircase, rows: IntArray, m: IntArray, shift: int) -> IntArray:
    """Return [rows] the offset of least magnitude that fits all levels; NO_STEP where none does."""
    below, reach = stairs.below[rows], stairs.reach[rows]
    target = stairs.levels << shift
    has_reach, has_below = reach != NO_STEP, below != -NO_STEP
    least = np.where(has_reach, target - m[:, None] * np.where(has_reach, reach, 0), -NO_STEP)
    most = np.where(has_below, target - 1 - m[:, None] * np.where(has_below, below, 0), NO_STEP)
    low, high = least.max(axis=1), most.min(axis=1)
    offset = np.clip(0, low, high) if shift == 0 else _roundest(low, high)
    return np.where(low <= high, offset, NO_STEP)


def _roundest(low: IntArray, high: IntArray) -> IntArray:
    """Return an integer in low..high with as many trailing zeros as possible (cheaper to add)."""
    chosen = low.copy()
    for bit in range(1, MAX_SHIFT):
        unit = 1 << bit
        up = -((-low) // unit) * unit
        chosen = np.where((up <= high) & (low > -NO_STEP), up, chosen)
    return np.where(low == -NO_STEP, np.minimum(high, 0), chosen)


def native_multiplier(
    stairs: Staircase, slope: FloatArray, intercept: FloatArray, rounding: Rounding
) -> Multiplier | None:
    """Return the quantizer's own rounding on a dyadic slope and intercept, checked
    at every step.
    """
    channels = len(stairs.lo)
    lo, hi = int(stairs.start.min()), int(stairs.end.max())
    slope = np.broadcast_to(slope, (channels,))
    intercept = np.broadcast_to(intercept, (channels,))
    for shift in range(MAX_SHIFT + 1):
        if not _within_bits(stairs, abs(slope), shift):
            return None
        m, o = slope * 2.0**shift, intercept * 2.0**shift
        if np.array_equal(m, np.round(m)) and np.array_equal(o, np.round(o)):
            whole_m, whole_o = m.astype(np.int64), o.astype(np.int64)
            found = Multiplier(whole_m, whole_o, shift, lo, hi, rounding)
            return found if _agrees(found, stairs) else None
    return None


def _agrees(found: Multiplier, stairs: Staircase) -> bool:
    """Return whether the function is short of each level at `below` and at it from `reach` on."""
    direction, levels = stairs.direction[:, None], stairs.levels

    def value(at: IntArray) -> IntArray:
        product = direction * at * found.multiplier[:, None] + found.offset[:, None]
        return np.clip(round_shift(product, found.shift, found.rounding), found.lo, found.hi)

    has_reach, has_below = stairs.reach != NO_STEP, stairs.below != -NO_STEP
    reached = value(np.where(has_reach, stairs.reach, 0)) >= levels
    short = value(np.where(has_below, stairs.below, 0)) < levels
    ends = value(np.where(stairs.direction > 0, stairs.lo, -stairs.hi)[:, None])[:, 0]
    monotone = np.all(found.multiplier * stairs.direction >= 0)
    return bool(
        np.all(reached | ~has_reach)
        and np.all(short | ~has_below)
        and np.array_equal(ends, stairs.start)
        and monotone
    )
