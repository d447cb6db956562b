"""Emulation: the emitted SystemVerilog behind a model of AXI DMA, as a shared library."""

from __future__ import annotations

from pathlib import Path

from fpgacomp.engines.shared import emulation
from fpgacomp.engines.shared.emulation import EmulatedSystem
from fpgacomp.engines.stream.rtl.build import VerilatedProduct, make
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.host.scratch import scratch_folder
from fpgacomp.host.toolchain import Compiler, Verilator
from fpgacomp.results.project import Project


def emulator(
    project: Project, system: EmulatedSystem, *, verilator: Verilator, compiler: Compiler
) -> Path:
    """The library of a project's top module in an emulated system, from the cache or built.

    Args:
        project: what `emit_rtl` wrote.

    Returns:
        The library, in a folder with the tables that it reads when it is opened.

    Raises:
        InputDataError: the project has no RTL, or that of another version.
        ToolError: Verilator or g++ failed.
    """
    interface = RtlInterface.of(project)
    rtl = {path: content for path, content in project.files.items() if path.startswith("rtl/")}
    with scratch_folder() as scratch:
        Project(rtl).write(scratch)
        folder = scratch / "rtl"
        tables = tuple(sorted(path for path in folder.glob("*.mem")))
        source = scratch / "accelerator.cpp"
        content = emulation.render(
            "rtl.cpp", top=interface.top, inputs=interface.inputs, outputs=interface.outputs,
            tables=[path.name for path in tables], system=system,
        )  # fmt: skip
        source.write_bytes(content)
        wanted = VerilatedProduct(
            name=emulation.LIBRARY, room="emulation", sources=(emulation.MAIN, source),
            include=emulation.FOLDER, link=emulation.LINK,
            # The library's own function, which looks for tables beside the library.
            renamed=("VL_READMEM_N fcemu_readmem",), beside=tables,
        )  # fmt: skip
        return make(wanted, folder, interface.top, verilator, compiler)
