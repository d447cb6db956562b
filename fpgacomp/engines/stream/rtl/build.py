"""Builds programs and libraries around a design with Verilator and g++, once per content."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fpgacomp.engines.shared import emulation
from fpgacomp.engines.shared.csim_process import SILENT, run_compilers
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
# -O1 runs ten times as many frames a second as -O0 for half as much more time of g++. C++20 has
# nothing that is needed here, and its library's headers take half as long again to read. Programs
# are compiled as libraries are, so that both share what is compiled once.
_COMPILE = ("-std=c++17", *SILENT, "-DVL_TIME_CONTEXT", "-O1", *emulation.COMPILE)
# What Verilator names slow runs once, before the first cycle: g++ takes a fraction of the time.
_SLOW = '#pragma GCC optimize("O0")\n'
_SLOW_SHARE = 4
# Most of the time of one small file goes into the headers that each of them reads again, so files
# are compiled together: up to a size whose own time is twice that of the headers, and where all
# cores have such a part, up to one at which g++ needs about 500 MB.
_PART_BYTES = 700_000
_TOGETHER_BYTES = 2_000_000
_SOURCES = (".sv", ".v", ".vh", ".cpp", ".h", ".mem")
# What every file of Verilator's begins with: half of the time of a small one goes into it.
_HEADER = "verilated.h"
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
        define: those for every file but Verilator's own.
        renamed: what Verilator's code calls by another name, with that name, which `sources`
            define.
        link: options of g++ that come last when it links.
        runtime: Verilator's own C++ that it needs besides `_RUNTIME`.
        beside: files that are kept in the same folder.
    """

    name: str
    room: str
    sources: tuple[Path, ...]
    include: Path | None = None
    verilate: tuple[str, ...] = ()
    define: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()

    def options(self) -> Iterator[str]:
        """Everything but the files."""
        for part in (
            self.verilate, self.define, self.renamed, self.link, self.runtime,
        ):  # fmt: skip
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
        define=(trace.define,) if trace else (),
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
        top, verilator.version, compiler.version, *_VERILATE, *_COMPILE, _SLOW,
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
    parts = parts_of(product, made, cores=compiler.cores)
    objects = [part.with_suffix(".o") for part in parts]
    header = _compiled_once(tools, f"{_HEADER}.gch")
    # g++ itself reads the header where what is kept does not suit the compilation.
    text = header.with_suffix("")
    read = ("-include", str(text)) if header.is_file() and text.is_file() else ()
    # What is called by another name must be declared by it, which the sources do in the first part.
    firsts = [() if number and product.renamed else read for number in range(len(parts))]
    jobs = [
        [str(compiler.path), *_COMPILE, *product.define, *first, *includes, "-c", str(part), "-o",
         str(target)]
        for part, target, first in zip(parts, objects, firsts)
    ]  # fmt: skip
    for first in range(0, len(jobs), compiler.cores):
        run_compilers(jobs[first : first + compiler.cores])
    target = scratch / product.name
    linked = map(str, (*objects, *_runtime(product, tools)))
    run_compilers([[str(compiler.path), *linked, "-pthread", *product.link, "-o", str(target)]])
    return target


def parts_of(product: VerilatedProduct, made: Path, *, cores: int) -> list[Path]:
    """Files that include the sources and what Verilator has made, which take about equal time.

    Args:
        made: what Verilator has written; the files go beside this folder.
        cores: how many compilers may run at the same time.
    """
    made_files = sorted(made.glob("*.cpp"), key=lambda path: (_is_slow(path), path))
    weights = [path.stat().st_size // (_SLOW_SHARE if _is_slow(path) else 1) for path in made_files]
    whole = sum(weights)
    count = max(min(cores, whole // _PART_BYTES), -(-whole // _TOGETHER_BYTES), 1)
    groups: list[list[Path]] = [[] for _ in range(count)]
    reached = 0
    for path, weight in zip(made_files, weights):
        groups[min(reached * count // max(whole, 1), count - 1)].append(path)
        reached += weight
    parts = []
    for number, group in enumerate(group for group in groups if group):
        part = made.parent / f"part_{number}.cpp"
        lines = _lines(product, group, with_sources=number == 0)
        part.write_text("".join(lines), encoding="utf-8")
        parts.append(part)
    return parts


def _lines(product: VerilatedProduct, group: list[Path], *, with_sources: bool) -> Iterator[str]:
    """The lines of a file that is compiled in place of several, of which the slow ones are last."""
    # The sources come before the new names, so that they can still call what is renamed.
    if with_sources:
        yield from (f'#include "{path}"\n' for path in product.sources)
    yield from (f"#define {name}\n" for name in product.renamed)
    slow = [path for path in group if _is_slow(path)]
    yield from (f'#include "{path}"\n' for path in group if path not in slow)
    if slow:
        yield _SLOW
    yield from (f'#include "{path}"\n' for path in slow)


def _is_slow(path: Path) -> bool:
    return path.stem.endswith("__Slow")


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


def _compiled_once(tools: _Tools, name: str) -> Path:
    """Where the cache has what is compiled once for each version of the tools, if it does."""
    parts = (tools.verilator.version, tools.compiler.version, *_COMPILE)
    return kept.place("verilator", "", parts, ()) / name


def _runtime(product: VerilatedProduct, tools: _Tools) -> list[Path]:
    """Verilator's own C++, compiled once for each version of the tools.

    The header is read at the same time, for the files that are compiled later.
    """
    verilator, compiler = tools.verilator, tools.compiler
    names = (*_RUNTIME, *product.runtime)
    sources = {_compiled_once(tools, f"{Path(name).stem}.o"): name for name in names}
    wanted = dict(sources)
    if compiler.is_gcc:  # Clang takes other options for a header that is read before
        wanted[_compiled_once(tools, f"{_HEADER}.gch")] = _HEADER
    missing = {target: name for target, name in wanted.items() if not target.is_file()}
    if missing:
        folder = verilator.root / "include"
        with scratch_folder() as scratch:
            run_compilers([
                [str(compiler.path), *_COMPILE, *tools.include,
                 *(("-x", "c++-header") if name == _HEADER else ("-c",)), str(folder / name),
                 "-o", str(scratch / target.name)]
                for target, name in missing.items()
            ])  # fmt: skip
            for target, name in missing.items():
                if name != _HEADER:
                    kept.keep(scratch / target.name, target)
                    continue
                with suppress(OSError):  # without it, files take longer to compile, no more
                    kept.keep(folder / name, target.with_suffix(""))
                    kept.keep(scratch / target.name, target)
    return list(sources)
