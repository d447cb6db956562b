"""A board as the compiler sees it; `fpgacomp.devices.read` reads it from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fpgacomp.devices.device import Device


@dataclass(frozen=True)
class Resources:
    """Counts of one FPGA's resources; also what a design or a layer takes.

    bram18 counts 18-kbit halves (a BRAM36 is two), uram 288-kbit blocks, lutram the
    LUTs that can be memory. ECP5 and iCE40 figures are in their own units (4-input
    LUTs; bram18 as the equivalent of 18-kbit blocks).
    """

    lut: float = 0
    ff: float = 0
    dsp: float = 0
    bram18: float = 0
    uram: float = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(*(getattr(self, f) + getattr(other, f) for f in RESOURCE_FIELDS))

    def __sub__(self, other: Resources) -> Resources:
        return Resources(*(getattr(self, f) - getattr(other, f) for f in RESOURCE_FIELDS))


RESOURCE_FIELDS = ("lut", "ff", "dsp", "bram18", "uram")


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
    """

    name: str
    title: str
    vendor: Literal["xilinx", "lattice"]
    part: str
    family: str
    device: Device
    resources: Resources
    lutram: int
    shell: Resources
    clock_mhz_default: float
    clock_mhz_max: float
    memory: str
    host: Literal["zynq-ps", "pcie", "none"]
    sources: tuple[str, ...]
    path: Path

    @property
    def budget(self) -> Resources:
        """What a design may use: the FPGA's resources less its shell."""
        return self.resources - self.shell
