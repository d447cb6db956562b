"""What each step of a streaming design waits for: words of the writer, room from the reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from fpgacomp.engines.stream.streams import Stream
from fpgacomp.engines.stream.timing.steps import Steps
from fpgacomp.ir.types import IntArray

# From a word's arrival to what it causes at the output, where an operator's II is 1: a HLS
# pipeline of this kind has 2 to 6 stages at 100 to 200 MHz.
PIPELINE = 4
Endings = Sequence[IntArray]  # per operator, when its steps end; shorter where it got stuck


@dataclass(frozen=True)
class Pace:
    """Of one operator over all frames: cycles of each step, and from its last read on."""

    cycles: IntArray
    after: IntArray

    @classmethod
    def of(cls, steps: Steps, frames: int) -> Pace:
        return cls(np.tile(steps.cycles, frames), np.tile(steps.after, frames))


@dataclass(frozen=True)
class Room:
    """From its step `start` on, the reader's step that each of the writer's waits for."""

    start: int
    steps: IntArray


@dataclass(frozen=True)
class Link:
    """A stream between two operators (given by position), over all frames.

    Args:
        writes, reads: words written and read up to and with each step.
        burst: words that a FIFO must hold so that merged steps of both sides can follow
            each other.
        start: the reader's first step that reads.
        needs: per step of the reader, the writer's step that its last word comes from.
    """

    stream: Stream
    writer: int
    reader: int
    writes: IntArray
    reads: IntArray
    burst: int
    start: int
    needs: IntArray

    def rooms(self, depth: float) -> Room:
        """What the writer waits for where the FIFO holds `depth` words, or a burst."""
        capacity = max(depth, self.burst)
        if capacity >= self.writes[-1]:
            return Room(len(self.writes), np.empty(0, dtype=np.int64))
        room = self.writes - int(capacity)
        start = int(np.searchsorted(room, 0, side="right"))
        return Room(start, np.searchsorted(self.reads, room[start:]))


def link(
    stream: Stream, writer: int, reader: int, writes: IntArray, reads: IntArray, frames: int
) -> Link:
    """A link from one frame's cumulative words of both sides."""
    given = int(np.diff(writes, prepend=0).max())
    taken = int(np.diff(reads, prepend=0).max())
    all_writes, all_reads = _frames(writes, frames), _frames(reads, frames)
    return Link(
        stream, writer, reader, all_writes, all_reads,
        burst=given + taken - gcd(given, taken),
        start=int(np.searchsorted(all_reads, 0, side="right")),
        needs=np.searchsorted(all_writes, all_reads),
    )  # fmt: skip


def _frames(words: IntArray, frames: int) -> IntArray:
    """Cumulative counts over several frames."""
    whole: IntArray = np.add.outer(words[-1] * np.arange(frames), words).ravel()
    return whole
