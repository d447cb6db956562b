"""The self-test of an installed version, in a process of its own: a hook of `install`.

The process runs in the folder of the version. Only exit code 0 means that the version works.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Sequence

from .errors import DeviceError

# How long a self-test may take where nothing else is said; it includes loading a bitstream.
SECONDS = 120.0
_TOLD = 300  # characters of the process's last line that an error repeats
_FIX = "the version that was active still is; run the self-test by hand to see all that it says."


class SelfTestFailed(DeviceError):
    """A version whose self-test ended otherwise than with exit code 0."""


def command_hook(words: Sequence[str], seconds: float = SECONDS) -> Callable[[Path], None]:
    """A hook that runs a program in the folder of the version.

    Args:
        words: the program and its arguments, which no shell reads.
        seconds: how long it may take.
    """

    def hook(folder: Path) -> None:
        _run(words, folder, seconds)

    return hook


def transport_hook(transport: str, seconds: float = SECONDS) -> Callable[[Path], None]:
    """A hook that sends the stored frames through the accelerator, by the version's own runtime.

    Args:
        transport: the way to the device, as `python -m fpgacomp_runtime selftest` takes it.
        seconds: how long it may take.
    """
    words = [sys.executable, "-m", "fpgacomp_runtime", "selftest", ".", "--transport", transport]
    return command_hook(words, seconds)


def _run(words: Sequence[str], folder: Path, seconds: float) -> None:
    """Run a program; what it prints goes to a file, as a pipe that is full would stop it."""
    shown = " ".join(words)
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                words, cwd=str(folder), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=environment, start_new_session=True,
            )  # fmt: skip
        except OSError as problem:
            raise SelfTestFailed(shown, f"does not run: {problem.strerror}.", _FIX) from None
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise SelfTestFailed(shown, f"did not end within {seconds:g} s.", _FIX) from None
        finally:
            _end(process)
        if code:
            output.seek(max(0, output.tell() - 4096))
            lines = output.read(4096).decode("utf-8", "replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
            how = f"ended with exit code {code}" if code > 0 else f"ended by signal {-code}"
            raise SelfTestFailed(shown, f"{how}; it said: {last[:_TOLD]}", _FIX)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, and what it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
