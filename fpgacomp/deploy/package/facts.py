"""Figures of a report.json, which may be of an older build or a stranger, with their types."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


class Facts:
    """The values of a report.json; what is missing or of another type is not known (None).

    Args:
        values: the document.
    """

    def __init__(self, values: Any) -> None:
        self.values: Mapping[str, Any] = values if isinstance(values, Mapping) else {}

    def get(self, path: str) -> Any:
        """The value at a path of keys, joined by dots; None where there is none."""
        found: Any = self.values
        for key in path.split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def at(self, path: str) -> Facts:
        """The values below a path."""
        return Facts(self.get(path))

    def text(self, path: str) -> str | None:
        """A text that is not empty."""
        found = self.get(path)
        return found if isinstance(found, str) and found else None

    def number(self, path: str) -> float | None:
        """A finite number."""
        return _number(self.get(path))

    def flag(self, path: str) -> bool | None:
        """True or false."""
        found = self.get(path)
        return found if isinstance(found, bool) else None

    def texts(self, path: str) -> list[str]:
        """The texts of a list."""
        found = self.get(path)
        return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []

    def numbers(self) -> Iterator[tuple[str, float]]:
        """Every key of a number, sorted, whatever the key holds."""
        for key, found in sorted(self.values.items()):
            if (value := _number(found)) is not None:
                yield key, value


def _number(found: Any) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return found if math.isfinite(found) else None
