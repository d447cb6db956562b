"""Builds programs and libraries around a design with Verilator and g++, once per content."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fpgacomp.engines.shared.csim_process import run_compilers
from fpgacomp.engines.shared.netlist import Netlist
from fpgacomp.engines.stream.rtl.trace import TraceFormat, check_libraries
from fpgacomp.errors import ToolError
from fpgacomp.host import kept
from fpgacomp.host.scratch import scratch_folder
from fpgacomp.host.toolchain import Compiler, Verilator

_VERILATE = (
    "--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-Wno-fatal",
    "-Wno-WIDTH", "--output-split", "4000",
)  # fmt: skip
# -O1 runs ten times as many frames a second as -O0 for half as much more time of g++; what
# Verilator names slow runs once, before the first cycle.
_COMPILE = ("-std=c++20", "-w", "-DVL_TIME_CONTEXT")
_FAST, _SLOW = "-O1", "-O0"
# Most of the time of one small file goes into the headers that each of them reads again, so files
# are compiled together, up to a size at which g++ needs about 500 MB.
_TOGETHER_BYTES = 2_000_000
_SOURCES = (".sv", ".v", ".vh", ".cpp", ".h", ".mem")
_RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
# Models of cells state times. Of a module that is there twice the first one counts, which is ours;
# what it refuses at elaboration, or a port that it lacks, must not pass as a warning.
VERILATE_CELLS = (
    "--no-timing", "--timescale", "1ps/1ps", "-Wno-MODDUP", "-Werror-USERFATAL",
    "-Werror-PINNOTFOUND",
)  # fmt: skip
_TIMEOUT_S = 1800.0
_REPORT = "this is a bug in fpgacomp: please report it with the network."


@dataclass(frozen=True, kw_only=True)
class VerilatedProduct:
    """What is made of a design that Verilator has turned into C++.

    Args:
        name: of its file.
        room: folder of the cache in which it is kept.
        sources: C++ around the design's.
        include: folder of the headers of `sources`, or None.
        verilate: options of Verilator.
        compile: options of g++ for every file.
        generated: those for what Verilator has written, besides.
        link: options of g++ that come last when it links.
        runtime: Verilator's own C++ that it needs besides `_RUNTIME`.
        beside: files that are kept in the same folder.
    """

    name: str
    room: str
    sources: tuple[Path, ...]
    include: Path | None = None
    verilate: tuple[str, ...] = ()
    compile: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()

    def options(self) -> Iterator[str]:
        """Everything but the files."""
        for part in (self.verilate, self.compile, self.generated, self.link, self.runtime):
            yield from (*part, "")

    def files(self) -> Iterator[Path]:
        """What it is made from besides the design."""
        yield from self.sources
        if self.include is not None:
            yield from sorted(self.include.glob("*.h"))


@dataclass(frozen=True)
class _Tools:
    """Verilator and g++."""

    verilator: Verilator
    compiler: Compiler

    @property
    def include(self) -> tuple[str, ...]:
        """Options that find the headers of Verilator's own C++."""
        folder = self.verilator.root / "include"
        return (f"-I{folder}", f"-I{folder / 'vltstd'}")


def build(
    folder: Path,
    top: str,
    verilator: Verilator,
    compiler: Compiler,
    trace: TraceFormat | None = None,
) -> tuple[Path, float]:
    """The simulation program of the files in `folder`, and the seconds that building it took.

    Args:
        folder: what `emit_rtl` wrote below rtl/.
        top: the name of the top module.
        trace: format of the waveforms that the program can write; it runs slower with one.

    Raises:
        ToolError: Verilator or g++ failed, or a library of the format is missing.
    """
    started = time.monotonic()
    wanted = VerilatedProduct(
        name="sim",
        room="rtl",
        sources=(folder / "sim_main.cpp",),
        verilate=("-DFPGACOMP_MEASURE", *(trace.verilate if trace else ())),
        compile=(trace.define,) if trace else (),
        runtime=(trace.runtime,) if trace else (),
        link=trace.libraries if trace else (),
    )
    if trace is not None and not kept_at(wanted, folder, top, verilator, compiler).is_file():
        check_libraries(trace, compiler)
    return make(wanted, folder, top, verilator, compiler), time.monotonic() - started


def build_netlist(
    folder: Path, netlist: Netlist, top: str, verilator: Verilator, compiler: Compiler
) -> Path:
    """The simulation program of a netlist.

    Args:
        folder: an empty folder with the program that drives the top module, sim_main.cpp.

    Raises:
        ToolError: Verilator or g++ failed.
    """
    for name, content in netlist.files.items():
        (folder / name).write_bytes(content)
    wanted = VerilatedProduct(
        name="sim",
        room="gate",
        sources=(folder / "sim_main.cpp",),
        verilate=VERILATE_CELLS + netlist.defines + netlist.read,
    )  # fmt: skip
    return make(wanted, folder, top, verilator, compiler)


def make(
    product: VerilatedProduct, folder: Path, top: str, verilator: Verilator, compiler: Compiler
) -> Path:
    """The file of a product, built unless an earlier run has kept it.

    Products are kept in the user's cache folder under the digest of everything that they are
    made from.

    Args:
        folder: what `emit_rtl` wrote below rtl/.
        top: the name of the top module.

    Raises:
        ToolError: Verilator or g++ failed.
    """
    target = kept_at(product, folder, top, verilator, compiler)
    if not target.is_file():
        with scratch_folder() as scratch:
            made = _build(product, folder, top, _Tools(verilator, compiler), scratch)
            for path in product.beside:
                kept.keep(path, target.with_name(path.name))
            kept.keep(made, target)
    return target


def kept_at(
    product: VerilatedProduct, folder: Path, top: str, verilator: Verilator, compiler: Compiler
) -> Path:
    """Where the cache has a product, if it does."""
    options = (
        top, verilator.version, compiler.version, *_VERILATE, *_COMPILE, _FAST, _SLOW,
        *product.options(),
    )  # fmt: skip
    design = sorted(path for path in folder.rglob("*") if path.suffix in _SOURCES)
    files = [(str(path.relative_to(folder)), path) for path in design]
    files += [(path.name, path) for path in product.files()]
    return kept.place(product.room, product.name, options, files)


def _build(product: VerilatedProduct, folder: Path, top: str, tools: _Tools, scratch: Path) -> Path:
    verilator, compiler = tools.verilator, tools.compiler
    made = scratch / "verilated"
    command = [
        str(verilator.path), *_VERILATE, *product.verilate, "--prefix", f"V{top}",
        "--top-module", top, "-y", "lib", "--Mdir", str(made), f"{top}.sv",
    ]  # fmt: skip
    _verilate(command, folder, verilator)
    includes = [f"-I{made}", *tools.include]
    if product.include is not None:
        includes.append(f"-I{product.include}")
    options: dict[Path, tuple[str, ...]] = dict.fromkeys(product.sources, (_FAST,))
    for source, level in _together(made, compiler.cores).items():
        options[source] = (level, *product.generated)
    objects = [scratch / f"{source.stem}.o" for source in options]
    jobs = [
        [str(compiler.path), *_COMPILE, *product.compile, *own, *includes, "-c", str(source),
         "-o", str(target)]
        for (source, own), target in zip(options.items(), objects)
    ]  # fmt: skip
    for first in range(0, len(jobs), compiler.cores):
        run_compilers(jobs[first : first + compiler.cores])
    target = scratch / product.name
    parts = map(str, (*objects, *_runtime(product, tools)))
    run_compilers([[str(compiler.path), *parts, "-pthread", *product.link, "-o", str(target)]])
    return target


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
            errors="replace",
            check=False, timeout=_TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ToolError("Verilator", f"it took over {_TIMEOUT_S:.0f} s.",
                        "use a smaller design.") from None  # fmt: skip
    if ran.returncode != 0:
        lines = [line for line in ran.stderr.splitlines() if line.startswith("%Error")]
        why = lines[0] if lines else f"it ended with code {ran.returncode}."
        raise ToolError("Verilator", f"the emitted SystemVerilog does not build: {why}", _REPORT)


def _runtime(product: VerilatedProduct, tools: _Tools) -> list[Path]:
    """Verilator's own C++, compiled once for each version of the tools and set of options."""
    verilator, compiler = tools.verilator, tools.compiler
    options = (*_COMPILE, *product.compile, _FAST)
    parts = (verilator.version, compiler.version, *options)
    folder = kept.place("verilator", "", parts, ())
    names = (*_RUNTIME, *product.runtime)
    objects = [folder / f"{Path(name).stem}.o" for name in names]
    if not all(target.is_file() for target in objects):
        with scratch_folder() as scratch:
            made = [scratch / target.name for target in objects]
            jobs = [
                [str(compiler.path), *options, *tools.include, "-c",
                 str(verilator.root / "include" / name), "-o", str(target)]
                for name, target in zip(names, made)
            ]  # fmt: skip
            run_compilers(jobs)
            for source, target in zip(made, objects):
                kept.keep(source, target)
    return objects
