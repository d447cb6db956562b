"""What a design aims at: a goal, and bounds of rate and latency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """What the folding aims at; a rate or latency asked for is a bound, not a wish.

    Args:
        goal: latency: shortest first answer; throughput: most frames per second;
            area: least of the board at the bounds given.
        fps: frames per second that must be reached, or None.
        latency_us: latency that must be kept, or None.
    """

    goal: Literal["latency", "throughput", "area"] = "latency"
    fps: float | None = None
    latency_us: float | None = None

    @classmethod
    def at_rate(cls, fps: float | None) -> Target:
        """Aim at the least of the board at a rate, or at the shortest latency without one.

        Args:
            fps: frames per second that must be reached; None sets no bound.
        """
        return cls("latency") if fps is None else cls("area", fps)
