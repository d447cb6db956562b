"""Finds g++ and the other tools; the only reader of PATH and the environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fpgacomp.errors import ToolError


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C++ compiler that C-simulations are built with.

    Args:
        path: the executable.
        version: first line of what it says about itself.
        cores: how many processes may run at the same time on this machine.
    """

    path: Path
    version: str
    cores: int


def find_compiler() -> Compiler:
    """g++ on PATH.

    Raises:
        ToolError: there is none, or it does not run.
    """
    fix = "install it, for instance with: apt-get install g++"
    found = shutil.which("g++")
    if found is None:
        raise ToolError("g++", "no C++ compiler was found on PATH.", fix)
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ToolError("g++", f"{found} does not run: {answer.stderr.strip()}.", fix)
    return Compiler(Path(found), answer.stdout.splitlines()[0], usable_cores())


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
