"""The steps of an operator's frame: what it reads and writes in each, and the cycles it takes.

A frame of an operator is a list of steps, as if no other operator ever made it wait. A step
reads its words in its first cycles and has written its words by its end. A step is one cycle
as long as a frame has few of them; else it is a pixel or a group of words. Merging keeps the
order of reads and writes between steps, and a merged step's burst is smaller than a frame by
about the step limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fpgacomp.ir.types import IntArray

# Most steps of an operator and frame. Operators that move images take at least a step per
# pixel, whatever the limit.
STEP_LIMIT = 2048
UNMERGED = 1 << 62  # a limit at which every step is one cycle or one word


@dataclass(frozen=True)
class Steps:
    """One frame of an operator.

    Args:
        reads: per input, words read up to and with each step (cumulative).
        writes: per output, words written up to and with each step (cumulative).
        cycles: duration of each step.
        after: cycles from each step's last read to its end, the cycle of that read included.
    """

    reads: tuple[IntArray, ...]
    writes: tuple[IntArray, ...]
    cycles: IntArray
    after: IntArray


@dataclass(frozen=True)
class Pattern:
    """Consecutive steps of an operator, from which a frame is put together.

    Args:
        reads: [steps, inputs] words that each step reads.
        writes: [steps, outputs] words that each step writes.
        cycles: [steps] duration of each step.
        after: [steps] cycles from each step's last read to its end, that one included.
    """

    reads: IntArray
    writes: IntArray
    cycles: IntArray
    after: IntArray

    @classmethod
    def of(cls, reads: Sequence[object], writes: Sequence[object], cycles: object = 1) -> Pattern:
        """The steps with these words per input and output, each of one cycle by default.

        Args:
            reads: per input, the words of each step.
            writes: per output, the words of each step.
            cycles: of every step, or of each.
        """
        read = np.stack([np.asarray(r, dtype=np.int64) for r in reads], axis=-1)
        written = np.stack([np.asarray(w, dtype=np.int64) for w in writes], axis=-1)
        each = np.broadcast_to(np.asarray(cycles, dtype=np.int64), (len(read),)).copy()
        return cls(read, written, each, each)

    def merged(self) -> Pattern:
        """The whole pattern as one step."""
        reading = np.flatnonzero(self.reads.any(axis=1))
        last = int(reading[-1]) if reading.size else 0
        rest = self.cycles[last + 1 :].sum() + self.after[last]
        return Pattern(
            self.reads.sum(axis=0, keepdims=True),
            self.writes.sum(axis=0, keepdims=True),
            self.cycles.sum(keepdims=True),
            np.array([rest], dtype=np.int64),
        )

    def times(self, count: int) -> Pattern:
        """The pattern `count` times over."""
        return Pattern(
            np.tile(self.reads, (count, 1)), np.tile(self.writes, (count, 1)),
            np.tile(self.cycles, count), np.tile(self.after, count),
        )  # fmt: skip

    def then(self, other: Pattern) -> Pattern:
        """The pattern, followed by another one."""
        return Pattern(
            np.concatenate([self.reads, other.reads]), np.concatenate([self.writes, other.writes]),
            np.concatenate([self.cycles, other.cycles]), np.concatenate([self.after, other.after]),
        )  # fmt: skip

    def steps(self) -> Steps:
        """The pattern as a whole frame."""
        return Steps(
            tuple(np.cumsum(self.reads, axis=0).T),
            tuple(np.cumsum(self.writes, axis=0).T),
            self.cycles,
            self.after,
        )


def repeated_steps(pattern: Pattern, count: int, limit: int) -> Steps:
    """A frame of `count` equal patterns, merged until it has at most `limit` steps."""
    if len(pattern.cycles) * count <= limit:
        return pattern.times(count).steps()
    group = next(n for n in range(1, count + 1) if count % n == 0 and count // n <= limit)
    return pattern.times(group).merged().times(count // group).steps()


def word_steps(inputs: int, outputs: int, words: int, limit: int) -> Steps:
    """A frame of `words` cycles, each of which moves a word of every input and output."""
    one = np.ones(1, dtype=np.int64)
    reads = np.ones((1, inputs), dtype=np.int64)
    writes = np.ones((1, outputs), dtype=np.int64)
    return repeated_steps(Pattern(reads, writes, one, one), words, limit)


def gathering(taps: int) -> Pattern:
    """`taps` cycles that read a word each; the last one also writes a word."""
    return Pattern.of([np.ones(taps)], [np.arange(taps) == taps - 1])


def pixel_steps(reads: IntArray, groups: int, limit: int) -> Steps:
    """A frame that writes every pixel and reads some.

    Args:
        reads: per pixel written, 1 where a pixel is read for it, else 0.
        groups: words, and so cycles, of a pixel.
    """
    if len(reads) * groups <= limit:
        reads, groups = np.repeat(reads, groups), 1
    cycles = np.full(len(reads), groups, dtype=np.int64)
    pattern = Pattern((reads * groups)[:, None], cycles[:, None], cycles, np.ones_like(cycles))
    return pattern.steps()
