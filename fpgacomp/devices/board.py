"""A board as the compiler sees it; `fpgacomp.devices.read` reads it from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


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
    """One board: device resources, clock, what the shell takes, and where each figure is from."""

    name: str
    title: str
    vendor: Literal["xilinx", "lattice"]
    part: str
    family: str
    device: Resources
    lutram: int
    shell: Resources
    clock_mhz_default: float
    clock_mhz_max: float
    memory: str
    host: Literal["zynq-ps", "pcie", "none"]
    toolchain: Literal["vivado", "open"]
    sources: tuple[str, ...]
    path: Path

    @property
    def budget(self) -> Resources:
        """What a design may use: the device less its shell."""
        return self.device - self.shell
