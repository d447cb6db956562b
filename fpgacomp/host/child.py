"""Runs a console program of an installed package in a process of its own, within bounds.

The process has little time and memory, no network, and ends with this one; what it prints is told
line by line and kept in a log.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fpgacomp.errors import ToolError
from fpgacomp.host import confine
from fpgacomp.host.signals import held_signals

_TAIL = 40  # lines that are kept for messages
_LINE = 2000  # characters of a line that are told
_FILE_BYTES = 2 << 30
_OPEN_FILES = 512
# Address space is no measure: WebAssembly reserves gigabytes that it never touches.
_ADDRESS_BYTES = 256 << 30

_CONFINED = """
import runpy, sys
confine, address, data, cpu, files, size = sys.argv[1:7]
runpy.run_path(confine)["confine"](
    memory_bytes=int(address), cpu_seconds=int(cpu), open_files=int(files), file_bytes=int(size))
try:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (int(data), int(data)))
except (ImportError, ValueError, OSError):
    pass
sys.argv = sys.argv[7:]
"""
_PROGRAM = """
from importlib.metadata import entry_points
(found,) = entry_points(group="console_scripts", name=sys.argv[0])
sys.exit(found.load()())
"""


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Args:
        code: its exit code; the negative number of the signal that ended it.
        seconds: how long it ran.
        timed_out: whether it was ended because its time was up.
        tail: the last lines that it printed.
    """

    code: int
    seconds: float
    timed_out: bool
    tail: tuple[str, ...]

    @property
    def how(self) -> str:
        """How it ended, as a part of a sentence."""
        if self.timed_out:
            return f"was ended after {self.seconds:,.0f} s"
        return f"ended by signal {-self.code}" if self.code < 0 else f"ended with code {self.code}"


@dataclass(frozen=True, kw_only=True)
class ProcessBounds:
    """What a process may take.

    Args:
        seconds: wall-clock time.
        memory_bytes: memory that it writes to.
    """

    seconds: float
    memory_bytes: int


class Stop:
    """Ends the processes that other threads wait for, and those that they would still start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._asked = False

    def now(self) -> None:
        """End every process that runs."""
        with self._lock:
            self._asked = True
            for process in self._running:
                _end(process)

    def _begun(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.append(process)
            if self._asked:
                _end(process)

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.remove(process)


def failure(what: str, ended: Ended, log: str, fix: str) -> ToolError:
    """The error of a program that failed, with the line of its log that says why."""
    wrong = [line for line in ended.tail if "ERROR" in line or "rror:" in line]
    last = next((line for line in reversed(ended.tail) if line.strip()), "")
    said = (wrong[0] if wrong else last).strip()[:300]
    return ToolError(what, f"{ended.how}: {said or 'it said nothing.'} (log: {log})", fix)


def run_program(
    name: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    log: Path,
    bounds: ProcessBounds,
    environment: Mapping[str, str],
    on_line: Callable[[str], None] = lambda line: None,
) -> Ended:
    """Run a console program that a package of this Python installs.

    Args:
        name: as the package calls it.
        folder: the working directory.
        log: file that receives what it prints.
        environment: all variables of the process.
        on_line: called with each line that it prints.
    """
    return _run(_PROGRAM, [name, *arguments], folder, log, bounds, environment, on_line)


def run_python(
    code: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    log: Path,
    bounds: ProcessBounds,
    environment: Mapping[str, str],
    on_line: Callable[[str], None] = lambda line: None,
    stop: Stop | None = None,
) -> Ended:
    """Run Python code of ours, which finds `sys` imported and its arguments from sys.argv[0] on."""
    return _run(code, arguments, folder, log, bounds, environment, on_line, stop)


def _run(
    code: str,
    arguments: Sequence[str],
    folder: Path,
    log: Path,
    bounds: ProcessBounds,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    stop: Stop | None = None,
) -> Ended:
    # Several threads of a tool share its processor time, so that it is bounded generously.
    cpu_seconds = int(4 * bounds.seconds)
    limits = (_ADDRESS_BYTES, bounds.memory_bytes, cpu_seconds, _OPEN_FILES, _FILE_BYTES)
    command = [sys.executable, "-P", "-c", _CONFINED + code, confine.__file__, *map(str, limits)]
    return run_command(
        [*command, *arguments], folder=folder, log=log, seconds=bounds.seconds,
        environment=environment, on_line=on_line, stop=stop,
    )  # fmt: skip


def run_command(
    command: Sequence[str],
    *,
    folder: Path,
    log: Path,
    seconds: float,
    environment: Mapping[str, str],
    on_line: Callable[[str], None] = lambda line: None,
    stop: Stop | None = None,
) -> Ended:
    """Run a program of this machine in a process group of its own, which ends with this process.

    Args:
        command: the program and its arguments.
        folder: the working directory.
        log: file that receives what it prints.
        seconds: wall-clock time that it may take.
        environment: all variables of the process.
        on_line: called with each line that it prints.
        stop: by which another thread can end it.

    Raises:
        OSError: the program cannot be started.
    """
    started = time.monotonic()
    with log.open("wb") as kept:
        with held_signals():
            process = subprocess.Popen(
                list(command), cwd=folder, env=dict(environment),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        if stop is not None:
            stop._begun(process)
        expired = threading.Event()
        timer = threading.Timer(seconds, _expire, (process, expired))
        timer.start()
        tail: deque[str] = deque(maxlen=_TAIL)
        try:
            assert process.stdout is not None
            for raw in process.stdout:
                kept.write(raw)
                line = raw[:_LINE].decode(errors="replace").rstrip()
                tail.append(line)
                on_line(line)
            code_of_end = process.wait()
        finally:  # a run that is stopped leaves no process behind
            timer.cancel()
            if stop is not None:
                stop._ended(process)
            _end(process)
    return Ended(code_of_end, time.monotonic() - started, expired.is_set(), tuple(tail))


def _expire(process: subprocess.Popen[bytes], expired: threading.Event) -> None:
    expired.set()
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, and what it has started."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
