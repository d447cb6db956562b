"""Two builds side by side, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Name of the aspect that is a share of samples, beside those of the accuracy.
AGREEMENT = "same top-1 as float32"
# Names of the two aspects of the verdict that people read as one: yes, probably or no.
FITS = "fits"
CERTAIN = "certain"
Value = bool | int | float | str | None


@dataclass(frozen=True)
class Aspect:
    """One line of a comparison.

    Args:
        section: build, verdict, speed, resources, exactness, accuracy, measured or layers.
        name: what is compared, for people.
        first, second: what each build says; None where it does not say.
    """

    section: str
    name: str
    first: Value
    second: Value

    @property
    def differs(self) -> bool:
        """Whether the two builds say different things."""
        return self.first != self.second

    @property
    def change(self) -> float | None:
        """Change from the first to the second as a share of the first; None without figures."""
        for value in (self.first, self.second):
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
        assert isinstance(self.first, int | float) and isinstance(self.second, int | float)
        return None if self.first == 0 else (self.second - self.first) / abs(self.first)


@dataclass(frozen=True)
class BuildComparison:
    """Everything that is compared of two builds.

    Args:
        first, second: the folders.
        aspects: the lines, section by section.
        notes: what else is to be known, one sentence each.
    """

    first: str
    second: str
    aspects: tuple[Aspect, ...]
    notes: tuple[str, ...] = ()

    @property
    def sections(self) -> dict[str, tuple[Aspect, ...]]:
        """The lines by section, in their order."""
        found: dict[str, tuple[Aspect, ...]] = {}
        for aspect in self.aspects:
            found[aspect.section] = (*found.get(aspect.section, ()), aspect)
        return found

    def summary(self) -> dict[str, Any]:
        """The comparison as plain values for JSON."""
        return {
            "first": self.first,
            "second": self.second,
            "aspects": [
                {
                    "section": aspect.section,
                    "name": aspect.name,
                    "first": aspect.first,
                    "second": aspect.second,
                    "change": aspect.change,
                }
                for aspect in self.aspects
            ],
            "notes": list(self.notes),
        }
