"""`fpgacomp show`: the integer graph of a network, and a design of it, as text."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from fpgacomp.cli.console import errors, progress
from fpgacomp.errors import UsageError

SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="DIR|MODEL",
        help="Build directory that `fpgacomp compile` wrote, or a network (ONNX, QONNX, QDQ or "
        "Keras file).",
    ),
]
BoardOption = Annotated[
    str | None,
    typer.Option(
        "--board",
        "-b",
        help="Board to design for: a name that `fpgacomp boards` lists, or the path of a board "
        "file. Without it, only the integer graph of a network is shown.",
    ),
]
BackendOption = Annotated[
    Literal["auto", "hls4ml", "stream", "finn"],
    typer.Option(help="Engine that designs the accelerator; auto takes the one that suits best."),
]
TargetOption = Annotated[
    Literal["latency", "throughput", "area"], typer.Option(help="What the design aims at.")
]
FpsOption = Annotated[
    float | None, typer.Option(min=0.001, help="Frames per second that the design must reach.")
]
LatencyOption = Annotated[
    float | None, typer.Option(min=1e-6, help="Microseconds that an answer may take at most.")
]
ClockOption = Annotated[
    float | None, typer.Option(min=0.001, help="Clock in MHz. Default: the board's.")
]
IoOption = Annotated[
    Literal["io_parallel", "io_stream"] | None,
    typer.Option("--io", help="How layers under hls4ml hand over data. Default: what suits."),
]
ArgmaxOption = Annotated[
    bool,
    typer.Option("--argmax", help="End the graph in an argmax, so that it delivers labels."),
]
CalibrationOption = Annotated[
    str | None,
    typer.Option(help="Samples (.npy, .npz) from which a float network gets its ranges."),
]
InputBitsOption = Annotated[
    str | None,
    typer.Option(metavar="BITS[:INTEGER]", help="Type of an input that nothing quantizes."),
]
ArraysOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz",
        help="File to write the arrays to that the text names by digest (#...).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def show(
    source: SourceArgument,
    board: BoardOption = None,
    backend: BackendOption = "auto",
    target: TargetOption = "latency",
    fps: FpsOption = None,
    latency_us: LatencyOption = None,
    clock_mhz: ClockOption = None,
    io: IoOption = None,
    argmax: ArgmaxOption = False,
    calibration: CalibrationOption = None,
    input_bits: InputBitsOption = None,
    arrays: ArraysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the integer graph, one line per layer; with --board also the design.

    Example: `fpgacomp show model.onnx --board pynq-z2`
    """
    with errors(as_json):
        from fpgacomp.flows import show as flow
        from fpgacomp.flows.options import Options
        from fpgacomp.frontend.calibrate import PtqOptions
        from fpgacomp.results.target import Target

        if arrays is not None:
            flow.check_arrays(arrays)
        bits = _fixed_point(input_bits)
        options = Options(
            backend=backend,
            target=Target(target, fps, latency_us),
            clock_mhz=clock_mhz,
            io_type=io,
            argmax=argmax,
            calibration=calibration,
            input_bits=bits,
            quantization=PtqOptions(input_bits=bits[0] if bits else PtqOptions.input_bits),
        )
        with progress(as_json) as observer:
            shown = flow.show(source, board=board, options=options, observer=observer)
        if arrays is not None:
            shown.write_arrays(arrays)
        text = json.dumps(shown.summary(), indent=1, sort_keys=True) + "\n"
        sys.stdout.write(text if as_json else shown.text)


def _fixed_point(text: str | None) -> tuple[int, int | None] | None:
    """8 or 16:6 as (total bits, integer bits)."""
    if text is None:
        return None
    total, _, integer = text.partition(":")
    if not total.isdecimal() or (integer and not integer.lstrip("-").isdecimal()):
        raise UsageError(f"--input-bits {text}", "is not BITS or BITS:INTEGER.",
                         "write for instance 8, or 16:6.")  # fmt: skip
    return int(total), int(integer) if integer else None
