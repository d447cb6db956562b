"""Options of `build`: what is built into a bitstream, and how."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from fpgacomp.cli.completion import complete_board
from fpgacomp.cli.files import Role

BITSTREAM = "How to build"  # panels of the help
BROUGHT = "A bitstream that was built elsewhere"


class BuildSource(Enum):
    """What is synthesized."""

    RTL = "rtl"
    HLS = "hls"


class Preset(Enum):
    """Where the settings of a processing system are from."""

    BOARD = "board"
    MINIMAL = "minimal"


BuildBoardOption = Annotated[
    str | None,
    typer.Option(
        "--board",
        "-b",
        metavar="FILE",
        autocompletion=complete_board,
        rich_help_panel=BITSTREAM,
        help="Board file (.yaml) of the board that the design was compiled for. Without "
        "it, the board is found by the name in the build folder, which a board of your own is not.",
    ),
    Role.READ,
]
SourceOption = Annotated[
    BuildSource | None,
    typer.Option(
        "--source",
        metavar="CODE",
        rich_help_panel=BITSTREAM,
        help="What is synthesized: rtl (the SystemVerilog) or hls (the C++, by the vendor's tool). "
        "Without it, rtl where the build folder has it. Open tools build rtl alone.",
    ),
]
SeedsOption = Annotated[
    int,
    typer.Option(
        "--seeds",
        metavar="NUMBER",
        min=1,
        max=8,
        rich_help_panel=BITSTREAM,
        help="For boards of open tools: how many starting points of placement are tried at most, 1 "
        "to 8 (default 8). The first that meets the clock is taken.",
    ),
]
AllSeedsOption = Annotated[
    bool,
    typer.Option(
        "--all-seeds",
        rich_help_panel=BITSTREAM,
        help="For boards of open tools: try all seeds, also after one has met the clock, and take "
        "the fastest.",
    ),
]
BaudOption = Annotated[
    int | None,
    typer.Option(
        "--baud",
        metavar="RATE",
        min=1200,
        max=12_000_000,
        rich_help_panel=BITSTREAM,
        help="Bits a second of the serial host link of a board without a processor. Without it, "
        "what the board file states.",
    ),
]
ScriptsOnlyOption = Annotated[
    bool,
    typer.Option(
        "--scripts-only",
        rich_help_panel=BITSTREAM,
        help="For boards that Vivado builds: write the folder that makes the bitstream, README and "
        "scripts included, and do not run Vivado. Copy it to a machine that has Vivado.",
    ),
]
PresetOption = Annotated[
    Preset,
    typer.Option(
        "--preset",
        metavar="PRESET",
        rich_help_panel=BITSTREAM,
        help="For Zynq boards: board (default) takes all settings of the processing system from "
        "Vivado's files of the board; minimal sets its clock, ports and interrupts alone, which "
        "is enough for images that boot by themselves, as PYNQ's do.",
    ),
]
BringOption = Annotated[
    Path | None,
    typer.Option(
        "--bitstream",
        metavar="FILE",
        rich_help_panel=BROUGHT,
        help="Take this .bit or .xclbin, which the scripts of DIR/bitstream made on another "
        "machine: it is checked as far as it can be, and `package` ships it. Without it, the "
        "bitstream is built.",
    ),
    Role.READ,
]
HwhOption = Annotated[
    Path | None,
    typer.Option(
        "--hwh",
        metavar="FILE",
        rich_help_panel=BROUGHT,
        help="The .hwh file of --bitstream, whose addresses are checked and which PYNQ needs. "
        "Without it, the .hwh file of the same name beside the .bit file, where there is one.",
    ),
    Role.READ,
]
TimingOption = Annotated[
    Path | None,
    typer.Option(
        "--timing",
        metavar="FILE",
        rich_help_panel=BROUGHT,
        help="The reports/timing.rpt of --bitstream (or reports/timing.txt). Without it, the "
        "report says that nobody stated whether the clock is met.",
    ),
    Role.READ,
]
