"""What the scripts left of timing: the worst slacks, and the worst path of what is not met."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path

_SLACKS = "reports/timing.txt"
_MOST_CHARACTERS = 20_000


@dataclass(frozen=True)
class Slacks:
    """The worst slacks in nanoseconds; negative where a requirement is missed.

    Args:
        setup, hold: of paths; hold is None where a report has no such path.
        pulses: total of all pulse widths; None where it is not known.
    """

    setup: float
    hold: float | None
    pulses: float | None

    @property
    def met(self) -> bool:
        """Whether every requirement that is known is met."""
        return all(slack is None or slack >= 0 for slack in (self.setup, self.hold, self.pulses))

    def plain(self) -> dict[str, float | None]:
        """Plain values for JSON."""
        return {"setup": self.setup, "hold": self.hold, "pulses": self.pulses}


def slacks_of(workspace: Path) -> Slacks | None:
    """The slacks of a run; None where it did not come that far."""
    try:
        return slacks_in((workspace / _SLACKS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def slacks_in(text: str) -> Slacks | None:
    """The slacks in a text of our scripts, reports/timing.txt; None where it is none."""
    words = text.split()
    try:
        found = dict(zip(words[::2], map(float, words[1::2]), strict=True))
        slacks = Slacks(found["setup"], found["hold"], found["pulses"])
    except (ValueError, KeyError):
        return None
    return slacks if all(map(isfinite, found.values())) and len(found) == 3 else None


def worst_paths(workspace: Path) -> dict[str, str]:
    """Kind of requirement -> Vivado's report of the worst path that misses it."""
    return {
        path.stem.removeprefix("worst_"): path.read_text(encoding="utf-8")[:_MOST_CHARACTERS]
        for path in sorted(workspace.glob("reports/worst_*.rpt"))
    }
