"""Options that say what to build: board, engine, goal and bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fpgacomp.cli.completion import complete_board
from fpgacomp.cli.files import Role
from fpgacomp.cli.values import Area, Backend, Goal, Io

BUILD = "What to build"  # panel of the help

BoardOption = Annotated[
    str,
    typer.Option(
        "--board",
        "-b",
        metavar="BOARD",
        autocompletion=complete_board,
        rich_help_panel=BUILD,
        help="Board to design for: a name that `fpgacomp boards` lists, or the path of a board "
        "file (.yaml).",
    ),
    Role.READ,
]
OptionalBoardOption = Annotated[
    str | None,
    typer.Option(
        "--board",
        "-b",
        metavar="BOARD",
        autocompletion=complete_board,
        rich_help_panel=BUILD,
        help="Board whose estimate is used (prune: by the method hardware and by --scope board; "
        "quantize: by --measure lut, dsp, ff and bram18): a name that `fpgacomp boards` lists, or "
        "the path of a board file (.yaml). Without it, no estimate is made.",
    ),
    Role.READ,
]
ShownBoardOption = Annotated[
    str | None,
    typer.Option(
        "--board",
        "-b",
        metavar="BOARD",
        autocompletion=complete_board,
        rich_help_panel=BUILD,
        help="Board whose design is shown: a name that `fpgacomp boards` lists, or the path of a "
        "board file (.yaml). Without it, only the integer graph of a network is shown.",
    ),
    Role.READ,
]
BackendOption = Annotated[
    Backend,
    typer.Option(
        "--backend",
        metavar="ENGINE",
        rich_help_panel=BUILD,
        help="Engine that designs the accelerator: auto, hls4ml, stream, adders or finn. auto "
        "takes hls4ml, stream or adders, whichever suits target and board; hls4ml unrolls layers "
        "for the shortest latency; stream folds a pipeline of operators; adders unrolls a small "
        "network into additions that its outputs share, a frame every cycle (it needs alkaid: "
        "`fpgacomp doctor` says how to add it); finn is stream and insists on FINN's own "
        "files and on FINN's execution of them, which stream adds where FINN is installed "
        "(`fpgacomp doctor` says how to add it).",
    ),
]
TargetOption = Annotated[
    Goal,
    typer.Option(
        "--target",
        metavar="GOAL",
        rich_help_panel=BUILD,
        help="What the design aims at: latency (the shortest time to an answer), throughput "
        "(the most frames per second) or area (the fewest resources of the board).",
    ),
]
FpsOption = Annotated[
    float | None,
    typer.Option(
        "--fps",
        metavar="RATE",
        min=0.001,
        rich_help_panel=BUILD,
        help="Frames per second that the design must reach; a design that misses it counts as "
        "one that does not fit (exit code 1). Without it, there is no bound.",
    ),
]
LatencyOption = Annotated[
    float | None,
    typer.Option(
        "--latency-us",
        metavar="TIME",
        min=1e-6,
        rich_help_panel=BUILD,
        help="Longest time in microseconds from the first input to the last output of one frame; "
        "a design that takes longer counts as one that does not fit (exit code 1). Without it, "
        "there is no bound.",
    ),
]
ClockOption = Annotated[
    float | None,
    typer.Option(
        "--clock-mhz",
        metavar="MHZ",
        min=1,
        rich_help_panel=BUILD,
        help="Clock frequency in megahertz, from 1 to what the board allows. Without it, the "
        "default of the board is used; `fpgacomp boards BOARD` shows both.",
    ),
]
IoOption = Annotated[
    Io | None,
    typer.Option(
        "--io",
        metavar="KIND",
        rich_help_panel=BUILD,
        help="How hls4ml layers pass data on: io_parallel (all values at once) or io_stream (one "
        "pixel after another). Not for the other engines, whose ports always stream. Without "
        "it, the one that suits the target is chosen.",
    ),
]
ArgmaxOption = Annotated[
    bool,
    typer.Option(
        "--argmax",
        rich_help_panel=BUILD,
        help="End the hardware in an argmax, so that it delivers the number of the best class "
        "instead of one score per class. Refused where integers cannot keep the order of the "
        "classes.",
    ),
]
AreaOption = Annotated[
    Area,
    typer.Option(
        "--area",
        metavar="KIND",
        rich_help_panel=BUILD,
        help="What the report says of the area: estimate, or yosys, which has Yosys map each "
        "distinct part of the emitted SystemVerilog to the board's family, too, and states the sum "
        "beside the estimate (pip install pyosys==0.70; up to minutes, kept for later runs). That "
        "is no figure of Vivado's, and the estimate alone decides what is built. Only for "
        "designs with SystemVerilog (backends stream, finn and adders); `estimate` emits nothing "
        "and has no such option. Default: estimate.",
    ),
]
ToolCalibrationOption = Annotated[
    Path | None,
    typer.Option(
        "--tool-calibration",
        metavar="FILE",
        rich_help_panel=BUILD,
        help="Correct the estimates for your tools, by a file of `fpgacomp calibrate`. It is of "
        "one engine, which --backend has to name. Without it, estimates are as the package has "
        "them.",
    ),
    Role.READ,
]
