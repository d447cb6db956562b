"""Builds the simulation program of an emitted design with Verilator and g++, once per content."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fpgacomp.engines.shared.csim_process import run_compilers
from fpgacomp.engines.stream.rtl.trace import TraceFormat, check_libraries
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


@dataclass(frozen=True)
class _Tools:
    """Verilator and g++ with the format of the waveforms that the program is to write."""

    verilator: Verilator
    compiler: Compiler
    trace: TraceFormat | None

    @property
    def verilate(self) -> tuple[str, ...]:
        """Options of Verilator."""
        return (*_VERILATE, *(self.trace.verilate if self.trace else ()))

    @property
    def compile(self) -> tuple[str, ...]:
        """Options of g++."""
        return (*_COMPILE, *((self.trace.define,) if self.trace else ()))

    @property
    def runtime(self) -> tuple[str, ...]:
        """Verilator's own C++."""
        return (*_RUNTIME, *((self.trace.runtime,) if self.trace else ()))

    @property
    def libraries(self) -> tuple[str, ...]:
        """What the program is linked with."""
        return ("-pthread", *(self.trace.libraries if self.trace else ()))


def build(
    folder: Path,
    top: str,
    verilator: Verilator,
    compiler: Compiler,
    trace: TraceFormat | None = None,
) -> tuple[Path, float]:
    """The simulation program of the files in `folder`, and the seconds that building it took.

    Programs are kept in the user's cache folder under the digest of everything that they are
    made from.

    Args:
        folder: what `emit_rtl` wrote below rtl/.
        top: the name of the top module.
        trace: format of the waveforms that the program can write; it runs slower with one.

    Raises:
        ToolError: Verilator or g++ failed, or a library of the format is missing.
    """
    started = time.monotonic()
    tools = _Tools(verilator, compiler, trace)
    kept = cache_folder() / "rtl" / _digest(folder, top, tools)
    program = kept / "sim"
    if not program.is_file():
        if trace is not None:
            check_libraries(trace, compiler)
        with TemporaryDirectory() as scratch:
            made = _build(folder, top, tools, Path(scratch))
            _keep(made, program)
    return program, time.monotonic() - started


def _digest(folder: Path, top: str, tools: _Tools) -> str:
    """SHA-256 of what a program is made from: sources, tools and flags."""
    whole = hashlib.sha256()
    versions = (tools.verilator.version, tools.compiler.version)
    parts = (top, *versions, *tools.verilate, *tools.compile, _FAST, _SLOW)
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


def _build(folder: Path, top: str, tools: _Tools, scratch: Path) -> Path:
    verilator, compiler = tools.verilator, tools.compiler
    made = scratch / "verilated"
    command = [
        str(verilator.path), *tools.verilate, "--prefix", f"V{top}", "--top-module", top,
        "-y", "lib", "--Mdir", str(made), f"{top}.sv",
    ]  # fmt: skip
    _verilate(command, folder, verilator)
    include = verilator.root / "include"
    includes = [f"-I{made}", f"-I{include}", f"-I{include / 'vltstd'}"]
    main = folder / "sim_main.cpp"
    sources = {main: _FAST, **_together(made, compiler.cores)}
    objects = [scratch / f"{source.stem}.o" for source in sources]
    jobs = [
        [str(compiler.path), *tools.compile, level, *includes, "-c", str(source), "-o", str(target)]
        for (source, level), target in zip(sources.items(), objects)
    ]
    for first in range(0, len(jobs), compiler.cores):
        run_compilers(jobs[first : first + compiler.cores])
    runtime = _runtime(tools, includes[1:])
    program = scratch / "sim"
    parts = map(str, (*objects, *runtime))
    run_compilers([[str(compiler.path), *parts, *tools.libraries, "-o", str(program)]])
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


def _runtime(tools: _Tools, includes: list[str]) -> list[Path]:
    """Verilator's own C++, compiled once for each version of the tools."""
    verilator, compiler = tools.verilator, tools.compiler
    parts = "\0".join((verilator.version, compiler.version, *_COMPILE, _FAST))
    kept = cache_folder() / "verilator" / hashlib.sha256(parts.encode()).hexdigest()
    objects = [kept / f"{Path(name).stem}.o" for name in tools.runtime]
    if not all(target.is_file() for target in objects):
        with TemporaryDirectory() as scratch:
            made = [Path(scratch) / target.name for target in objects]
            jobs = [
                [str(compiler.path), *_COMPILE, _FAST, *includes, "-c",
                 str(verilator.root / "include" / name), "-o", str(target)]
                for name, target in zip(tools.runtime, made)
            ]  # fmt: skip
            run_compilers(jobs)
            for source, target in zip(made, objects):
                _keep(source, target)
    return objects
