"""Finds g++ and the other tools; the only reader of PATH and the environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
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


def config_folder() -> Path:
    """Folder of this user's settings for fpgacomp, which may not exist yet."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base else Path.home() / ".config") / "fpgacomp"


def select_legacy_keras() -> None:
    """Let `tf.keras` be Keras 2 (the package tf_keras); takes effect before TensorFlow loads.

    Nothing is decided by what the environment holds: TensorFlow offers no other switch.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@dataclass(frozen=True, slots=True)
class Tool:
    """One piece of the surroundings, for `fpgacomp doctor`.

    Args:
        name: what it is called.
        found: its version or path, or None where it is missing.
        enables: what it is for.
        install: the command that adds it.
    """

    name: str
    found: str | None
    enables: str
    install: str


_PACKAGES = (
    ("hls4ml", "HLS C++ for Vitis and Vivado HLS", "pip install hls4ml==1.3.0"),
    ("onnxruntime", "the software side, calibration", "pip install onnxruntime"),
    (
        "finn-plus",
        "FINN's own files beside a streaming design",
        "pip install 'fpgacomp[finn]' && pip install --no-deps finn-plus==1.6.1",
    ),
    ("brevitas", "training and exporting with PyTorch", "pip install 'fpgacomp[brevitas]'"),
    ("qkeras", "training and exporting with Keras", "pip install 'fpgacomp[qkeras]'"),
)
_PROGRAMS = (
    ("g++", "C-simulation", "apt-get install g++"),
    ("vitis_hls", "synthesis of the project (2020.1 to 2024.1)", "install AMD Vitis"),
    ("vitis-run", "synthesis of the project (2024.2 and later)", "install AMD Vitis"),
    ("vivado", "bitstreams", "install AMD Vivado"),
)


def survey() -> tuple[Tool, ...]:
    """What is installed on this machine, and what each missing piece would enable."""
    packages = [Tool(name, _package(name), *rest) for name, *rest in _PACKAGES]
    programs = [Tool(name, shutil.which(name), *rest) for name, *rest in _PROGRAMS]
    return (*programs, *packages)


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
