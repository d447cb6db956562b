"""`fpgacomp evaluate`: networks side by side."""

from __future__ import annotations

import sys
from typing import Any

import typer

from fpgacomp.cli.console import result_console, write_json
from fpgacomp.cli.log import logger
from fpgacomp.cli.options.arguments import ModelsArgument
from fpgacomp.cli.options.build import FpsOption, OptionalBoardOption
from fpgacomp.cli.options.checking import (
    AccuracyFloorOption,
    BrightnessOption,
    EpsilonsOption,
    MaxDropOption,
    NoiseOption,
    TransferOption,
)
from fpgacomp.cli.options.engines import (
    EngineSecondsOption,
    EnginesOption,
    EngineWattsOption,
    FpgaWattsOption,
)
from fpgacomp.cli.options.output import HtmlOption, JsonOption
from fpgacomp.cli.options.task import TaskOption
from fpgacomp.cli.options.training import EvaluationDataOption, SeedOption, TestDataOption
from fpgacomp.cli.progress import progress
from fpgacomp.cli.task import task_request
from fpgacomp.cli.values import reals
from fpgacomp.errors import UsageError


def evaluate(
    context: typer.Context,
    models: ModelsArgument,
    data: EvaluationDataOption = None,
    board: OptionalBoardOption = None,
    fps: FpsOption = None,
    noise: NoiseOption = "0.1,0.2",
    brightness: BrightnessOption = "-0.2,0.2",
    epsilons: EpsilonsOption = "0.05",
    transfer_from: TransferOption = "auto",
    accuracy_floor: AccuracyFloorOption = None,
    max_drop: MaxDropOption = 5.0,
    test_data: TestDataOption = None,
    task: TaskOption = None,
    seed: SeedOption = 0,
    engines: EnginesOption = None,
    fpga_watts: FpgaWattsOption = None,
    engine_watts: EngineWattsOption = None,
    engine_seconds: EngineSecondsOption = 1.0,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare networks: accuracy, robustness, size, operations, and their designs for a board.

    Only the test samples are answered: --test-data, or what is held out of --data. Figures of a
    board are for quantized networks alone; with --fps each design is the smallest at that rate,
    without it the one with the shortest latency.

    With --engines, networks and build folders run on engines in software, beside the FPGA's
    cycles: latency, rate and, where watts are stated, an estimate of the energy. --data takes
    network files alone; the accuracy of a build is that of the network it was compiled from.

    Example: `fpgacomp evaluate cnn.onnx cnn-quantized.onnx --data digits.npz --board pynq-z2`
    """
    if engines is not None:
        if data is not None or test_data is not None:
            raise UsageError("--data", "is for accuracy, and --engines measures speed alone.",
                             "run evaluate once for each.")  # fmt: skip
        asked = {"fpga_watts": fpga_watts, "engine_watts": engine_watts, "seconds": engine_seconds}
        _on_engines(context, models, engines, board, fps, asked, as_json=as_json)
        return
    if data is None:
        raise UsageError("--data", "is missing.", "add --data, or --engines to measure speed.")
    from fpgacomp.compress.evaluate.options import EvaluateOptions
    from fpgacomp.flows.evaluate import evaluate as run
    from fpgacomp.flows.options import Options
    from fpgacomp.report import comparison as view
    from fpgacomp.report.comparison_html import to_html
    from fpgacomp.results.target import Target

    evaluation = EvaluateOptions(
        noise=reals(noise, "--noise"),
        brightness=reals(brightness, "--brightness"),
        epsilons=reals(epsilons, "--epsilons"),
        transfer_from=None if transfer_from == "none" else transfer_from,
        seed=seed,
        floor=None if accuracy_floor is None else accuracy_floor / 100,
        max_drop=max_drop / 100,
    )
    if fps is not None and board is None:
        raise UsageError(
            "--fps", "is a bound of a design for a board.", "add --board, or leave --fps out."
        )
    options = Options(target=Target.at_rate(fps))
    with progress(context) as observer:
        found = run(
            models,
            data,
            test=test_data,
            board=board,
            options=options,
            evaluation=evaluation,
            task=task_request(task),
            observer=observer,
        )
    for candidate in found.candidates:
        for note in candidate.notes:
            logger.info("note on %s: %s", candidate.name, note)
    if html is not None:
        html.write_text(to_html(found), encoding="utf-8")
    if as_json:
        sys.stdout.write(view.to_json(found))
    else:
        view.render(found, result_console())


def _on_engines(
    context: typer.Context,
    sources: list[str],
    engines: str,
    board: str | None,
    fps: float | None,
    asked: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    """Print the table of speeds."""
    from fpgacomp.flows.engine_rates import engine_rates as run
    from fpgacomp.flows.options import Options
    from fpgacomp.report import engine_rates as view
    from fpgacomp.results.target import Target

    names = [name.strip() for name in engines.split(",") if name.strip()]
    with progress(context) as observer:
        found = run(
            sources, names, board=board, options=Options(target=Target.at_rate(fps)),
            observer=observer, **asked,
        )  # fmt: skip
    if as_json:
        write_json(found.summary())
        return
    console = result_console()
    for line in view.lines(found):
        console.print(line, highlight=False, soft_wrap=True)
