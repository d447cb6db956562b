"""A build as an emulated device: the library that drivers and applications run against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.deploy.link_emulation import uart_emulator
from fpgacomp.engines.registry import engine_named
from fpgacomp.engines.shared.emulation import EmulatedSystem
from fpgacomp.errors import ToolError, UsageError
from fpgacomp.flows.options import checked_path
from fpgacomp.flows.stages import Stages
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.strict_json import read_json
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.report import folder
from fpgacomp.runtime.accelerator import stored_frames
from fpgacomp.runtime.address_map import MAPS
from fpgacomp.runtime.axi import AxiTransport
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.emulated import EmulatedPlatform
from fpgacomp.runtime.errors import DeviceError
from fpgacomp.runtime.line import EmulatedLine, is_serial
from fpgacomp.runtime.transport import Transport
from fpgacomp.runtime.uart import UartTransport

# Cycles that a measurement simulates, within these numbers of frames.
_MEASURED_CYCLES, _FEWEST, _MOST = 1_000_000, 8, 200
_PATIENCE_S = 1e3  # of the board's clock
_CONTROL_SIZE = 0x1000
# Physical memory that the emulated DMAs reach: a range that is DRAM on Zynq-7000 and UltraScale+.
_MEMORY, _MEMORY_SIZE = 0x1000_0000, 64 << 20


def emulate(
    build: str | Path,
    *,
    baud: int | None = None,
    trust: bool = False,
    observer: Observer = silent,
) -> Path:
    """Build the library in which a design runs behind a model of AXI DMA, or of a UART.

    A board without a processor has a UART, others have DMAs. Set the environment variable
    FPGACOMP_EMULATOR to the library's path, or hand it to the runtime's `EmulatedPlatform` (DMA) or
    `EmulatedLine` (UART), and the drivers answer as on the board. The library lies in the user's
    cache folder, with the files that it reads; the same design is not built twice.

    Args:
        build: the folder that `compile` wrote.
        baud: of the UART; None takes the board's, as `build` does.
        trust: build and later run the code of a build that this user did not make here.
        observer: told each stage.

    Raises:
        UsageError: the folder is no build, a file of it was changed, its board has a processor
            or host of another kind, its board has a UART and it has no SystemVerilog or its clock
            does not give the rate, a rate is given and there is no UART, or neither this user made
            it nor `trust` is given.
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
    report = read_json(built.project.files["report.json"])
    if report["board"]["host"] == "none":
        clock_hz, rate = _clock_hz(report), _baud(report, str(build), baud)
        verilator = find_verilator()
        with Stages(observer).step("emulator"):
            return uart_emulator(
                built.project, clock_hz, baud=rate, spram=_spram(report), verilator=verilator,
                compiler=compiler,
            )  # fmt: skip
    if baud is not None:
        raise UsageError(f"--baud {baud}", "is for boards with a UART, and this has AXI DMA.",
                         "leave it out.")  # fmt: skip
    system = _system(report, str(build))
    with Stages(observer).step("emulator"):
        emitted = engine.read_back(built.graph, built.project)
        return engine.emulator(emitted, system, compiler=compiler)


@dataclass(frozen=True)
class EmulatedThroughput:
    """Frames that passed an emulated board.

    Args:
        frames: how many.
        way: to the design and back, in words.
        frames_per_second: at the design's clock, with the stated costs of the way.
        baud: of the UART; None where the way is another.
        design_frames_per_second: what the estimate says of the design by itself.
    """

    frames: int
    way: str
    frames_per_second: float
    design_frames_per_second: float
    baud: int | None = None


def throughput(
    build: str | Path, library: Path, *, observer: Observer = silent
) -> EmulatedThroughput:
    """Send the stored frames of a build through its emulated board, again and again.

    Args:
        build: the folder that `compile` wrote.
        library: what `emulate` returned for it.
        observer: told the stage.

    Raises:
        ToolError: the board does not answer, or with other integers than the integer graph's.
        UsageError: the folder is no build, or a file of it was changed.
    """
    place = checked_path("build", build)
    report = read_json(folder.read_build(place).project.files["report.json"])
    cycles = report["estimate"]["interval_cycles"]["value"]
    frames = min(max(round(_MEASURED_CYCLES / cycles), _FEWEST), _MOST)
    with Stages(observer).step("measure"):
        try:
            seconds, baud = _sent(Deployment.read(place / "software"), library, frames)
        except DeviceError as error:
            raise ToolError(error.where, error.why, error.remedy) from error
    way = "AXI DMA" if baud is None else f"a UART at {baud:,} baud"
    return EmulatedThroughput(
        frames, way, frames / seconds, report["estimate"]["frames_per_second"], baud
    )


def _sent(deployment: Deployment, library: Path, frames: int) -> tuple[float, int | None]:
    """Seconds of the board's clock that frames and their answers took, and the rate of a UART."""
    board = EmulatedLine(library) if is_serial(library) else EmulatedPlatform(library)
    try:
        transport = _transport(board, deployment)
        given, wanted = (
            [np.resize(stored_frames(deployment, port), (frames, port.size)) for port in ports]
            for ports in (deployment.inputs, deployment.outputs)
        )
        started = board.now()
        answers = transport.finish(transport.start(given), _PATIENCE_S)
        seconds = board.now() - started
    finally:
        board.close()
    if not all(np.array_equal(answer, right) for answer, right in zip(answers, wanted)):
        raise ToolError(
            "the emulated board", "it answers with other integers than the integer graph.",
            "this is a bug in fpgacomp: please report it with the network.",
        )  # fmt: skip
    return seconds, board.baud if isinstance(board, EmulatedLine) else None


def _transport(board: EmulatedLine | EmulatedPlatform, deployment: Deployment) -> Transport:
    if isinstance(board, EmulatedLine):
        return UartTransport(board, deployment)
    return AxiTransport(board, deployment.inputs, deployment.outputs, board.address_map)


def _clock_hz(report: Mapping[str, Any]) -> int:
    return round(float(report["estimate"]["clock_mhz"]) * 1e6)


def _baud(report: Mapping[str, Any], where: str, given: int | None) -> int:
    """The rate that a bitstream of the design has.

    Raises:
        UsageError: none is given, and the board's file stated none.
    """
    baud = given or report["board"].get("uart_baud")
    if not baud:
        raise UsageError(
            where, "does not say the rate of its board's UART.",
            "give it by --baud; or compile the network again, where its board file states "
            "`uart: {rx: PIN, tx: PIN, baud: RATE}` under bitstream.",
        )  # fmt: skip
    return int(baud)


def _spram(report: Mapping[str, Any]) -> int:
    """Single-port RAMs of the board, in which its link may keep frames; 0 of older builds."""
    return int(report["board"]["resources"].get("spram", 0))


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
