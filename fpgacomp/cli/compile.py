"""`fpgacomp compile`: a network becomes an accelerator for one board."""

from __future__ import annotations

from dataclasses import replace

import typer

from fpgacomp.cli.design import design_options, show_report
from fpgacomp.cli.files import build_folder
from fpgacomp.cli.options.arguments import ModelArgument
from fpgacomp.cli.options.build import (
    AreaOption,
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
from fpgacomp.cli.options.checking import (
    ChecksOption,
    CsimOption,
    InputsOption,
    LabelsOption,
    MemoryOption,
    VectorsOption,
)
from fpgacomp.cli.options.output import (
    DumpStagesOption,
    JsonOption,
    OutFolderOption,
    TimeStagesOption,
)
from fpgacomp.cli.options.quantization import (
    CalibrationOption,
    InputTypeOption,
    PtqActivationBitsOption,
    PtqWeightBitsOption,
    RangesOption,
    ScaleOption,
)
from fpgacomp.cli.options.task import TaskOption
from fpgacomp.cli.options.training import SeedOption
from fpgacomp.cli.progress import progress
from fpgacomp.cli.task import task_request


def compile(
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
    area: AreaOption = "estimate",
    inputs: InputsOption = None,
    labels: LabelsOption = None,
    task: TaskOption = None,
    vectors: VectorsOption = 1000,
    csim: CsimOption = True,
    checks: ChecksOption = "full",
    seed: SeedOption = 0,
    memory_gb: MemoryOption = 4.0,
    calibration: CalibrationOption = None,
    input_bits: InputTypeOption = None,
    weight_bits: PtqWeightBitsOption = 8,
    activation_bits: PtqActivationBitsOption = 8,
    scale: ScaleOption = "power-of-two",
    ranges: RangesOption = "mse",
    out: OutFolderOption = None,
    dump_stages: DumpStagesOption = None,
    time_stages: TimeStagesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compile a network for a board: code, proof, verdict and report.

    Every integer that the hardware computes is proved or checked. The build folder DIR is
    written only where the design fits the board and no check fails; otherwise it stays as it
    was, DIR.failed receives everything that shows why, and the exit code is 1. The place to begin
    reading is DIR/report.html.

    Example: `fpgacomp compile model.onnx --board pynq-z2 --target throughput`
    """
    from fpgacomp.flows.compile import compile as run

    folder = build_folder(model, board, out)
    design = design_options(
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
    options = replace(
        design, inputs=inputs, labels=labels, task=task_request(task).kind, vectors=vectors,
        csim=csim, checks=checks, seed=seed, memory_gb=memory_gb, area=area,
    )  # fmt: skip
    with progress(context) as observer:
        report = run(model, board, out=folder, options=options, observer=observer)
    show_report(report, as_json=as_json, time_stages=time_stages)
