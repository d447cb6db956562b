"""Arguments to pipeline to terminal; decides nothing."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fpgacomp.cli import compress as cli_compress
from fpgacomp.cli import evaluate as cli_evaluate
from fpgacomp.cli.console import errors, progress
from fpgacomp.cli.show import show
from fpgacomp.errors import UsageError

app = typer.Typer(
    name="fpgacomp",
    help="Neural network in, verified FPGA accelerator out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


class Goal(StrEnum):
    """What a design aims at."""

    latency = "latency"
    throughput = "throughput"
    area = "area"


class Backend(StrEnum):
    """Which code generator."""

    auto = "auto"
    hls4ml = "hls4ml"
    stream = "stream"
    finn = "finn"


class Io(StrEnum):
    """How layers hand over their data."""

    parallel = "io_parallel"
    stream = "io_stream"


class Scale(StrEnum):
    """Scales of post-training quantization."""

    power_of_two = "power-of-two"
    free = "free"


class Ranges(StrEnum):
    """How calibration finds an activation's range."""

    min_max = "min-max"
    percentile = "percentile"
    mse = "mse"


class Level(StrEnum):
    """What `simulate` runs."""

    graph = "graph"
    c = "c"


ModelArgument = Annotated[str, typer.Argument(help="ONNX, QONNX or QCDQ file (or Keras .h5).")]
BoardOption = Annotated[str, typer.Option("--board", "-b", help="Board name or YAML file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="Build directory.")]
BackendOption = Annotated[Backend, typer.Option(help="Code generator.")]
GoalOption = Annotated[Goal, typer.Option("--target", help="What to aim at.")]
FpsOption = Annotated[float | None, typer.Option(min=0.001, help="Frames per second to reach.")]
LatencyOption = Annotated[float | None, typer.Option(min=1e-6, help="Latency to keep, in us.")]
ClockOption = Annotated[float | None, typer.Option(min=0.001, help="Clock; default: the board's.")]
IoOption = Annotated[Io | None, typer.Option("--io", help="Default: whichever suits the target.")]
InputsOption = Annotated[
    str | None,
    typer.Option(help="Samples to check with (.npy, .npz), or labelled data: their test split."),
]
LabelsOption = Annotated[str | None, typer.Option(help="Labels of --inputs, for the accuracy.")]
CalibrationOption = Annotated[
    str | None, typer.Option(help="Samples that give a float network or input its ranges.")
]
InputBitsOption = Annotated[
    str | None,
    typer.Option(metavar="BITS[:INTEGER]", help="Type of an input that nothing quantizes."),
]
ArgmaxOption = Annotated[
    bool, typer.Option("--argmax", help="Deliver labels: the hardware ends in an argmax.")
]
VectorsOption = Annotated[int, typer.Option(min=1, help="Samples compared.")]
CsimOption = Annotated[bool, typer.Option("--csim/--no-csim", help="Run the emitted C++.")]
SeedOption = Annotated[int, typer.Option(help="Of the test vectors.")]
WeightBitsOption = Annotated[int, typer.Option(help="Weights of a float network.")]
ActivationBitsOption = Annotated[int, typer.Option(help="Activations of a float network.")]
ScaleOption = Annotated[Scale, typer.Option(help="Scales of a float network.")]
RangesOption = Annotated[Ranges, typer.Option(help="Ranges of a float network's activations.")]


@app.command()
def compile(
    model: ModelArgument,
    board: BoardOption,
    backend: BackendOption = Backend.auto,
    target: GoalOption = Goal.latency,
    fps: FpsOption = None,
    latency_us: LatencyOption = None,
    inputs: InputsOption = None,
    labels: LabelsOption = None,
    calibration: CalibrationOption = None,
    input_bits: InputBitsOption = None,
    weight_bits: WeightBitsOption = 8,
    activation_bits: ActivationBitsOption = 8,
    scale: ScaleOption = Scale.power_of_two,
    ranges: RangesOption = Ranges.mse,
    out: OutOption = None,
    vectors: VectorsOption = 1000,
    clock_mhz: ClockOption = None,
    io: IoOption = None,
    argmax: ArgmaxOption = False,
    csim: CsimOption = True,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Compile a network for a board: code, proof, verdict and report.

    Example: `fpgacomp compile model.onnx --board pynq-z2 --target throughput`
    """
    arguments = locals()
    with errors(as_json):
        from fpgacomp.flows.compile import compile as run

        folder = out or Path(f"{Path(model).stem}-{Path(board).stem}")
        options = _options(**arguments)
        with progress(as_json) as observer:
            report = run(model, board, out=folder, options=options, observer=observer)
        _show(report, as_json)


@app.command()
def estimate(
    model: ModelArgument,
    board: BoardOption,
    backend: BackendOption = Backend.auto,
    target: GoalOption = Goal.latency,
    fps: FpsOption = None,
    latency_us: LatencyOption = None,
    calibration: CalibrationOption = None,
    input_bits: InputBitsOption = None,
    weight_bits: WeightBitsOption = 8,
    activation_bits: ActivationBitsOption = 8,
    scale: ScaleOption = Scale.power_of_two,
    ranges: RangesOption = Ranges.mse,
    clock_mhz: ClockOption = None,
    io: IoOption = None,
    argmax: ArgmaxOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say in seconds whether a network fits a board and how fast it is.

    Example: `fpgacomp estimate model.onnx --board arty-a7-35t`
    """
    arguments = locals()
    with errors(as_json):
        from fpgacomp.flows import estimate as estimate_flow

        options = _options(**arguments)
        with progress(as_json) as observer:
            report = estimate_flow.estimate(model, board, options=options, observer=observer)
        _show(report, as_json)


@app.command()
def check(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Say what is in a network, which nodes are supported, and every problem at once.

    Example: `fpgacomp check model.onnx`
    """
    with errors(as_json):
        from fpgacomp.flows import check as check_flow
        from fpgacomp.report import checked

        findings = check_flow.check(model)
        if as_json:
            sys.stdout.write(checked.to_json(findings))
        else:
            checked.render(findings, Console())
        if not findings.ok:
            raise typer.Exit(1)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A build directory.")],
    inputs: Annotated[str, typer.Option(help="Samples, as the network takes them.")],
    level: Annotated[Level, typer.Option(help="Integer graph or emitted C++.")] = Level.graph,
    outputs: Annotated[Path | None, typer.Option(help="Where to write the answers (.npy).")] = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run samples through a compiled design, software side included.

    Example: `fpgacomp simulate digits-pynq-z2 --inputs x.npy --outputs y.npy --level c`
    """
    with errors(as_json):
        from fpgacomp.flows import simulate as simulate_flow

        with progress(as_json) as observer:
            found = simulate_flow.simulate(
                folder, inputs, level=level.value, outputs=outputs, labels=labels,
                observer=observer,
            )  # fmt: skip
        result = found.summary()
        if as_json:
            sys.stdout.write(json.dumps(result, indent=1, sort_keys=True) + "\n")
        else:
            for key, value in result.items():
                typer.echo(f"{key:16} {value}")
        if result["mismatches"]:
            raise typer.Exit(1)


@app.command()
def boards(
    name: Annotated[str | None, typer.Argument(help="Show this board only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the boards, or show one.

    Example: `fpgacomp boards pynq-z2`
    """
    with errors(as_json):
        from fpgacomp.devices.read import list_boards, load_board
        from fpgacomp.report import boards as view

        found = [load_board(name)] if name else list_boards()
        if as_json:
            sys.stdout.write(view.to_json(found, single=name is not None))
        elif name:
            view.render_one(found[0], Console())
        else:
            view.render_list(found, Console())


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Say what is installed, what each missing piece would enable, and the command that adds it.

    Example: `fpgacomp doctor`
    """
    with errors(as_json):
        from fpgacomp.host import toolchain
        from fpgacomp.report import doctor as view

        found = toolchain.survey()
        if as_json:
            sys.stdout.write(view.to_json(found))
        else:
            view.render(found, Console())


for verb in (*cli_compress.VERBS, cli_evaluate.evaluate, show):
    app.command()(verb)


def _version(wanted: bool) -> None:
    if wanted:
        import fpgacomp

        typer.echo(f"fpgacomp {fpgacomp.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Neural network in, verified FPGA accelerator out."""


def main() -> None:
    """Entry point of the `fpgacomp` command."""
    app()


def _options(**arguments: Any) -> Any:
    """The pipeline's options from command-line values."""
    from fpgacomp.flows.options import Options
    from fpgacomp.frontend.calibrate import PtqOptions
    from fpgacomp.results.target import Target

    given = {key: arguments[key] for key in _PLAIN if key in arguments}
    bits = _bits(arguments["input_bits"])
    quantization = PtqOptions(
        weight_bits=arguments["weight_bits"],
        activation_bits=arguments["activation_bits"],
        input_bits=bits[0] if bits else 8,
        scale=arguments["scale"].value,
        ranges=arguments["ranges"].value,
    )
    goal = arguments["target"].value
    io = arguments["io"]
    return Options(
        backend=arguments["backend"].value,
        target=Target(goal, arguments["fps"], arguments["latency_us"]),
        io_type=io.value if io else None,
        input_bits=bits,
        quantization=quantization,
        **given,
    )


_PLAIN = (
    "clock_mhz", "calibration", "inputs", "labels", "vectors", "argmax", "csim", "seed",
)  # fmt: skip


def _bits(text: str | None) -> tuple[int, int | None] | None:
    """8 or 16:6 as (total, integer bits)."""
    if text is None:
        return None
    total, _, integer = text.partition(":")
    try:
        return int(total), int(integer) if integer else None
    except ValueError:
        raise UsageError(f"--input-bits {text}", "is not BITS or BITS:INTEGER.",
                         "write for instance 8, or 16:6.") from None  # fmt: skip


def _show(report: Any, as_json: bool) -> None:
    if as_json:
        from fpgacomp.report import json_report

        sys.stdout.write(json_report.to_json(report))
    else:
        from fpgacomp.report import terminal

        terminal.render(report, Console())
    if report.status != "ok":
        raise typer.Exit(1)
