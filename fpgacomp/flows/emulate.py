"""A build as an emulated device: the library that drivers and applications run against."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path

from fpgacomp.engines.registry import engine_named
from fpgacomp.engines.shared.emulation import EmulatedSystem
from fpgacomp.errors import UsageError
from fpgacomp.flows.options import checked_path
from fpgacomp.flows.stages import Stages
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.report import folder
from fpgacomp.results.project import Project
from fpgacomp.runtime.address_map import MAPS

_CONTROL_SIZE = 0x1000
# Physical memory that the emulated DMAs reach: a range that is DRAM on Zynq-7000 and UltraScale+.
_MEMORY, _MEMORY_SIZE = 0x1000_0000, 64 << 20


def emulate(build: str | Path, *, trust: bool = False, observer: Observer = silent) -> Path:
    """Build the library in which a design runs behind a model of AXI DMA.

    Set the environment variable FPGACOMP_EMULATOR to its path, or hand it to the runtime's
    `EmulatedPlatform`, and the drivers answer as on the board. The library lies in the user's cache
    folder, with the files that it reads; the same design is not built twice.

    Args:
        build: the folder that `compile` wrote.
        trust: build and later run the code of a build that this user did not make here.
        observer: told each stage.

    Raises:
        UsageError: the folder is no build, a file of it was changed, its board has no processor
            with a DMA, or neither this user made it nor `trust` is given.
        ToolError: Verilator or g++ is missing or failed.
    """
    built = folder.read_build(checked_path("build", build))
    if not (built.own or trust):
        raise UsageError(
            str(build),
            "was not made by you on this machine, and its code would run with your rights.",
            "read its code and add --trust, or compile the network yourself.",
        )
    system = _system(built.project, str(build))
    engine, compiler = engine_named(built.backend), find_compiler()
    with Stages(observer).step("emulator"):
        emitted = engine.read_back(built.graph, built.project)
        return engine.emulator(emitted, system, compiler=compiler)


def _system(project: Project, where: str) -> EmulatedSystem:
    """The system around a design on its board, at the design's clock."""
    report = json.loads(project.files["report.json"])
    board, estimate = report["board"], report["estimate"]
    addresses = MAPS.get(board["family"])
    if addresses is None:
        raise UsageError(
            where,
            f"is for {board['name']}, which has no processor beside the logic; AXI DMA is emulated "
            f"for {' and '.join(MAPS)} alone.",
            "compile for a board with such a part, for instance --board pynq-z2.",
        )
    return EmulatedSystem(
        control=addresses.control,
        control_size=_CONTROL_SIZE,
        dma=addresses.dma,
        dma_stride=addresses.stride,
        memory=_MEMORY,
        memory_size=_MEMORY_SIZE,
        clock_hz=round(estimate["clock_mhz"] * 1e6),
        latency_cycles=ceil(estimate["latency_cycles"]["value"]),
        interval_cycles=ceil(estimate["interval_cycles"]["value"]),
    )
