"""Lets a signal wait while a process is started, so that none is left behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_signals() -> Iterator[None]:
    """Deliver SIGINT and SIGTERM behind the block, where they come within it.

    A handler that raises an exception while `subprocess.Popen` is at work loses the process that
    has just been started: nobody knows its number yet, and nobody ends it. Start it, and keep it,
    within this block. Outside of the main thread no handler runs, and nothing is held.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if callable(handler := signal.getsignal(number))  # what is ignored stays ignored
    }
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for held in came:
            signal.raise_signal(held)
