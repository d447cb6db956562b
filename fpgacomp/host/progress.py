"""How the pipeline tells what it is doing, and how long each step took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Observer = Callable[[str, float | None], None]  # (step, share done or None where unknown)


def silent(step: str, share: float | None) -> None:
    """Tell nobody."""


class Stopwatch:
    """Names steps to an observer and keeps their seconds."""

    def __init__(self, observer: Observer = silent) -> None:
        self.observer = observer
        self.seconds: dict[str, float] = {}

    def note(self, name: str, seconds: float) -> None:
        """Keep the seconds of a part that timed itself."""
        self.seconds[name] = round(seconds, 4)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[float], None]]:
        """Time a step; yields a function that takes the share done so far."""
        self.observer(name, None)
        start = time.perf_counter()
        try:
            yield lambda share: self.observer(name, share)
        finally:
            took = time.perf_counter() - start
            self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 4)
            self.observer(name, 1.0)
