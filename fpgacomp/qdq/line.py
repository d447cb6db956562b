"""Writes an activation layer as y = clip(round(a * x + b)) in float32, exactly.

Other engines quantize with a float factor. A Requantize, Thresholds or Lookup layer is a function
of the integers of one channel, and float32 is exact for integers below 2**24, so it is enough that
a * x + b comes out on the right side of every border between two outputs. Of all lines that do,
one is taken that stays away from the borders: an engine that merges the factor into the
convolution, or adds in another order, then still rounds to the same integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fpgacomp.host.solver import largest_slack
from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import Activation, Lookup, Requantize
from fpgacomp.ir.types import Float32Array, IntArray

FLOAT32_INTEGERS = 1 << 24  # every integer of at most this magnitude is a float32
# A line is taken as it is where its distance from each border is that many units of rounding.
_SAFE_UNITS = 64.0
# A slack of 0 is a line that meets ties, which round to even: whether it does is tried in float32.
_SOLVER_ERROR = 1e-6
# Integers that are looked at at once: 8 bytes each, in a few arrays.
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class RoundedLine:
    """y = clip(round_half_even(factor * x + offset), lo, hi), in float32.

    Args:
        factor, offset: [C], or [1] where all channels have the same.
        lo, hi: the least and the largest output.
        distance: least distance of factor * x + offset from a border of rounding, over all x.
    """

    factor: Float32Array
    offset: Float32Array
    lo: int
    hi: int
    distance: float


@dataclass(frozen=True)
class _Points:
    """Integers of one channel that decide its function: the ends, and both sides of each step."""

    x: IntArray
    y: IntArray


def line_of(layer: Activation) -> RoundedLine | None:
    """The line of a layer; None where none gives its integers (a curve, or uneven steps)."""
    lo, hi = layer.output.type.lo, layer.output.type.hi
    factors, offsets, distance = [], [], 0.5
    for channel, points in enumerate(_channels(layer)):
        found = _fit(points, lo, hi) or _at_ties(layer, channel, points)
        if found is None:
            return None
        factors.append(found[0])
        offsets.append(found[1])
        distance = min(distance, found[2])
    return RoundedLine(
        np.array(factors, np.float32), np.array(offsets, np.float32), lo, hi, distance
    )


def _channels(layer: Activation) -> list[_Points]:
    """The deciding points of each channel, or of one where all channels share their function."""
    parameters = [
        value for name in ("multiplier", "offset", "thresholds", "base", "step", "table")
        if (value := getattr(layer, name, None)) is not None
    ]  # fmt: skip
    count = max(len(values.array) for values in parameters)
    lo, hi = layer.input.type.lo, layer.input.type.hi
    if isinstance(layer, Lookup):
        x = np.arange(lo, hi + 1)
        rows = layer.table.array
        return [_Points(x, rows[channel]) for channel in range(len(rows))]
    ends = _values(layer, np.array([[lo], [hi]]).repeat(layer.input.channels, axis=1))
    levels = int(abs(ends[1] - ends[0]).max())
    borders = _borders(layer, ends, levels)
    found = []
    for channel in range(count):
        steps = borders[:, channel]
        steps = np.unique(steps[(steps > lo) & (steps <= hi)])
        x = np.unique(np.concatenate([[lo, hi], steps - 1, steps]))
        wide = x[:, None].repeat(layer.input.channels, axis=1)
        found.append(_Points(x, _values(layer, wide)[:, channel]))
    return found


def _values(layer: Activation, x: IntArray) -> IntArray:
    """Outputs of integers [N, C]."""
    return execute(layer, [x])


def _borders(layer: Activation, ends: IntArray, levels: int) -> IntArray:
    """[levels, C]: the least x from which on a channel is k steps beyond its first output.

    A Requantize and a Thresholds rise or fall all the way, so each is found by bisection.
    """
    channels = layer.input.channels
    lo, hi = layer.input.type.lo, layer.input.type.hi
    direction = np.where(ends[1] >= ends[0], 1, -1)
    borders = np.empty((levels, channels), np.int64)
    rows = max(1, _AT_ONCE // channels)
    for first in range(0, levels, rows):
        wanted = np.arange(first, min(first + rows, levels))[:, None] + 1
        below = np.full((len(wanted), channels), lo)  # not there yet
        reached = np.full((len(wanted), channels), hi + 1)  # there, or never
        while (open_ := reached - below > 1).any():
            middle = np.where(open_, (below + reached) // 2, below)
            there = direction * (_values(layer, middle) - ends[0]) >= wanted
            reached = np.where(open_ & there, middle, reached)
            below = np.where(open_ & ~there, middle, below)
        borders[first : first + len(wanted)] = reached
    return borders


def _fit(points: _Points, lo: int, hi: int) -> tuple[np.float32, np.float32, float] | None:
    """(factor, offset, distance) of one channel's line, checked in float32."""
    x, y = points.x, points.y
    factor, offset = _chord(x, y)
    unit = 2.0**-24 * max(abs(factor * x[0] + offset), abs(factor * x[-1] + offset), abs(offset), 1)
    if _distance(factor, offset, points, lo, hi) < _SAFE_UNITS * unit:
        better = _farthest(points, lo, hi)
        if better is None:
            return None
        factor, offset = better
    return _checked(factor, offset, points, lo, hi)


def _checked(
    factor: float, offset: float, points: _Points, lo: int, hi: int
) -> tuple[np.float32, np.float32, float] | None:
    """A line whose numbers are float32, and its distance; None where it misses an integer."""
    a, b = np.float32(factor), np.float32(offset)
    line: Float32Array = points.x.astype(np.float32) * a + b
    if not np.array_equal(np.clip(np.rint(line), lo, hi), points.y):
        return None
    return a, b, max(_distance(float(a), float(b), points, lo, hi), 0.0)


def _at_ties(
    layer: Activation, channel: int, points: _Points
) -> tuple[np.float32, np.float32, float] | None:
    """The line that a Requantize states. Where it rounds ties to even, no other one is right."""
    if not isinstance(layer, Requantize):
        return None
    multiplier, offset = (
        int(np.broadcast_to(values.array, (layer.input.channels,))[channel])
        for values in (layer.multiplier, layer.offset)
    )
    unit = 2.0**-layer.shift
    output = layer.output.type
    return _checked(
        multiplier * unit, offset * unit - layer.zero_point, points, output.lo, output.hi
    )


def _chord(x: IntArray, y: IntArray) -> tuple[float, float]:
    """The line through the middle of the first and of the last border."""
    steps = np.flatnonzero(np.diff(y))
    if not len(steps):
        return 0.0, float(y[0])
    at = (x[steps] + x[steps + 1]) / 2
    middle = (y[steps] + y[steps + 1]) / 2
    if len(steps) == 1:
        factor = float(y[steps[0] + 1] - y[steps[0]]) / float(x[steps[0] + 1] - x[steps[0]])
    else:
        factor = float((middle[-1] - middle[0]) / (at[-1] - at[0]))
    return factor, float(middle[0] - factor * at[0])


def _distance(factor: float, offset: float, points: _Points, lo: int, hi: int) -> float:
    """The least distance from a border; below 0 where a point is on the wrong side of one."""
    line = factor * points.x.astype(np.float64) + offset
    above = (line - (points.y - 0.5))[points.y > lo]
    below = ((points.y + 0.5) - line)[points.y < hi]
    sides: npt.NDArray[np.float64] = np.concatenate([above, below, [0.5]])
    return float(sides.min())


def _farthest(points: _Points, lo: int, hi: int) -> tuple[float, float] | None:
    """The line that stays farthest from all borders, by a linear program; None without any."""
    middle = (points.x[0] + points.x[-1]) / 2
    scale = max((points.x[-1] - points.x[0]) / 2, 1.0)
    t = (points.x - middle) / scale
    above, below = points.y > lo, points.y < hi
    # slope * t + level - slack >= y - 0.5, and slope * t + level + slack <= y + 0.5
    one = np.ones_like(t)
    rows = np.concatenate([np.stack([t, one], 1)[above], -np.stack([t, one], 1)[below]])
    least = np.concatenate([(points.y - 0.5)[above], -(points.y + 0.5)[below]])
    found = largest_slack(rows, least, most=0.5)
    if found is None:
        return None
    (slope, level), slack = found
    if slack < -_SOLVER_ERROR:
        return None
    factor = slope / scale
    return float(factor), float(level - factor * middle)
