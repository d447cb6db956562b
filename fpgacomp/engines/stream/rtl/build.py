"""Builds the simulation program of an emitted design with Verilator and g++, once per content."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from fpgacomp.engines.shared.csim_process import run_compilers
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import Compiler, Verilator, cache_folder

_VERILATE = (
    "--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-Wno-fatal",
    "-Wno-WIDTH", "--output-split", "4000", "-DFPGACOMP_MEASURE",
)  # fmt: skip
# -O1 runs ten times as many frames a second as -O0 for half as much more time of g++; what
# Verilator names slow runs once, before the first cycle.
_COMPILE = ("-std=c++20", "-w", "-DVL_TIME_CONTEXT")
_FAST, _SLOW = "-O1", "-O0"
# Most of the time of one small file goes into the headers that each of them reads again, so files
# are compiled together, up to a size at which g++ needs about 500 MB.
_TOGETHER_BYTES = 2_000_000
_SOURCES = (".sv", ".cpp", ".h", ".mem")
_RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
_TIMEOUT_S = 1800.0
_REPORT = "this is a bug in fpgacomp: please report it with the network."


def build(folder: Path, top: str, verilator: Verilator, compiler: Compiler) -> tuple[Path, float]:
    """The simulation program of the files in `folder`, and the seconds that building it took.

    Programs are kept in the user's cache folder under the digest of everything that they are
    made from.

    Args:
        folder: what `emit_rtl` wrote below rtl/.
        top: the name of the top module.

    Raises:
        ToolError: Verilator or g++ failed.
    """
    started = time.monotonic()
    kept = cache_folder() / "rtl" / _digest(folder, top, verilator, compiler)
    program = kept / "sim"
    if not program.is_file():
        with TemporaryDirectory() as scratch:
            made = _build(folder, top, verilator, compiler, Path(scratch))
            _keep(made, program)
    return program, time.monotonic() - started


def _digest(folder: Path, top: str, verilator: Verilator, compiler: Compiler) -> str:
    """SHA-256 of what a program is made from: sources, tools and flags."""
    whole = hashlib.sha256()
    parts = (top, verilator.version, compiler.version, *_VERILATE, *_COMPILE, _FAST, _SLOW)
    whole.update("\0".join(parts).encode())
    for path in sorted(p for p in folder.rglob("*") if p.suffix in _SOURCES):
        whole.update(f"{path.relative_to(folder)}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _keep(made: Path, program: Path) -> None:
    """Put a program into the cache in one step: another run may do the same meanwhile."""
    program.parent.mkdir(parents=True, exist_ok=True)
    fresh = program.with_name(f"sim.{os.getpid()}")
    shutil.copy2(made, fresh)
    fresh.replace(program)


def _build(folder: Path, top: str, verilator: Verilator, compiler: Compiler, scratch: Path) -> Path:
    made = scratch / "verilated"
    command = [
        str(verilator.path), *_VERILATE, "--prefix", f"V{top}", "--top-module", top,
        "-y", "lib", "--Mdir", str(made), f"{top}.sv",
    ]  # fmt: skip
    _verilate(command, folder, verilator)
    include = verilator.root / "include"
    includes = [f"-I{made}", f"-I{include}", f"-I{include / 'vltstd'}"]
    main = folder / "sim_main.cpp"
    sources = {main: _FAST, **_together(made, compiler.cores)}
    objects = [scratch / f"{source.stem}.o" for source in sources]
    jobs = [
        [str(compiler.path), *_COMPILE, level, *includes, "-c", str(source), "-o", str(target)]
        for (source, level), target in zip(sources.items(), objects)
    ]
    for first in range(0, len(jobs), compiler.cores):
        run_compilers(jobs[first : first + compiler.cores])
    runtime = _runtime(verilator, compiler, includes[1:])
    program = scratch / "sim"
    link = [str(compiler.path), *map(str, (*objects, *runtime)), "-pthread", "-o", str(program)]
    run_compilers([link])
    return program


def _together(made: Path, cores: int) -> dict[Path, str]:
    """Files that include Verilator's, and the optimization level of each.

    The fast ones make at least one file a core, of about equal size.
    """
    parts = sorted(made.glob("*.cpp"))
    slow = [path for path in parts if path.stem.endswith("__Slow")]
    fast = [path for path in parts if not path.stem.endswith("__Slow")]
    size = sum(path.stat().st_size for path in fast)
    count = max(cores, -(-size // _TOGETHER_BYTES))
    groups: list[list[Path]] = [[] for _ in range(count)]
    reached = 0
    for path in fast:
        groups[min(reached * count // max(size, 1), count - 1)].append(path)
        reached += path.stat().st_size
    found = {}
    for number, (level, group) in enumerate([(_SLOW, slow), *((_FAST, group) for group in groups)]):
        if group:
            target = made.parent / f"together_{number}.cpp"
            target.write_text("".join(f'#include "{path}"\n' for path in group), encoding="utf-8")
            found[target] = level
    return found


def _verilate(command: list[str], folder: Path, verilator: Verilator) -> None:
    try:
        ran = subprocess.run(
            command, cwd=folder, env=verilator.environment(), capture_output=True, text=True,
            check=False, timeout=_TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ToolError("Verilator", f"it took over {_TIMEOUT_S:.0f} s.",
                        "use a smaller design.") from None  # fmt: skip
    if ran.returncode != 0:
        lines = [line for line in ran.stderr.splitlines() if line.startswith("%Error")]
        why = lines[0] if lines else f"it ended with code {ran.returncode}."
        raise ToolError("Verilator", f"the emitted SystemVerilog does not build: {why}", _REPORT)


def _runtime(verilator: Verilator, compiler: Compiler, includes: list[str]) -> list[Path]:
    """Verilator's own C++, compiled once for each version of the tools."""
    parts = "\0".join((verilator.version, compiler.version, *_COMPILE, _FAST))
    kept = cache_folder() / "verilator" / hashlib.sha256(parts.encode()).hexdigest()
    objects = [kept / f"{Path(name).stem}.o" for name in _RUNTIME]
    if not all(target.is_file() for target in objects):
        with TemporaryDirectory() as scratch:
            made = [Path(scratch) / target.name for target in objects]
            jobs = [
                [str(compiler.path), *_COMPILE, _FAST, *includes, "-c",
                 str(verilator.root / "include" / name), "-o", str(target)]
                for name, target in zip(_RUNTIME, made)
            ]  # fmt: skip
            run_compilers(jobs)
            for source, target in zip(made, objects):
                _keep(source, target)
    return objects
