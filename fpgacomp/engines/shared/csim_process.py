"""Compiles and runs the C-simulation's program in processes of its own."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path

from fpgacomp.errors import ToolError
from fpgacomp.host.signals import held_signals
from fpgacomp.host.toolchain import Compiler

_COMPILE_TIMEOUT_S = 1800.0
# No warnings, nor the analysis that these three come from: g++ makes it even where none is shown,
# and of code that is full of ap_int it takes more than half of the time.
SILENT = (
    "-w", "-Wno-free-nonheap-object", "-Wno-mismatched-dealloc", "-Wno-mismatched-new-delete",
)  # fmt: skip
# A library that a program does not call takes longer to load than a small network to run.
_LINK = "-Wl,--as-needed"
# How often a run tells how far it is; that a process has ended is known at once.
_TELL_S = 0.02
# How often it is asked where the system does not say so.
_ASK_S = 0.005
# What hls_stream.h (hls4ml's and ours) prints when a stream does not come out even.
_STREAM_WARNING = re.compile(r"WARNING: (Hls::)?stream")
_REPORT = "this is a bug in fpgacomp: please report it with the network."


def compile_program(
    compiler: Compiler,
    sources: Mapping[Path, Sequence[str]],
    binary: Path,
    link: Sequence[str] = (),
) -> float:
    """Build a program of several sources at the same time; returns the seconds it took.

    Args:
        sources: each source with the compiler's flags for it.
        link: the flags with which it is linked, for what is no program but a library.

    Raises:
        ToolError: the compiler failed, with the first error line, or took too long.
    """
    started = time.monotonic()
    objects = {source: binary.with_name(f"{source.stem}.o") for source in sources}
    run_compilers([
        [str(compiler.path), *flags, "-c", str(source), "-o", str(objects[source])]
        for source, flags in sources.items()
    ])  # fmt: skip
    parts = map(str, objects.values())
    run_compilers([[str(compiler.path), _LINK, *parts, *link, "-o", str(binary)]])
    return time.monotonic() - started


def run_compilers(commands: list[list[str]]) -> None:
    """Run compilers at the same time.

    Raises:
        ToolError: one failed, with its first error line, or took too long.
    """
    processes: list[subprocess.Popen[str]] = []
    try:
        for command in commands:
            with held_signals():
                processes.append(_started(command))
        for command, process in zip(commands, processes):
            _, said = process.communicate(timeout=_COMPILE_TIMEOUT_S)
            _check_compiled(command, process.returncode, said)
    except subprocess.TimeoutExpired:
        raise ToolError("g++", f"compiling took over {_COMPILE_TIMEOUT_S:.0f} s.",
                        "use a smaller design, or --no-csim.") from None  # fmt: skip
    finally:
        _end(processes)


def _started(command: list[str]) -> subprocess.Popen[str]:
    """Start a compiler in a process group of its own: g++ starts others, which end with it."""
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        why = f"{command[0]} does not run: {error.strerror or error}."
        raise ToolError("g++", why, "install it again, or use --no-csim.") from error


def _check_compiled(command: list[str], code: int, said: str) -> None:
    """Raise ToolError where a compiler failed, died or wrote nothing."""
    target = Path(command[command.index("-o") + 1])
    if code < 0:
        why = f"the compiler ended by signal {-code}: {_first_error(said)}"
        raise ToolError("g++", why, "free memory, use a smaller design, or --no-csim.")
    if code > 0:
        raise ToolError("g++", f"the emitted C++ does not compile: {_first_error(said)}", _REPORT)
    if not target.is_file():
        why = f"it ended without an error and wrote no {target.name}."
        raise ToolError("g++", why, "install it again, or use --no-csim.")


def _first_error(said: str) -> str:
    lines = said.splitlines()
    wrong = (line for line in lines if "error" in line or "undefined reference" in line)
    return next(wrong, lines[-1] if lines else "no message.")


def run_chunks(
    binary: Path,
    folder: Path,
    workdir: Path,
    samples: int,
    *,
    workers: int,
    on_samples: Callable[[int], None],
    timeout_s: float | None,
    arguments: Sequence[str] = (),
) -> tuple[list[Path], float]:
    """Run all samples, several processes at once; returns result folders in sample order.

    Args:
        folder: the working directory, in which the firmware finds weights/.
        workdir: has inputs/; results go to results<k>/.
        on_samples: called with the number of samples done.
        arguments: what the program takes after its sample range.

    Raises:
        ToolError: a process failed, left a stream uneven, or took too long.
    """
    started = time.monotonic()
    edges = _edges(samples, workers)
    chunks: list[Path] = []
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number, (first, count) in enumerate(edges):
            chunk = workdir / f"results{number}"
            chunk.mkdir(exist_ok=True)
            chunks.append(chunk)
            command = [binary, workdir / "inputs", chunk, str(first), str(count), *arguments]
            with (chunk / "log").open("w", encoding="utf-8") as log, held_signals():
                processes.append(subprocess.Popen([*map(str, command)], cwd=folder, stdout=log,
                                                  stderr=subprocess.STDOUT))  # fmt: skip
        _wait(processes, chunks, started, on_samples, edges, timeout_s)
    finally:
        _end(processes)
    for process, chunk in zip(processes, chunks):
        _check(process.returncode, _log(chunk))
    return chunks, time.monotonic() - started


def _edges(samples: int, workers: int) -> list[tuple[int, int]]:
    """(first, count) of each worker's share."""
    workers = max(1, min(workers, samples))
    bounds = [samples * k // workers for k in range(workers + 1)]
    return [(low, high - low) for low, high in pairwise(bounds)]


def _wait(
    processes: list[subprocess.Popen[bytes]],
    chunks: list[Path],
    started: float,
    on_samples: Callable[[int], None],
    edges: list[tuple[int, int]],
    timeout_s: float | None,
) -> None:
    while running := [process for process in processes if process.poll() is None]:
        if timeout_s is not None and time.monotonic() - started > timeout_s:
            raise ToolError("C-simulation", f"it took over {timeout_s:g} s.",
                            "use fewer vectors, or a smaller network.")  # fmt: skip
        for process, chunk in zip(processes, chunks):
            # Only of a process that ended: a running one may yet write why its streams are uneven.
            if (code := process.poll()) is not None:
                _check(code, _log(chunk))
        on_samples(sum(_done(chunk) for chunk in chunks))
        _wait_for_one(running)
    on_samples(sum(count for _, count in edges))


def _wait_for_one(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until one of several processes ends, or a while."""
    with ExitStack() as ends:
        waiter = select.poll()
        try:
            for process in running:
                ended = os.pidfd_open(process.pid)
                ends.callback(os.close, ended)
                waiter.register(ended, select.POLLIN)
        except (OSError, AttributeError):  # Linux before 5.3, and other systems
            time.sleep(_ASK_S)
        else:
            waiter.poll(1000 * _TELL_S)


def _done(chunk: Path) -> int:
    try:
        return int((chunk / "done").read_text(encoding="ascii") or 0)
    except (OSError, ValueError):
        return 0  # not written yet, or being written now


def _log(chunk: Path) -> str:
    return (chunk / "log").read_text(encoding="utf-8", errors="replace")


def _check(code: int, said: str) -> None:
    lines = [line for line in said.splitlines() if line.strip()]
    if code != 0:
        last = lines[-1] if lines else "without a message"
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise ToolError("C-simulation", f"the emitted C++ ended with {how}: {last}.", _REPORT)
    uneven = next((line for line in lines if _STREAM_WARNING.search(line)), None)
    if uneven is not None:
        raise ToolError("C-simulation", f"a stream did not come out even: {uneven}.", _REPORT)


def _end(processes: Sequence[subprocess.Popen[str]] | Sequence[subprocess.Popen[bytes]]) -> None:
    """End processes that still run, with all that they started where they lead a group."""
    for process in processes:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                if os.getpgid(process.pid) == process.pid:
                    os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
