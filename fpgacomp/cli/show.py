"""`fpgacomp show`: the integer graph of a network, and a design of it, as text."""

from __future__ import annotations

import sys

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.design import design_options
from fpgacomp.cli.options.arguments import SourceArgument
from fpgacomp.cli.options.build import (
    ArgmaxOption,
    BackendOption,
    ClockOption,
    FpsOption,
    IoOption,
    LatencyOption,
    ShownBoardOption,
    TargetOption,
)
from fpgacomp.cli.options.output import ArraysOption, JsonOption
from fpgacomp.cli.options.quantization import (
    CalibrationOption,
    InputTypeOption,
    PtqActivationBitsOption,
    PtqWeightBitsOption,
    RangesOption,
    ScaleOption,
)
from fpgacomp.cli.progress import progress


def show(
    context: typer.Context,
    source: SourceArgument,
    board: ShownBoardOption = None,
    backend: BackendOption = "auto",
    target: TargetOption = "latency",
    fps: FpsOption = None,
    latency_us: LatencyOption = None,
    clock_mhz: ClockOption = None,
    io: IoOption = None,
    argmax: ArgmaxOption = False,
    calibration: CalibrationOption = None,
    input_bits: InputTypeOption = None,
    weight_bits: PtqWeightBitsOption = 8,
    activation_bits: PtqActivationBitsOption = 8,
    scale: ScaleOption = "power-of-two",
    ranges: RangesOption = "mse",
    arrays: ArraysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the integer graph, one line per layer; with --board also the design.

    Options of the design, such as --target and --fps, need --board.

    Example: `fpgacomp show model.onnx --board pynq-z2`
    """
    from fpgacomp.flows import show as flow

    if arrays is not None:
        flow.check_arrays(arrays)
    options = design_options(
        backend=backend,
        target=target,
        fps=fps,
        latency_us=latency_us,
        clock_mhz=clock_mhz,
        io=io,
        argmax=argmax,
        calibration=calibration,
        input_bits=input_bits,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        scale=scale,
        ranges=ranges,
        dump_stages=None,
    )
    with progress(context) as observer:
        shown = flow.show(source, board=board, options=options, observer=observer)
    if arrays is not None:
        shown.write_arrays(arrays)
    if as_json:
        write_json(shown.summary())
    else:
        sys.stdout.write(shown.text)
