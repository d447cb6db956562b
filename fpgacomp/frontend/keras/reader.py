"""Reads a Keras file in a confined process of its own, which answers with an ONNX model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import onnx

from fpgacomp import errors
from fpgacomp.errors import FpgacompError, ModelError, Problems
from fpgacomp.frontend.keras.allowed import check_configuration
from fpgacomp.frontend.keras.contents import read_contents, require_file
from fpgacomp.host import confine
from fpgacomp.host.signals import held_signals

MEMORY_BYTES = 8 << 30
"""Address space of the reading process. TensorFlow alone takes about 2 GB of it."""

CPU_SECONDS = 900
SCAN_CPU_SECONDS = 15  # of looking at a file, which takes one or two
OPEN_FILES = 256
FILE_BYTES = 4096  # Python itself tries its folder for temporary files with a few bytes
_ANSWER = b"\n"  # ends the line of JSON in front of the model

# It ends at once: taking TensorFlow down takes longer than reading a small model.
_PROGRAM = """
import os, runpy, sys
runpy.run_path(sys.argv[1])["confine"](
    memory_bytes=int(sys.argv[2]), cpu_seconds=int(sys.argv[3]), open_files=int(sys.argv[4]),
    file_bytes=int(sys.argv[5]))
from fpgacomp.host.garbage import look_seldom
look_seldom()
from fpgacomp.frontend.keras import reader
{"scan": reader.scan, "answer": reader.answer}[sys.argv[8]](sys.argv[6], int(sys.argv[7]))
os._exit(0)
"""


def read_confined(path: Path) -> onnx.ModelProto:
    """Return what a `.h5` or `.keras` file exports to; nothing of it is read in this process.

    One process looks at the file and has little time: the HDF5 library, too, can go round without
    end in a damaged file. Only what it lets pass is given to another one, with the framework.

    Raises:
        FpgacompError: as `load_keras` and `export_keras`.
        ModelError: a process ended without an answer, for instance for want of memory.
    """
    require_file(path)
    state = path.stat()
    model = onnx.ModelProto()
    model.ParseFromString(_read(str(path), (state.st_size, state.st_mtime_ns, state.st_ino)))
    return model


@lru_cache(maxsize=2)  # `check` opens a model twice, and TensorFlow takes seconds to start
def _read(path: str, state: tuple[int, ...]) -> bytes:
    _ask(path, "scan", SCAN_CPU_SECONDS)
    return _ask(path, "answer", CPU_SECONDS)


def _ask(path: str, task: Literal["scan", "answer"], cpu_seconds: int) -> bytes:
    """Let a confined process do a task with a file, and return the bytes that it answers."""
    receive, send = os.pipe()
    limits = [str(limit) for limit in (MEMORY_BYTES, cpu_seconds, OPEN_FILES, FILE_BYTES)]
    command = [sys.executable, "-B", "-P", "-c", _PROGRAM, confine.__file__, *limits, path]
    with held_signals():
        process = subprocess.Popen(
            [*command, str(send), task],
            pass_fds=[send],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    with process:
        try:
            os.close(send)
            with os.fdopen(receive, "rb") as pipe:
                told = pipe.read()
        except BaseException:  # a run that is stopped leaves no process behind
            process.kill()
            raise
    head, _, model = told.partition(_ANSWER)
    if process.returncode or not head:
        library = "the HDF5 library" if task == "scan" else "Keras"
        raise ModelError(
            path,
            f"{library} ended while it read the file (exit code {process.returncode}); it may use "
            f"{MEMORY_BYTES >> 30} GB of memory and {cpu_seconds} s.",
            "give a smaller model, or save it again.",
        )
    _raise(json.loads(head))
    return model


def scan(path: str, pipe: int) -> None:
    """Check a file without the framework, and write the problems to the pipe.

    This is what the first confined process runs.
    """

    def checked() -> bytes:
        check_configuration(read_contents(Path(path)).configuration, path)
        return b""

    _tell(checked, pipe)


def answer(path: str, pipe: int) -> None:
    """Read and export a file, and write the model or the problems to the pipe.

    This is what the second confined process runs.
    """

    def exported() -> bytes:
        from fpgacomp.frontend.keras import export_keras, load_keras

        model: bytes = export_keras(load_keras(Path(path))).SerializeToString(deterministic=True)
        return model

    _tell(exported, pipe)


def _tell(task: Callable[[], bytes], pipe: int) -> None:
    model, problems = b"", []
    try:
        model = task()
    except FpgacompError as problem:
        found = problem.problems if isinstance(problem, Problems) else (problem,)
        problems = [(type(p).__name__, p.where, p.why, p.fix) for p in found]
    with os.fdopen(pipe, "wb") as told:
        told.write(json.dumps(problems).encode() + _ANSWER + model)


def _raise(problems: list[Any]) -> None:
    """Raise the problems that the other process told, as what they were there."""
    found: list[FpgacompError] = []
    for name, *sentences in problems:
        kind = getattr(errors, str(name), ModelError)
        known = isinstance(kind, type) and issubclass(kind, FpgacompError) and kind is not Problems
        where, why, fix = map(str, sentences)
        found.append((kind if known else ModelError)(where, why, fix))
    errors.raise_all(found)
