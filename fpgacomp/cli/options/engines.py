"""The options of `fpgacomp evaluate` that measure engines in software."""

from __future__ import annotations

from typing import Annotated

import typer

ENGINES = "Engines in software"  # panel of the help

EnginesOption = Annotated[
    str | None,
    typer.Option(
        "--engines",
        metavar="ENGINE,...",
        rich_help_panel=ENGINES,
        help="Run build folders (as QDQ) and network files on these engines, and measure latency "
        "and rate: onnxruntime, cuda, tensorrt, openvino, those that are installed. Without it, "
        "networks are compared by their answers to --data.",
    ),
]
FpgaWattsOption = Annotated[
    float | None,
    typer.Option(
        "--fpga-watts",
        metavar="WATTS",
        rich_help_panel=ENGINES,
        help="What the board takes while it computes, by its data sheet or a meter. Without it, an "
        "imported power report counts, or else what the board file states as typical; the FPGA's "
        "energy is not stated where there is neither.",
    ),
]
EngineWattsOption = Annotated[
    float | None,
    typer.Option(
        "--engine-watts",
        metavar="WATTS",
        rich_help_panel=ENGINES,
        help="What the processor or accelerator of the engines takes, such as its TDP. Without "
        "it, their energy is not told.",
    ),
]
EngineSecondsOption = Annotated[
    float,
    typer.Option(
        "--engine-seconds",
        metavar="TIME",
        min=0.001,
        max=3600.0,
        rich_help_panel=ENGINES,
        help="How long each figure of an engine is measured, at least.",
    ),
]
