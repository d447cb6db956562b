"""What a simulation of the hardware measured, cycle by cycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FifoUse:
    """What happened to a FIFO over a whole run.

    Args:
        depth: words that it can hold.
        words: words that passed it.
        highest: words that it held at most.
        stalled: cycles in which its writer waited for room.
        starved: cycles in which its reader waited for a word.
    """

    depth: int
    words: int
    highest: int
    stalled: int
    starved: int


@dataclass(frozen=True)
class Measured:
    """What an RTL simulation measured.

    Args:
        frames: how many went through the design, one behind the other.
        latency_cycles: from the first beat in to the last beat of the first frame out, both
            counted.
        interval_cycles: cycles between the ends of the last two frames; None of a single frame.
        fifos: name of each stream -> the use of its FIFO.
        steady: whether the interval has come to stay: the design had filled with frames before,
            and at least two intervals after that were equal.
    """

    frames: int
    latency_cycles: int
    interval_cycles: int | None
    fifos: Mapping[str, FifoUse]
    steady: bool = True

    @property
    def interval_text(self) -> str:
        """The interval in words; "" of a single frame."""
        if self.interval_cycles is None:
            return ""
        if self.steady:
            return f"one frame every {self.interval_cycles:,} cycles"
        return (
            f"the last two of {self.frames} frames {self.interval_cycles:,} cycles apart, which "
            "more frames may change"
        )
