"""What the scripts left of timing: the worst slacks, and the worst path of what is not met."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_SLACKS = "reports/timing.txt"
_MOST_CHARACTERS = 20_000


@dataclass(frozen=True)
class Slacks:
    """The worst slacks in nanoseconds; negative where a requirement is missed.

    Args:
        setup, hold: of paths.
        pulses: total of all pulse widths.
    """

    setup: float
    hold: float
    pulses: float

    @property
    def met(self) -> bool:
        """Whether every requirement is met."""
        return min(self.setup, self.hold, self.pulses) >= 0

    def plain(self) -> dict[str, float]:
        """Plain values for JSON."""
        return {"setup": self.setup, "hold": self.hold, "pulses": self.pulses}


def slacks_of(workspace: Path) -> Slacks | None:
    """The slacks of a run; None where it did not come that far."""
    try:
        words = (workspace / _SLACKS).read_text(encoding="utf-8").split()
        found = dict(zip(words[::2], map(float, words[1::2]), strict=True))
        return Slacks(found["setup"], found["hold"], found["pulses"])
    except (OSError, ValueError, KeyError):
        return None


def worst_paths(workspace: Path) -> dict[str, str]:
    """Kind of requirement -> Vivado's report of the worst path that misses it."""
    return {
        path.stem.removeprefix("worst_"): path.read_text(encoding="utf-8")[:_MOST_CHARACTERS]
        for path in sorted(workspace.glob("reports/worst_*.rpt"))
    }
