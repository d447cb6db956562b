"""What a design aims at: a goal, and bounds of rate and latency."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from fpgacomp.errors import UsageError


@dataclass(frozen=True, slots=True)
class Target:
    """What a design aims at. A rate or a latency is a bound: a design that misses it fails.

    Args:
        goal: latency: shortest first answer; throughput: most frames per second;
            area: least of the board at the bounds given.
        fps: frames per second that must be reached, or None.
        latency_us: latency that must be kept, or None.

    Raises:
        UsageError: another goal, or a bound that is not a number above 0.
    """

    goal: Literal["latency", "throughput", "area"] = "latency"
    fps: float | None = None
    latency_us: float | None = None

    def __post_init__(self) -> None:
        if self.goal not in ("latency", "throughput", "area"):
            fix = "use latency, throughput or area."
            raise UsageError(f"target {self.goal!r}", "is nothing to aim at.", fix)
        for option, bound in (("--fps", self.fps), ("--latency-us", self.latency_us)):
            if bound is not None and not (isfinite(bound) and bound > 0):
                raise UsageError(f"{option} {bound}", "is no bound.", "give a number above 0.")

    @classmethod
    def at_rate(cls, fps: float | None) -> Target:
        """Aim at the least of the board at a rate, or at the shortest latency without one.

        Args:
            fps: frames per second that must be reached; None sets no bound.
        """
        return cls("latency") if fps is None else cls("area", fps)
