"""Writes an activation layer as y = clip(round(a * x + b)) in float32, exactly.

Other engines quantize with a float factor. A Requantize, Thresholds or Lookup layer is a function
of the integers of one channel, and float32 is exact for integers below 2**24, so it is enough that
a * x + b comes out on the right side of every border between two outputs. Of all lines that do,
one is taken that stays away from the borders: an engine that merges the factor into the
convolution, or adds in another order, then still rounds to the same integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np
import numpy.typing as npt

from fpgacomp.host.solver import largest_slack
from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import Activation, Lookup, Requantize, Thresholds
from fpgacomp.ir.types import Float32Array, IntArray, Ints

FLOAT32_INTEGERS = 1 << 24  # every integer of at most this magnitude is a float32
# A line is taken as it is where its distance from each border is that many units of rounding.
_SAFE_UNITS = 64.0
# A layer of more outputs than int8 has is never rounded to int8: any line that is right will do.
_SOLVED_LEVELS = 256
# Outputs of a layer at most: its borders are looked at one by one.
MOST_LEVELS = 1 << 16
# A slack of 0 is a line that meets ties, which round to even: whether it does is tried in float32.
_SOLVER_ERROR = 1e-6


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
class Points:
    """Integers of one channel that decide its function: the ends, and both sides of each step."""

    x: IntArray
    y: IntArray


@dataclass(frozen=True)
class FittedLine:
    """A line of one channel that gives each of its points in float32."""

    factor: np.float32
    offset: np.float32
    distance: float


def line_of(layer: Activation) -> RoundedLine | None:
    """The line of a layer.

    Returns:
        None where no line gives its integers (a curve, or uneven steps), or where it has more than
        MOST_LEVELS outputs.
    """
    lo, hi = layer.output.type.lo, layer.output.type.hi
    if layer.output.type.count > MOST_LEVELS:
        return None
    found = []
    for one in channels_of(layer):
        line = fitted_line(one, deciding_points(one))
        if line is None:
            return None
        found.append(line)
    return RoundedLine(
        np.array([line.factor for line in found]), np.array([line.offset for line in found]),
        lo, hi, min(line.distance for line in found),
    )  # fmt: skip


def channels_of(layer: Activation) -> Iterator[Activation]:
    """The layer of each channel alone, or of one where all channels share their function."""
    single = {
        "input": replace(layer.input, shape=(1,)),
        "output": replace(layer.output, shape=(1,)),
    }
    match layer:
        case Requantize():
            names: tuple[str, ...] = ("multiplier", "offset")
        case Thresholds():
            names = ("thresholds", "base", "step")
        case Lookup():
            names = ("table",)
        case _:
            assert_never(layer)
    values: dict[str, IntArray] = {name: getattr(layer, name).array for name in names}
    for channel in range(max(map(len, values.values()))):
        own = {
            name: Ints(array[channel : channel + 1] if len(array) > 1 else array)
            for name, array in values.items()
        }
        yield replace(layer, **single, **own)  # type: ignore[arg-type]


def _values(layer: Activation, x: IntArray) -> IntArray:
    """Outputs of a layer of one channel for integers [N]."""
    return execute(layer, [x[:, None]])[:, 0]


def deciding_points(layer: Activation) -> Points:
    """The deciding points of a layer of one channel."""
    lo, hi = layer.input.type.lo, layer.input.type.hi
    if isinstance(layer, Lookup):
        return Points(np.arange(lo, hi + 1), layer.table.array[0])
    steps = _borders(layer)
    x = np.unique(np.concatenate([[lo, hi], steps - 1, steps]))
    return Points(x, _values(layer, x))


def _borders(layer: Requantize | Thresholds) -> IntArray:
    """The integers at which the outputs of a layer of one channel change.

    A Requantize and a Thresholds rise or fall all the way, so each is found by bisection.
    """
    lo, hi = layer.input.type.lo, layer.input.type.hi
    first, last = _values(layer, np.array([lo, hi]))
    direction = 1 if last >= first else -1
    wanted = np.arange(1, abs(last - first) + 1)
    below = np.full(len(wanted), lo)  # not there yet
    reached = np.full(len(wanted), hi)  # there
    while (open_ := reached - below > 1).any():
        middle = np.where(open_, (below + reached) // 2, below)
        there = direction * (_values(layer, middle) - first) >= wanted
        reached = np.where(open_ & there, middle, reached)
        below = np.where(open_ & ~there, middle, below)
    return reached


def fitted_line(layer: Activation, points: Points) -> FittedLine | None:
    """The line of a layer of one channel; None where there is none."""
    lo, hi = layer.output.type.lo, layer.output.type.hi
    best: FittedLine | None = None
    for factor, offset in (_chord(points), *_stated(layer)):
        line = _checked(factor, offset, points, lo, hi)
        if line is not None and (best is None or line.distance > best.distance):
            best = line
    if hi - lo >= _SOLVED_LEVELS or (best is not None and best.distance >= _safe(best, points)):
        return best
    farthest = _farthest(points, lo, hi)
    return (None if farthest is None else _checked(*farthest, points, lo, hi)) or best


def _safe(line: FittedLine, points: Points) -> float:
    """A distance that no way of computing the line in float32 uses up."""
    ends = abs(float(line.factor) * points.x[[0, -1]] + float(line.offset))
    return _SAFE_UNITS * 2.0**-24 * max(float(ends.max()), abs(float(line.offset)), 1.0)


def _stated(layer: Activation) -> Iterator[tuple[float, float]]:
    """The lines that a Requantize of one channel may state, by how it rounds.

    Its product and offset are integers, so that half of one moves a line off the borders that they
    lie on, and moves it over none. Where it rounds ties to even, the line meets them.
    """
    if not isinstance(layer, Requantize):
        return
    unit = 2.0**-layer.shift
    multiplier, offset = int(layer.multiplier.array[0]), int(layer.offset.array[0])
    for moved in (0.5 - 0.5 / unit, 0.5, -0.5, 0.0):  # floor, ties up, ties down, ties to even
        yield multiplier * unit, (offset + moved) * unit - layer.zero_point


def _checked(factor: float, offset: float, points: Points, lo: int, hi: int) -> FittedLine | None:
    """A line whose numbers are float32; None where it misses an integer."""
    a, b = np.float32(factor), np.float32(offset)
    line: Float32Array = points.x.astype(np.float32) * a + b
    if not np.array_equal(np.clip(np.rint(line), lo, hi), points.y):
        return None
    return FittedLine(a, b, max(_distance(float(a), float(b), points, lo, hi), 0.0))


def _chord(points: Points) -> tuple[float, float]:
    """The line through the middle of the first and of the last border."""
    x, y = points.x, points.y
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


def _distance(factor: float, offset: float, points: Points, lo: int, hi: int) -> float:
    """The least distance from a border; below 0 where a point is on the wrong side of one."""
    line = factor * points.x.astype(np.float64) + offset
    above = (line - (points.y - 0.5))[points.y > lo]
    below = ((points.y + 0.5) - line)[points.y < hi]
    sides: npt.NDArray[np.float64] = np.concatenate([above, below, [0.5]])
    return float(sides.min())


def _farthest(points: Points, lo: int, hi: int) -> tuple[float, float] | None:
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
