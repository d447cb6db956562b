"""The verb that compares networks: arguments to evaluation to terminal; decides nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fpgacomp.cli.console import errors, progress
from fpgacomp.cli.options import (
    BoardOption,
    DataOption,
    FpsOption,
    JsonOption,
    SeedOption,
    TestDataOption,
)
from fpgacomp.cli.values import floats
from fpgacomp.errors import UsageError


def evaluate(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="ONNX or Keras files.")],
    data: DataOption,
    board: BoardOption = None,
    fps: FpsOption = None,
    noise: Annotated[str, typer.Option(help="Standard deviations, by commas.")] = "0.1,0.2",
    brightness: Annotated[str, typer.Option(help="Shifts, by commas.")] = "-0.2,0.2",
    epsilons: Annotated[str, typer.Option(help="Of the gradient attack, by commas.")] = "0.05",
    transfer_from: Annotated[
        str, typer.Option(help="Network whose attacked samples all are given; auto, none.")
    ] = "auto",
    test_data: TestDataOption = None,
    seed: SeedOption = 0,
    html: Annotated[Path | None, typer.Option(help="Page with the plots to write.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare networks: accuracy, robustness, size, operations, and figures of a board.

    Example: `fpgacomp evaluate cnn.onnx cnn-quantized.onnx --data digits.npz --board pynq-z2`
    """
    with errors(as_json):
        from fpgacomp.compress.evaluate.options import EvaluateOptions
        from fpgacomp.flows.evaluate import evaluate as run
        from fpgacomp.flows.options import Options
        from fpgacomp.report import comparison as view
        from fpgacomp.report.comparison_html import to_html
        from fpgacomp.results.target import Target

        wanted = EvaluateOptions(
            noise=floats(noise, "--noise"),
            brightness=floats(brightness, "--brightness"),
            epsilons=floats(epsilons, "--epsilons"),
            transfer_from=None if transfer_from == "none" else transfer_from,
            seed=seed,
        )
        target = Target("area", fps) if fps else Target("latency")
        if html is not None and not html.parent.is_dir():
            raise UsageError(f"--html {html}", "its folder does not exist.", "create it first.")
        with progress(as_json) as observer:
            found = run(
                models, data, test=test_data, board=board, options=Options(target=target),
                evaluation=wanted, observer=observer,
            )  # fmt: skip
        if html is not None:
            html.write_text(to_html(found), encoding="utf-8")
        if as_json:
            sys.stdout.write(view.to_json(found))
        else:
            view.render(found, Console())
