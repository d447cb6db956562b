"""What each step of an operator waits for: words from a writer, room that a reader makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from fpgacomp.engines.stream.streams import Stream
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.steps import Steps
from fpgacomp.ir.types import IntArray

# Per operator, the cycle in which each of its steps ends; an operator that got stuck has fewer.
Endings = Sequence[IntArray]


@dataclass(frozen=True)
class Pace:
    """How long each step of one operator takes, over all frames.

    Args:
        cycles: of each step.
        after: from each step's last read to its end.
        stages: from the end of each step to the cycle in which its words enter a FIFO.
    """

    cycles: IntArray
    after: IntArray
    stages: int

    @classmethod
    def of(cls, steps: Steps, frames: int, stages: int) -> Pace:
        return cls(np.tile(steps.cycles, frames), np.tile(steps.after, frames), stages)


@dataclass(frozen=True)
class Room:
    """Which steps of a reader make room for the steps of a writer.

    Args:
        start: the writer's first step that waits for room.
        steps: for each of its steps from there on, the reader's step that it waits for.
        lead: cycles by which the writer's step may end before that read.
    """

    start: int
    steps: IntArray
    lead: int


@dataclass(frozen=True, eq=False)
class Link:
    """A stream between two operators, over all frames.

    Args:
        writer: position of the operator that writes it.
        reader: position of the operator that reads it.
        writes: words written up to and with each step of the writer.
        waits: those of them that there must be room for when the step ends.
        lead: cycles by which a step of the writer may end before the read that makes room.
        reads: words read up to and with each step of the reader.
        burst: words that a FIFO must hold so that merged steps of both sides can follow
            each other.
        start: the reader's first step that reads.
        needs: per step of the reader, the writer's step that its last word comes from.
    """

    stream: Stream
    writer: int
    reader: int
    writes: IntArray
    waits: IntArray
    lead: int
    reads: IntArray
    burst: int
    start: int
    needs: IntArray

    def rooms(self, depth: float) -> Room:
        """What the writer waits for if the FIFO holds `depth` words, or `burst` if that is more."""
        capacity = max(depth, self.burst)
        if capacity >= self.waits[-1]:
            return Room(len(self.waits), np.empty(0, dtype=np.int64), self.lead)
        room = self.waits - int(capacity)
        start = int(np.searchsorted(room, 0, side="right"))
        return Room(start, np.searchsorted(self.reads, room[start:]), self.lead)


def link(
    stream: Stream, writer: int, reader: int, writes: IntArray, reads: IntArray, frames: int,
    pipelines: Pipelines,
) -> Link:  # fmt: skip
    """The link over several frames, from one frame's cumulative words of both sides."""
    written = int(np.diff(writes, prepend=0).max())
    read = int(np.diff(reads, prepend=0).max())
    all_writes, all_reads = _frames(writes, frames), _frames(reads, frames)
    return Link(
        stream, writer, reader, all_writes,
        waits=all_writes - np.minimum(np.diff(all_writes, prepend=0), pipelines.held),
        lead=pipelines.lead(writer),
        reads=all_reads,
        burst=written + read - gcd(written, read),
        start=int(np.searchsorted(all_reads, 0, side="right")),
        needs=np.searchsorted(all_writes, all_reads),
    )  # fmt: skip


def _frames(words: IntArray, frames: int) -> IntArray:
    """Cumulative words over several frames, from those over one."""
    whole: IntArray = np.add.outer(words[-1] * np.arange(frames), words).ravel()
    return whole
