"""A board as the compiler sees it; `fpgacomp.devices.read` reads it from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fpgacomp.devices.device import Device
from fpgacomp.devices.pins import BoardPins
from fpgacomp.devices.resources import Resources


@dataclass(frozen=True)
class BoardPower:
    """What a board takes.

    Args:
        typical: watts of the whole board, as its vendor states them.
        source: the public document that does.
    """

    typical: float
    source: str


@dataclass(frozen=True)
class Board:
    """One board: what its FPGA holds and is made of, its clock, and what the shell takes.

    Args:
        name: how users call it, in lower case with dashes.
        part: part number of the FPGA, in the spelling of the vendor's tools.
        family: name of the device family; `device` has what follows from it.
        device: facts of the family, or what the board file states in their place.
        resources: how much of each resource the FPGA holds.
        lutram: how many of the LUTs can be memory.
        shell: what the surroundings of a design (DMA, interconnect) take of `resources`.
        clock_mhz_default, clock_mhz_max: of the design's clock, in megahertz.
        memory: the memory beside the FPGA, in words.
        host: how samples reach the FPGA.
        sources: the documents that the figures are from.
        path: the board file.
        pins: what a bitstream by open tools needs; None where the board file does not state it.
        vivado_board: what Vivado's own files call the board; "" where they are not known.
        spram: single-port RAMs, which hold frames of the host link.
        platform: of an accelerator card, for which v++ links kernels; "" for others.
        power: None where the board file states none.
    """

    name: str
    title: str
    vendor: Literal["xilinx", "lattice", "gowin"]
    part: str
    family: str
    device: Device
    resources: Resources[float]
    lutram: int
    shell: Resources[float]
    clock_mhz_default: float
    clock_mhz_max: float
    memory: str
    host: Literal["zynq-ps", "pcie", "none"]
    sources: tuple[str, ...]
    path: Path
    pins: BoardPins | None = None
    vivado_board: str = ""
    platform: str = ""
    power: BoardPower | None = None
    spram: int = 0

    @property
    def budget(self) -> Resources[float]:
        """What a design may use: the FPGA's resources less its shell."""
        return self.resources - self.shell
