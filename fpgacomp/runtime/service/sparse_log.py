"""Says more and more rarely what happens again and again."""

from __future__ import annotations

# Reasons that are told apart; strangers make some of them up.
_MAX_REASONS = 50


class Occurrences:
    """Counts what happens, by its reason."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def note(self, why: str) -> int:
        """Count one; returns how many there were where it is the 1st, 2nd, 4th, 8th ..., else 0."""
        if len(self._counts) > _MAX_REASONS:
            self._counts.clear()
        count = self._counts[why] = self._counts.get(why, 0) + 1
        return count if count & (count - 1) == 0 else 0

    def forget(self) -> None:
        """What happens next is a first time."""
        self._counts.clear()
