"""What each streaming operator reads and writes step by step, without regard to the others.

A frame of an operator is a list of steps. A step takes cycles, reads words in its first
ones and has written its words at its end. A step is one cycle where a frame has few, else
a pixel or a group of words: bursts are smaller than a frame by the limit, and no order of
reads and writes between steps is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import assert_never

import numpy as np

from fpgacomp.engines.stream.dataflow import (
    Activate,
    Convert,
    Duplicate,
    Join,
    Label,
    MatrixVector,
    MaxOver,
    Operator,
    Pad,
    Repeat,
    ScaledAdd,
    Sink,
    Source,
    SumAll,
    SumOver,
    VectorVector,
    Window,
)
from fpgacomp.ir.types import IntArray

STEP_LIMIT = 2048  # per operator and frame; images of more pixels take a step a pixel all the same


@dataclass(frozen=True)
class Steps:
    """One frame.

    Args:
        reads: per input, words read up to and with each step (cumulative).
        writes: per output, words written up to and with each step (cumulative).
        cycles: of each step.
        after: cycles of each step from its last read on, that one included.
    """

    reads: tuple[IntArray, ...]
    writes: tuple[IntArray, ...]
    cycles: IntArray
    after: IntArray


@dataclass(frozen=True)
class _Pattern:
    """Consecutive steps, per step: [s, inputs] reads, [s, outputs] writes, [s] cycles."""

    reads: IntArray
    writes: IntArray
    cycles: IntArray
    after: IntArray

    @classmethod
    def of(cls, reads: Sequence[object], writes: Sequence[object], cycles: object = 1) -> _Pattern:
        """From one array per input and output; steps of one cycle unless told otherwise."""
        taken = np.stack([np.asarray(r, dtype=np.int64) for r in reads], axis=-1)
        given = np.stack([np.asarray(w, dtype=np.int64) for w in writes], axis=-1)
        each = np.broadcast_to(np.asarray(cycles, dtype=np.int64), (len(taken),)).copy()
        return cls(taken, given, each, each)

    def merged(self) -> _Pattern:
        """All of it as one step."""
        reading = np.flatnonzero(self.reads.any(axis=1))
        last = int(reading[-1]) if reading.size else 0
        rest = self.cycles[last + 1 :].sum() + self.after[last]
        return _Pattern(
            self.reads.sum(axis=0, keepdims=True),
            self.writes.sum(axis=0, keepdims=True),
            self.cycles.sum(keepdims=True),
            np.array([rest], dtype=np.int64),
        )

    def times(self, count: int) -> _Pattern:
        return _Pattern(
            np.tile(self.reads, (count, 1)), np.tile(self.writes, (count, 1)),
            np.tile(self.cycles, count), np.tile(self.after, count),
        )  # fmt: skip

    def then(self, other: _Pattern) -> _Pattern:
        return _Pattern(
            np.concatenate([self.reads, other.reads]), np.concatenate([self.writes, other.writes]),
            np.concatenate([self.cycles, other.cycles]), np.concatenate([self.after, other.after]),
        )  # fmt: skip

    def steps(self) -> Steps:
        return Steps(
            tuple(np.cumsum(self.reads, axis=0).T),
            tuple(np.cumsum(self.writes, axis=0).T),
            self.cycles,
            self.after,
        )


def _repeated(pattern: _Pattern, count: int, limit: int) -> Steps:
    """`count` times the pattern, merged until a frame has at most `limit` steps."""
    if len(pattern.cycles) * count <= limit:
        return pattern.times(count).steps()
    group = next(n for n in range(1, count + 1) if count % n == 0 and count // n <= limit)
    return pattern.times(group).merged().times(count // group).steps()


def operator_steps(operator: Operator, limit: int = STEP_LIMIT) -> Steps:
    """One frame of an operator; its cycles sum up to `dataflow.cycles` (Convert: at least)."""
    match operator:
        case Source():
            return _words(0, 1, operator.output.words, limit)
        case Sink():
            return _words(1, 0, operator.input.words, limit)
        case Duplicate() | ScaledAdd() | Activate():
            words = operator.outputs[0].words
            return _words(len(operator.inputs), len(operator.outputs), words, limit)
        case MaxOver() | SumOver():
            return _repeated(_gather(operator.taps), operator.output.words, limit)
        case Label():
            groups = operator.channels // operator.input.lanes
            return _repeated(_gather(groups), operator.output.words, limit)
        case VectorVector():
            taps = operator.weight.shape[0]
            return _repeated(_gather(taps), operator.output.words, limit)
        case MatrixVector():
            return _matrix(operator, limit)
        case SumAll():
            return _sum_all(operator, limit)
        case Join():
            return _join(operator, limit)
        case Convert():
            return _convert(operator, limit)
        case Pad():
            return _pad(operator, limit)
        case Repeat():
            return _repeat(operator, limit)
        case Window():
            return _window(operator, limit)
        case _:
            assert_never(operator)


def _words(inputs: int, outputs: int, words: int, limit: int) -> Steps:
    """A word of every input to a word of every output."""
    one = np.ones(1, dtype=np.int64)
    reads = np.ones((1, inputs), dtype=np.int64)
    writes = np.ones((1, outputs), dtype=np.int64)
    return _repeated(_Pattern(reads, writes, one, one), words, limit)


def _gather(taps: int) -> _Pattern:
    """`taps` words read, one written."""
    return _Pattern.of([np.ones(taps)], [np.arange(taps) == taps - 1])


def _matrix(operator: MatrixVector, limit: int) -> Steps:
    """The input is read along with the first row block and kept for the others."""
    mw, mh = operator.weight.shape
    reads, rows = mw // operator.simd, mh // operator.pe
    first = _gather(reads)
    if rows > 1:
        rest = np.ones(rows - 1, dtype=np.int64)
        first = first.then(_Pattern.of([0 * rest], [rest], reads))
    return _repeated(first, operator.vectors, limit)


def _sum_all(operator: SumAll, limit: int) -> Steps:
    """The sums leave along with the last pixel."""
    groups = operator.output.words
    pixel = np.ones(groups)
    reading = _Pattern.of([pixel], [0 * pixel])
    last = _Pattern.of([pixel], [pixel])
    if operator.pixels * groups > limit:
        reading, last = reading.merged(), last.merged()
    return reading.times(operator.pixels - 1).then(last).steps()


def _join(operator: Join, limit: int) -> Steps:
    counts = [c // operator.output.lanes for c in operator.channels]
    source = np.repeat(np.arange(len(counts)), counts)
    reads = [source == index for index in range(len(counts))]
    pattern = _Pattern.of(reads, [np.ones(len(source))])
    return _repeated(pattern, operator.output.words // len(source), limit)


def _convert(operator: Convert, limit: int) -> Steps:
    """Narrow words are gathered, wide ones dealt out, over the least common multiple."""
    a, b = operator.input.lanes, operator.output.lanes
    elements = a * b // gcd(a, b)
    done = np.arange(1, elements // min(a, b) + 1) * min(a, b)
    # Gathering: an output once its elements are there; dealing: an input when it is needed.
    reads = np.diff(-(-done // a), prepend=0)
    writes = np.diff(done // b, prepend=0)
    return _repeated(_Pattern.of([reads], [writes]), operator.input.words * a // elements, limit)


def _pad(operator: Pad, limit: int) -> Steps:
    height, width, channels = operator.shape
    inside = np.zeros((height + sum(operator.rows), width + sum(operator.columns)), dtype=np.int64)
    top, left = operator.rows[0], operator.columns[0]
    inside[top : top + height, left : left + width] = 1
    return _pixels(inside.ravel(), channels // operator.input.lanes, limit)


def _repeat(operator: Repeat, limit: int) -> Steps:
    """The first copy of a row is read, and of a pixel; the others come from the row buffer."""
    height, width, channels = operator.shape
    down, across = operator.factors
    fresh = np.zeros((height, down, width, across), dtype=np.int64)
    fresh[:, 0, :, 0] = 1
    return _pixels(fresh.ravel(), channels // operator.input.lanes, limit)


def _pixels(reads: IntArray, groups: int, limit: int) -> Steps:
    """A pixel written per step of `groups` cycles, and one read where `reads` says so."""
    if len(reads) * groups <= limit:
        reads, groups = np.repeat(reads, groups), 1
    cycles = np.full(len(reads), groups, dtype=np.int64)
    pattern = _Pattern((reads * groups)[:, None], cycles[:, None], cycles, np.ones_like(cycles))
    return pattern.steps()


def _window(operator: Window, limit: int) -> Steps:
    """The slots of hls_templates/stream/include/fpgacomp/window.hpp."""
    height, width, channels = operator.shape
    (down, across), (step_down, step_across) = operator.positions, operator.strides
    groups = channels // operator.input.lanes
    if operator.parallel:
        ends = np.zeros((height, width), dtype=np.int64)
        rows, columns = operator.extent
        ends[rows - 1 :: step_down, columns - 1 :: step_across][:down, :across] = 1
        return _Pattern.of([np.ones(height * width)], [ends.ravel()]).steps()
    writes = prod(operator.kernel) * groups
    fine = operator.cycles <= limit
    rows, columns = operator.extent
    following = _slot(operator, step_across * groups, writes, fine)
    row = _slot(operator, (width * step_down - (across - 1) * step_across) * groups, writes, fine)
    span = ((rows - 1) * width + columns) * groups
    others = following.times(across - 1)
    frame = _slot(operator, span, writes, fine).then(others)
    frame = frame.then(row.then(others).times(down - 1))
    tail = operator.input.words - int(frame.reads.sum())
    return frame.then(_reading(tail, groups, fine)).steps()


def _slot(operator: Window, reads: int, writes: int, fine: bool) -> _Pattern:
    """One window: reads alone until the writes can no longer overtake them, then both."""
    groups = operator.shape[2] // operator.input.lanes
    inner = operator.order == "channels_inner"
    ahead = writes if inner else groups + prod(operator.kernel) - 1
    alone = max(0, reads - ahead)
    rest = reads - alone
    if fine:
        both = _Pattern.of([np.arange(writes) < rest], [np.ones(writes)])
    else:
        after = np.array([writes - max(rest, 1) + 1], dtype=np.int64)
        counts = (np.array([[rest]]), np.array([[writes]]), np.array([writes]))
        both = _Pattern(*counts, after)
    return _reading(alone, groups, fine).then(both)


def _reading(words: int, groups: int, fine: bool) -> _Pattern:
    """Words read and none written, a pixel a step."""
    size = 1 if fine else groups
    reads = np.full(-(-words // size), size, dtype=np.int64)
    if words:
        reads[-1] = words - size * (len(reads) - 1)
    after = np.ones_like(reads)
    return _Pattern(reads[:, None], np.zeros_like(reads)[:, None], reads, after)
