"""A build as an emulated device: the library that drivers and applications run against."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

from fpgacomp.deploy.link_emulation import uart_emulator
from fpgacomp.engines.registry import engine_named
from fpgacomp.engines.shared.emulation import EmulatedSystem
from fpgacomp.errors import UsageError
from fpgacomp.flows.options import checked_path
from fpgacomp.flows.stages import Stages
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.report import folder
from fpgacomp.runtime.address_map import MAPS

_CONTROL_SIZE = 0x1000
# Physical memory that the emulated DMAs reach: a range that is DRAM on Zynq-7000 and UltraScale+.
_MEMORY, _MEMORY_SIZE = 0x1000_0000, 64 << 20


def emulate(build: str | Path, *, trust: bool = False, observer: Observer = silent) -> Path:
    """Build the library in which a design runs behind a model of AXI DMA, or of a UART.

    A board without a processor has a UART, others have DMAs. Set the environment variable
    FPGACOMP_EMULATOR to the library's path, or hand it to the runtime's `EmulatedPlatform` (DMA) or
    `EmulatedLine` (UART), and the drivers answer as on the board. The library lies in the user's
    cache folder, with the files that it reads; the same design is not built twice.

    Args:
        build: the folder that `compile` wrote.
        trust: build and later run the code of a build that this user did not make here.
        observer: told each stage.

    Raises:
        UsageError: the folder is no build, a file of it was changed, its board has a processor
            or host of another kind, its board has a UART and it has no SystemVerilog, or neither
            this user made it nor `trust` is given.
        ToolError: Verilator or g++ is missing or failed.
    """
    built = folder.read_build(checked_path("build", build))
    if not (built.own or trust):
        raise UsageError(
            str(build),
            "was not made by you on this machine, and its code would run with your rights.",
            "read its code and add --trust, or compile the network yourself.",
        )
    engine, compiler = engine_named(built.backend), find_compiler()
    report = json.loads(built.project.files["report.json"])
    if report["board"]["host"] == "none":
        clock_hz, verilator = _clock_hz(report), find_verilator()
        with Stages(observer).step("emulator"):
            return uart_emulator(built.project, clock_hz, verilator=verilator, compiler=compiler)
    system = _system(report, str(build))
    with Stages(observer).step("emulator"):
        emitted = engine.read_back(built.graph, built.project)
        return engine.emulator(emitted, system, compiler=compiler)


def _clock_hz(report: Mapping[str, Any]) -> int:
    return round(float(report["estimate"]["clock_mhz"]) * 1e6)


def _system(report: Mapping[str, Any], where: str) -> EmulatedSystem:
    """The system around a design on its board, at the design's clock."""
    board, estimate = report["board"], report["estimate"]
    addresses = MAPS.get(board["family"])
    if addresses is None:
        raise UsageError(
            where,
            f"is for {board['name']}, which has no processor beside the logic; AXI DMA is emulated "
            f"for {' and '.join(MAPS)} alone, a UART for boards that no host reaches otherwise.",
            "compile for a board with such a part, for instance --board pynq-z2.",
        )
    return EmulatedSystem(
        control=addresses.control,
        control_size=_CONTROL_SIZE,
        dma=addresses.dma,
        dma_stride=addresses.stride,
        memory=_MEMORY,
        memory_size=_MEMORY_SIZE,
        clock_hz=_clock_hz(report),
        latency_cycles=ceil(estimate["latency_cycles"]["value"]),
        interval_cycles=ceil(estimate["interval_cycles"]["value"]),
    )
