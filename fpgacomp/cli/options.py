"""Arguments and options that several of the compression verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fpgacomp.cli.values import Granularity, Scale

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Float ONNX or Keras file.")]
DataOption = Annotated[
    str,
    typer.Option(
        "--data", "-d", help=".npz with x and y, folder of one folder per class, module:function."
    ),
]
TestDataOption = Annotated[
    str | None, typer.Option(help="Test set of its own; default: a quarter of --data is held out.")
]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="File to write (.onnx).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
EpochsOption = Annotated[int | None, typer.Option(help="Passes over the training split.")]
BatchOption = Annotated[int | None, typer.Option(help="Samples a step.")]
RateOption = Annotated[float | None, typer.Option("--learning-rate", help="Highest one.")]
SeedOption = Annotated[int, typer.Option(help="Of everything random.")]
ThreadsOption = Annotated[int, typer.Option(help="Of torch; only one is repeatable.")]
CheckpointOption = Annotated[
    Path | None, typer.Option(help="Saved after every epoch; an interrupted run goes on from it.")
]
WeightBitsOption = Annotated[
    str | None,
    typer.Option("--weight-bits", metavar="BITS", help="1 to 8, ternary, or LAYER=BITS,*=BITS."),
]
ActivationBitsOption = Annotated[
    str | None,
    typer.Option("--activation-bits", metavar="BITS", help="1 to 8, or LAYER=BITS,*=BITS."),
]
FirstLastOption = Annotated[
    str, typer.Option(metavar="BITS|same", help="Weights of the first and the last layer.")
]
InputBitsOption = Annotated[int, typer.Option(help="Of the network's input.")]
BoardOption = Annotated[str | None, typer.Option("--board", "-b", help="Board to estimate for.")]
FpsOption = Annotated[
    float | None, typer.Option(min=0.001, help="Frames per second that the estimate keeps.")
]
LeaveOption = Annotated[str | None, typer.Option(help="Layers left alone, by commas.")]
ScaleOption = Annotated[Scale, typer.Option(help="Powers of two are shifts in hardware.")]
GranularityOption = Annotated[Granularity, typer.Option(help="Weight scales per layer.")]
