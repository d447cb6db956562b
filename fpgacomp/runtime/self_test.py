"""The self-test of an installed version, in a process of its own: a hook of `install`.

Only exit code 0 means that the version works. A program that the user names runs in the folder of
the version. What sends the stored frames is the installer's own runtime, which only reads that
folder: a package that nobody signed does not get to run its code by being tried. One whose
signature was checked is tried by its own runtime, which is the one that will serve it.
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
_REMEDY = " Fix: "  # what stands in front of the remedy in an error that a process prints


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


class TransportHook:
    """A hook that sends the stored frames through the accelerator.

    Args:
        transport: the way to the device, as `python -m fpgacomp_runtime selftest` takes it.
        seconds: how long it may take.
    """

    def __init__(self, transport: str, seconds: float = SECONDS) -> None:
        self.transport, self.seconds = transport, seconds

    def __call__(self, folder: Path) -> None:
        """Send the frames by the runtime that is running now; `folder` is only read."""
        words = [*_this_runtime(), "selftest", str(folder.resolve())]
        shown = f"the self-test through {self.transport}"
        _run([*words, "--transport", self.transport], Path.cwd(), self.seconds, shown)

    def of_signed_package(self) -> Callable[[Path], None]:
        """The same by the version's own runtime, for a package whose signature was checked."""
        words = [sys.executable, "-m", "fpgacomp_runtime", "selftest", "."]
        return command_hook([*words, "--transport", self.transport], self.seconds)


def _this_runtime() -> list[str]:
    """The command line of the runtime that is running now, whatever folder it is started in.

    It imports from where this process does, in the same order. `-m` would look into the folder that
    it is started in first, and PYTHONPATH does not say from where this process was started.
    """
    places = [str(Path(place).resolve()) for place in sys.path if isinstance(place, str)]
    main = f"runpy.run_module({__package__!r}, run_name='__main__', alter_sys=True)"
    return [sys.executable, "-c", f"import sys; sys.path[:] = {places!r}; import runpy; {main}"]


def _run(words: Sequence[str], folder: Path, seconds: float, shown: str = "") -> None:
    """Run a program; what it prints goes to a file, as a pipe that is full would stop it."""
    shown = shown or " ".join(words)
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
            # This error has a remedy of its own, and two in one sentence read as one twice.
            said, _, remedy = last.partition(_REMEDY)
            fix = f"{remedy.strip()[:_TOLD]} T{_FIX[1:]}" if remedy.strip() else _FIX
            raise SelfTestFailed(shown, f"{how}; it said: {said[:_TOLD]}", fix)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, and what it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
