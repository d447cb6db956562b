"""Emulation of a board without a processor: its top module behind a UART, as a shared library."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fpgacomp.deploy.link import link_top, render, top_of
from fpgacomp.engines.shared import emulation
from fpgacomp.engines.stream.rtl.build import VerilatedProduct, make
from fpgacomp.engines.stream.rtl.interface import RTL_FILE, RtlInterface
from fpgacomp.errors import UsageError
from fpgacomp.host.scratch import scratch_folder
from fpgacomp.host.toolchain import Compiler, Verilator
from fpgacomp.results.project import Project

# Clock cycles of a bit where no rate is given: as few as the link takes, as each is simulated.
_BIT_CYCLES = 4
# Until the rest of a packet is not coming: cycles at least, and times of a byte.
_PATIENCE_CYCLES, _PATIENCE_BYTES = 8192, 64


def uart_emulator(
    project: Project,
    clock_hz: int,
    *,
    baud: int | None = None,
    window: int | None = None,
    spram: int = 0,
    verilator: Verilator,
    compiler: Compiler,
) -> Path:
    """The library of a project's top module behind a UART, from the cache or built.

    The runtime's `EmulatedLine` is the host's end of the line.

    Args:
        project: what `emit_rtl` wrote.
        clock_hz: of the design.
        baud: of the line; None takes a quarter of the clock, with which a board says nothing of its
            throughput, but is emulated fastest.
        window, spram: frames that may be under way, and single-port RAMs; see `link_top`.

    Returns:
        The library, in a folder with the tables that it reads when it is opened.

    Raises:
        InputDataError: the project's RTL is of another version.
        UsageError: the project has no RTL, or too many ports for the link, or the clock does not
            give the rate.
        ToolError: Verilator or g++ failed.
    """
    if RTL_FILE not in project.files:
        why = "a board with a UART is emulated by its SystemVerilog, and this design has none."
        raise UsageError("the emulator", why, "compile it with --backend stream.")
    interface = RtlInterface.of(project)
    if baud is None:
        baud = clock_hz // _BIT_CYCLES
    patience = max(_PATIENCE_CYCLES, _PATIENCE_BYTES * 10 * clock_hz // baud)
    link = link_top(interface, clock_hz, baud, window=window, patience_cycles=patience, spram=spram)
    top = top_of(interface, clock_hz, baud, window=window, patience_cycles=patience, spram=spram)
    with scratch_folder() as scratch:
        folder = scratch / "sources"
        _sources(project, link, f"{top.name}.sv").write(folder)
        tables = tuple(sorted(folder.glob("*.mem")))
        source = scratch / "emulation.cpp"
        source.write_bytes(render("emulation.cpp", top=top, tables=[path.name for path in tables]))
        wanted = VerilatedProduct(
            name=emulation.LIBRARY, room="emulation", sources=(source,),
            link=emulation.LINK,
            # The library's own function, which looks for tables beside the library.
            renamed=("VL_READMEM_N fcemu_readmem",), beside=tables,
        )  # fmt: skip
        return make(wanted, folder, top.name, verilator, compiler)


def _sources(project: Project, link: Project, top: str) -> Project:
    """The top module and the tables, and every other module below lib/."""
    modules = {
        PurePosixPath(path).name: content
        for path, content in (*project.files.items(), *link.files.items())
        if path.endswith(".sv") and (path.startswith("rtl/") or path in link.files)
    }
    tables = {
        PurePosixPath(path).name: content
        for path, content in project.files.items()
        if path.startswith("rtl/") and path.endswith(".mem")
    }
    content = modules.pop(top)
    below = {f"lib/{name}": text for name, text in modules.items()}
    return Project({top: content, **below, **tables})
