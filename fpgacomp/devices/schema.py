"""What a board file may state: its keys, the type of each, and an example of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticKnownError

from fpgacomp.devices.device import Toolchain

Keys = tuple[str, ...]


def _at_most(characters: int) -> AfterValidator:
    """A limit that is told as a wrong form is.

    In the form's pattern it would stand as {0,119}, which the regex engine takes apart into 119
    copies of all letters of Unicode: at every start a tenth of a second.
    """

    def check(text: str) -> str:
        if len(text) > characters:
            raise PydanticKnownError("string_pattern_mismatch", {"pattern": f"{{1,{characters}}}"})
        return text

    return AfterValidator(check)


# Titles, parts and families go into Tcl, C++, HTML and the terminal: no character that one of
# these reads as more than a letter passes, wherever it is quoted besides.
_Line = Annotated[str, StringConstraints(pattern=r"^[^\W_][\w .,:;+/()&'*-]*$"), _at_most(120)]
_Source = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$"), _at_most(500)]
# Gowin's end in a speed grade behind a slash (GW1NR-LV9QN88PC6/I5).
_Part = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(/[A-Za-z0-9]{1,8})?$")
]
_Family = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
_Name = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_MOST = 1_000_000_000  # of any resource: a hundred times what the largest FPGA has
_Count = Annotated[int, Field(ge=0, le=_MOST)]
_Watts = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
_Megahertz = Annotated[float, Field(gt=0, le=2000, allow_inf_nan=False)]
# A multiplier's ports have 2 to 64 bits: the widest of any FPGA has 27. A memory block has up to
# 999,999 words of up to 999 bits: the largest of any FPGA has 32,768 words, or 144 bits.
_Width = "([2-9]|[1-5][0-9]|6[0-4])"
_Ports = Annotated[str, StringConstraints(pattern=rf"^({_Width}x{_Width}|none)$")]
_Shape = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,5}x[1-9]\d{0,2}$")]
_Shapes = Annotated[list[_Shape], Field(min_length=1, max_length=32)]
# These go into constraint files and command lines: a pin is a ball or a number.
_Site = Annotated[str, StringConstraints(pattern=r"^([A-Z]{1,2})?[1-9][0-9]{0,2}$")]
_Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")]
_IoStandard = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,19}$")]
_Sites = Annotated[list[_Site], Field(max_length=64)]


class _Strict(BaseModel):
    # A section's own validator would be built at import and never asked: the file's holds it.
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class ResourcesSection(_Strict):
    """`resources`: what the FPGA holds.

    Args:
        spram: single-port RAMs of 256 Kb that the bitstream does not fill (iCE40 UltraPlus).
    """

    lut: Annotated[int, Field(gt=0, le=_MOST)]
    ff: Annotated[int, Field(gt=0, le=_MOST)]
    dsp: _Count
    bram18: _Count
    uram: _Count
    lutram: _Count
    spram: _Count = 0


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


class PowerSection(_Strict):
    """`power_watts`: what the whole board typically takes, and the public document that says so."""

    typical: _Watts
    source: _Source


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


class OscillatorSection(_Strict):
    """`bitstream.oscillator`: the clock that the board gives, in megahertz.

    Args:
        pll_pad: whether the pin is the one that feeds a PLL of an iCE40 by itself: nothing else
            can read it while the PLL runs.
    """

    mhz: _Megahertz
    pin: _Site
    pll_pad: bool = False
    io: _IoStandard | None = None


class UartSection(_Strict):
    """`bitstream.uart`: pins of the serial port, as the FPGA sees them; None: the board has none.

    Args:
        rx: the FPGA receives here.
        tx: the FPGA sends here.
        baud: the rate that a host link uses: what the other end of the line carries for certain.
    """

    rx: _Site
    tx: _Site
    baud: Annotated[int, Field(ge=1200, le=12_000_000)]
    io: _IoStandard | None = None


class ResetSection(_Strict):
    """`bitstream.reset`: a button, the level at which it resets, and a resistor in the FPGA."""

    pin: _Site
    active: Literal["high", "low"]
    pull: Literal["up", "down"] | None = None
    io: _IoStandard | None = None


class LedsSection(_Strict):
    """`bitstream.leds`: lights for the state of the design, the first of them first."""

    pins: Annotated[list[_Site], Field(min_length=1, max_length=32)]
    active: Literal["high", "low"]
    io: _IoStandard | None = None


class BitstreamSection(_Strict):
    """`bitstream`: what a bitstream by open tools needs to know of the board.

    Args:
        device: what place and route calls the device, as `85k` or `up5k`.
        package, speed: the package and the speed grade in its words; None where it asks for none.
        io: standard of the pins that state no other; None where the tools' default holds.
        high: outputs that must stay high, as the board would switch itself off otherwise.
        programmer: name of the board in openFPGALoader.
    """

    device: _Word
    package: _Word | None = None
    speed: _Word | None = None
    io: _IoStandard | None = None
    oscillator: OscillatorSection
    uart: UartSection | None = None
    reset: ResetSection | None = None
    leds: LedsSection | None = None
    high: _Sites = []
    programmer: _Word


class BoardFile(_Strict):
    """A whole board file."""

    name: _Name
    aliases: list[_Name] = []
    title: _Line
    vendor: Literal["xilinx", "lattice", "gowin"]
    part: _Part
    family: _Family
    device: Annotated[DeviceSection, Field(default_factory=DeviceSection)]
    resources: ResourcesSection
    shell: ShellSection
    clock_mhz: ClockSection
    memory: _Line
    host: Literal["zynq-ps", "pcie", "none"]
    toolchain: Toolchain | None = None
    bitstream: BitstreamSection | None = None
    vivado_board: _Part | None = None
    platform: _Part | None = None
    power_watts: PowerSection | None = None
    sources: Annotated[list[_Source], Field(min_length=1, max_length=100)]


KEYS: Mapping[Keys, tuple[str, ...]] = {
    (): tuple(BoardFile.model_fields),
    ("device",): tuple(DeviceSection.model_fields),
    ("resources",): tuple(ResourcesSection.model_fields),
    ("shell",): tuple(ShellSection.model_fields),
    ("clock_mhz",): tuple(ClockSection.model_fields),
    ("power_watts",): tuple(PowerSection.model_fields),
    ("bitstream",): tuple(BitstreamSection.model_fields),
    ("bitstream", "oscillator"): tuple(OscillatorSection.model_fields),
    ("bitstream", "uart"): tuple(UartSection.model_fields),
    ("bitstream", "reset"): tuple(ResetSection.model_fields),
    ("bitstream", "leds"): tuple(LedsSection.model_fields),
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
    "power_watts": "{typical: 2.5, source: the data sheet and table it is from}",
    "typical": "2.5",
    "source": "the data sheet and table it is from",
    "sources": "[the data sheet and table each figure is from]",
    "default": "100",
    "max": "250",
    "lut_inputs": "6",
    "block_ram": "[512x36, 1024x18, 2048x9, 4096x4, 8192x2, 16384x1]",
    "ultra_ram": "[4096x72]",
    "level_ns": "3.0",
    "spram": "4",
}
DEVICE_EXAMPLES = {**EXAMPLES, "dsp": "25x18"}  # `dsp` is a count under `resources`
BITSTREAM_EXAMPLES: Mapping[str, str] = {
    "bitstream": "{device: 85k, oscillator: {mhz: 25, pin: G2}, programmer: ulx3s}",
    "device": "85k",
    "package": "CABGA381",
    "speed": '"6"',
    "io": "LVCMOS33",
    "oscillator": "{mhz: 25, pin: G2}",
    "mhz": "25",
    "pll_pad": "true",
    "pin": "G2",
    "uart": "{rx: M1, tx: L4, baud: 3000000}",
    "rx": "M1",
    "tx": "L4",
    "baud": "1000000",
    "reset": "{pin: R1, active: high, pull: down}",
    "active": "high",
    "pull": "up",
    "leds": "{pins: [B2, C2], active: high}",
    "pins": "[B2, C2]",
    "high": "[L2]",
    "programmer": "ulx3s",
}
# By section: `device` is a section of its own, and a word under `bitstream`.
EXAMPLES_OF: Mapping[str, Mapping[str, str]] = {
    "device": DEVICE_EXAMPLES, "bitstream": BITSTREAM_EXAMPLES,
}  # fmt: skip
