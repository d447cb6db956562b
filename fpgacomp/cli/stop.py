"""Notices Ctrl-C and SIGTERM from the first import on, whatever libraries make of them."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOPPED = 130  # what shells report for Ctrl-C
TERMINATED = 143  # and for SIGTERM
SAID = "stopped; nothing was written."

_NUMBERS = (signal.SIGINT, signal.SIGTERM)
# The signals that asked this process to stop while a verb ran.
_PRESSED: set[int] = set()


def watch_start() -> None:
    """End the process at once where a signal comes before a verb runs: nothing has begun by then.

    A signal that is ignored, as in a job that a shell started in the background, stays ignored.
    """
    for number in _NUMBERS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end_at_once)


@contextmanager
def noticing_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt where a signal comes, and remember that one came."""
    _PRESSED.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _NUMBERS}
    on_interrupt = before[signal.SIGINT]

    def noticed(number: int, frame: FrameType | None) -> Any:
        _PRESSED.add(number)
        if callable(on_interrupt) and on_interrupt is not _end_at_once:
            return on_interrupt(number, frame)
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, noticed)
    try:
        yield
    finally:
        for number, handler in before.items():
            # What a verb has written by now stays: a later signal ends the process silently.
            signal.signal(number, signal.SIG_DFL if handler is _end_at_once else handler)


def was_stopped(error: BaseException | None = None) -> bool:
    """Whether a signal asked the run to stop.

    Args:
        error: what the run ended with. Libraries that are being imported turn Ctrl-C into errors
            of their own; it is then among those that this one was raised from, or while which.
    """
    if _PRESSED:
        return True
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        if isinstance(one, KeyboardInterrupt):
            return True
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
    return False


def exit_code() -> int:
    """The exit code of a run that a signal stopped."""
    return TERMINATED if signal.SIGTERM in _PRESSED else STOPPED


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """Say that the run was stopped, and leave: an exception here would meet half an import."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{SAID}\n".encode())
    os._exit(TERMINATED if number == signal.SIGTERM else STOPPED)
