"""What a board file may state: its keys, the type of each, and an example of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fpgacomp.devices.device import Toolchain

Keys = tuple[str, ...]

# Titles, parts and families go into Tcl, C++, HTML and the terminal: no character that one of
# these reads as more than a letter passes, wherever it is quoted besides.
_Line = Annotated[str, StringConstraints(pattern=r"^[^\W_][\w .,:;+/()&'*-]{0,119}$")]
_Source = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,500}$")]
_Part = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_Family = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
_Name = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_MOST = 1_000_000_000  # of any resource: a hundred times what the largest FPGA has
_Count = Annotated[int, Field(ge=0, le=_MOST)]
_Megahertz = Annotated[float, Field(gt=0, le=2000, allow_inf_nan=False)]
# A multiplier's ports have 2 to 64 bits: the widest of any FPGA has 27. A memory block has up to
# 999,999 words of up to 999 bits: the largest of any FPGA has 32,768 words, or 144 bits.
_Width = "([2-9]|[1-5][0-9]|6[0-4])"
_Ports = Annotated[str, StringConstraints(pattern=rf"^({_Width}x{_Width}|none)$")]
_Shape = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,5}x[1-9]\d{0,2}$")]
_Shapes = Annotated[list[_Shape], Field(min_length=1, max_length=32)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ResourcesSection(_Strict):
    """`resources`: what the FPGA holds."""

    lut: Annotated[int, Field(gt=0, le=_MOST)]
    ff: Annotated[int, Field(gt=0, le=_MOST)]
    dsp: _Count
    bram18: _Count
    uram: _Count
    lutram: _Count


class ShellSection(_Strict):
    """`shell`: what the surroundings of a design take of it."""

    lut: _Count
    ff: _Count
    dsp: _Count
    bram18: _Count
    uram: _Count
    lutram: _Count


class ClockSection(_Strict):
    """`clock_mhz`: of the design, in megahertz."""

    default: _Megahertz
    max: _Megahertz


class DeviceSection(_Strict):
    """`device`: facts of the silicon that differ from those of the family; None: the family's.

    Args:
        dsp: ports of the DSP blocks' multiplier in bits, "25x18", or "none".
        lut_inputs: inputs of one lookup table.
        block_ram, ultra_ram: shapes of a memory block, "512x36" for 512 words of 36 bits.
        level_ns: delay of one level of adders in nanoseconds.
    """

    dsp: _Ports | None = None
    lut_inputs: Literal[4, 6] | None = None
    block_ram: _Shapes | None = None
    ultra_ram: _Shapes | None = None
    level_ns: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None

    @property
    def stated(self) -> bool:
        """Whether the file states any of these facts itself."""
        return bool(self.model_fields_set)


class BoardFile(_Strict):
    """A whole board file."""

    name: _Name
    aliases: list[_Name] = []
    title: _Line
    vendor: Literal["xilinx", "lattice"]
    part: _Part
    family: _Family
    device: DeviceSection = DeviceSection()
    resources: ResourcesSection
    shell: ShellSection
    clock_mhz: ClockSection
    memory: _Line
    host: Literal["zynq-ps", "pcie", "none"]
    toolchain: Toolchain | None = None
    vivado_board: _Part | None = None
    platform: _Part | None = None
    sources: Annotated[list[_Source], Field(min_length=1, max_length=100)]


KEYS: Mapping[Keys, tuple[str, ...]] = {
    (): tuple(BoardFile.model_fields),
    ("device",): tuple(DeviceSection.model_fields),
    ("resources",): tuple(ResourcesSection.model_fields),
    ("shell",): tuple(ShellSection.model_fields),
    ("clock_mhz",): tuple(ClockSection.model_fields),
}
EXAMPLES: Mapping[str, str] = {
    "name": "my-board",
    "title": "My board",
    "vendor": "xilinx",
    "part": "xc7z020clg400-1",
    "family": "zynq-7000",
    "device": "{dsp: 25x18}",
    "resources": "{lut: 53200, ff: 106400, dsp: 220, bram18: 280, uram: 0, lutram: 17400}",
    "shell": "{lut: 5000, ff: 7000, dsp: 0, bram18: 6, uram: 0, lutram: 600}",
    "lut": "5000",  # valid under `resources`, which wants more than 0, and under `shell`
    "ff": "7000",
    "clock_mhz": "{default: 100, max: 250}",
    "memory": "512 MB DDR3",
    "host": "zynq-ps",
    "toolchain": "vivado",
    "vivado_board": "pynq-z2",
    "platform": "xilinx_u50_gen3x16_xdma_5_202210_1",
    "sources": "[the data sheet and table each figure is from]",
    "default": "100",
    "max": "250",
    "lut_inputs": "6",
    "block_ram": "[512x36, 1024x18, 2048x9, 4096x4, 8192x2, 16384x1]",
    "ultra_ram": "[4096x72]",
    "level_ns": "3.0",
}
DEVICE_EXAMPLES = {**EXAMPLES, "dsp": "25x18"}  # `dsp` is a count under `resources`
