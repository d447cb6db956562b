"""Tells an observer which step is running, and keeps how many seconds each step took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Called with the name of a step and the share of it that is done, 0..1; None: not known.
Observer = Callable[[str, float | None], None]


def silent(step: str, share: float | None) -> None:
    """An observer that does nothing."""


class Stopwatch:
    """Names steps to an observer and keeps their seconds.

    Args:
        observer: called when a step begins, advances and ends.
    """

    def __init__(self, observer: Observer = silent) -> None:
        self.observer = observer
        self.seconds: dict[str, float] = {}

    def note(self, name: str, seconds: float) -> None:
        """Keep the seconds of a step that measured its own time."""
        self.seconds[name] = round(seconds, 4)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[float], None]]:
        """Time a step; yields a function to call with the share of it that is done, 0..1."""
        self.observer(name, None)
        start = time.perf_counter()
        try:
            yield lambda share: self.observer(name, share)
        finally:
            took = time.perf_counter() - start
            self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 4)
            self.observer(name, 1.0)
