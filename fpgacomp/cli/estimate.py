"""`fpgacomp estimate`: whether a network fits a board, and how fast it would be."""

from __future__ import annotations

import typer

from fpgacomp.cli.design import design_options, show_report
from fpgacomp.cli.options.arguments import ModelArgument
from fpgacomp.cli.options.build import (
    ArgmaxOption,
    BackendOption,
    BoardOption,
    ClockOption,
    FpsOption,
    IoOption,
    LatencyOption,
    TargetOption,
    ToolCalibrationOption,
)
from fpgacomp.cli.options.output import DumpStagesOption, JsonOption, TimeStagesOption
from fpgacomp.cli.options.quantization import (
    CalibrationOption,
    InputTypeOption,
    PtqActivationBitsOption,
    PtqWeightBitsOption,
    RangesOption,
    ScaleOption,
)
from fpgacomp.cli.progress import progress


def estimate(
    context: typer.Context,
    model: ModelArgument,
    board: BoardOption,
    backend: BackendOption = "auto",
    target: TargetOption = "latency",
    fps: FpsOption = None,
    latency_us: LatencyOption = None,
    clock_mhz: ClockOption = None,
    io: IoOption = None,
    argmax: ArgmaxOption = False,
    tool_calibration: ToolCalibrationOption = None,
    calibration: CalibrationOption = None,
    input_bits: InputTypeOption = None,
    weight_bits: PtqWeightBitsOption = 8,
    activation_bits: PtqActivationBitsOption = 8,
    scale: ScaleOption = "power-of-two",
    ranges: RangesOption = "mse",
    dump_stages: DumpStagesOption = None,
    time_stages: TimeStagesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Estimate in seconds whether a network fits a board, and how fast it is there.

    No code is generated, nothing is simulated, and no file is written that no option names. The
    exit code is 0 where the design fits, and 1 where it does not, or misses a bound.

    Example: `fpgacomp estimate model.onnx --board arty-a7-35t`
    """
    from fpgacomp.flows.estimate import estimate as run

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
        dump_stages=dump_stages,
        tool_calibration=tool_calibration,
    )
    with progress(context) as observer:
        report = run(model, board, options=options, observer=observer)
    show_report(report, as_json=as_json, time_stages=time_stages)
