"""A function from integers to levels, known exactly by where its steps lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fpgacomp.ir.types import IntArray

LevelFunction = Callable[[IntArray], IntArray]  # [n, C] integers -> [n, C] levels

FULL_EVALUATION = 1 << 22  # most evaluations (integers times channels) that are done one by one
MOST_STEPS = 1 << 25  # steps times channels; some ten arrays of 8 bytes each are made of them
NO_STEP = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Staircase:
    """Per channel a monotone level function over lo..hi, rising or falling.

    With r = +1 (rising) or -1 (falling), level q is reached where r * x >= r * first[c, q].
    Every input in range is covered, so what equals the staircase equals the function.

    Args:
        lo: [C] lowest input.
        hi: [C] highest input.
        direction: [C] of +1 or -1; +1 where the function is constant.
        start: [C] level at the end where the staircase begins (lo rising, hi falling).
        end: [C] level at the other end.
        levels: [n] every level above the lowest start up to the highest end, ascending.
        below: [C, n] the last input short of each level, in r * x; -NO_STEP: there is none.
        reach: [C, n] the first input that reaches it, in r * x; NO_STEP: there is none.
    """

    lo: IntArray
    hi: IntArray
    direction: IntArray
    start: IntArray
    end: IntArray
    levels: IntArray
    below: IntArray
    reach: IntArray


class TooManySteps(Exception):
    """A function with more steps than there is memory for.

    Args:
        steps: how many steps each channel has.
    """

    def __init__(self, steps: int) -> None:
        super().__init__(f"{steps} steps")
        self.steps = steps


def evaluate_all(function: LevelFunction, lo: IntArray, hi: IntArray) -> tuple[IntArray, IntArray]:
    """Return (inputs [n, C], levels [n, C]) over every integer; shorter channels
    repeat their end.
    """
    longest = int((hi - lo).max()) + 1
    inputs = np.minimum(lo + np.arange(longest)[:, None], hi)
    return inputs, function(inputs)


def is_small(lo: IntArray, hi: IntArray) -> bool:
    """Return whether the ranges are small enough to evaluate every integer of every channel."""
    return int((hi - lo).max() + 1) * len(lo) <= FULL_EVALUATION


def build(
    function: LevelFunction, lo: IntArray, hi: IntArray, direction: IntArray | None
) -> Staircase | None:
    """Return the staircase of a function, every step found; None where the function is not
    monotone.

    Small ranges are evaluated whole, which also checks the direction. For larger
    ranges the steps are found by bisection, which needs a function known to be
    monotone by construction (`direction`); None where it is not known.

    Raises:
        TooManySteps: before memory is taken for them.
    """
    if is_small(lo, hi):
        direction = _observed_direction(function, lo, hi)
    if direction is None:
        return None
    direction = np.where(direction == 0, 1, direction).astype(np.int64)

    def rising(x: IntArray) -> IntArray:
        return function(direction * x)

    low = np.where(direction > 0, lo, -hi)
    high = np.where(direction > 0, hi, -lo)
    start, end = rising(low[None])[0], rising(high[None])[0]
    steps = int(end.max()) - int(start.min())
    if steps * len(low) > MOST_STEPS:
        raise TooManySteps(steps)
    levels = np.arange(int(start.min()) + 1, int(end.max()) + 1)
    reach = _bisect(rising, low, high, levels, end)
    below = np.where(reach == NO_STEP, high[:, None], reach - 1)
    below = np.where(reach <= low[:, None], -NO_STEP, below)
    return Staircase(lo, hi, direction, start, end, levels, below, reach)


def loosened(stairs: Staircase, surely: LevelFunction, maybe: LevelFunction) -> Staircase:
    """Return the staircase with less to hold: what is in doubt may lie on either side.

    Args:
        stairs: of a function between the two others.
        surely: a level function that is nowhere higher.
        maybe: a level function that is nowhere lower.
    """
    direction = stairs.direction
    low = np.where(direction > 0, stairs.lo, -stairs.hi)
    high = np.where(direction > 0, stairs.hi, -stairs.lo)

    def first(function: LevelFunction) -> IntArray:
        end = function((direction * high)[None])[0]
        return _bisect(lambda x: function(direction * x), low, high, stairs.levels, end)

    reach, doubt = first(surely), first(maybe)
    below = np.where(doubt == NO_STEP, high[:, None], doubt - 1)
    below = np.where(doubt <= low[:, None], -NO_STEP, below)
    return replace(stairs, below=below, reach=reach)


def _observed_direction(function: LevelFunction, lo: IntArray, hi: IntArray) -> IntArray | None:
    _, outputs = evaluate_all(function, lo, hi)
    steps = np.diff(outputs, axis=0)
    rises, falls = (steps > 0).any(axis=0), (steps < 0).any(axis=0)
    if np.any(rises & falls):
        return None
    return np.where(falls, -1, 1)


def _bisect(
    rising: LevelFunction, low: IntArray, high: IntArray, levels: IntArray, end: IntArray
) -> IntArray:
    """Return [C, n] first input whose level is >= levels[n]; NO_STEP where none is."""
    channels, count = len(low), len(levels)
    if count == 0:
        return np.zeros((channels, 0), dtype=np.int64)
    # Invariant: the level at `right` is reached, at `left` it is not (low - 1 stands for none).
    left = np.broadcast_to(low - 1, (count, channels)).copy()
    right = np.broadcast_to(high, (count, channels)).copy()
    while np.any(right - left > 1):
        middle = left + (right - left) // 2
        probe = np.maximum(middle, low)  # left + 1 where the gap is closed, which changes nothing
        reached = rising(probe) >= levels[:, None]
        open_gap = right - left > 1
        right = np.where(open_gap & reached, middle, right)
        left = np.where(open_gap & ~reached, middle, left)
    right = np.where(end >= levels[:, None], right, NO_STEP)
    return np.ascontiguousarray(right.T)
