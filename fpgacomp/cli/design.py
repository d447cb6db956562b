"""What the verbs that design an accelerator share: option values as options, and the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from fpgacomp.cli.console import result_console
from fpgacomp.cli.log import logger
from fpgacomp.cli.values import Backend, Goal, Io, Ranges, Scale, fixed_point

if TYPE_CHECKING:
    from fpgacomp.flows.options import Options
    from fpgacomp.results.report import Report


def design_options(
    *,
    backend: Backend = "auto",
    target: Goal = "latency",
    fps: float | None = None,
    latency_us: float | None = None,
    clock_mhz: float | None = None,
    io: Io | None = None,
    argmax: bool,
    calibration: str | None,
    input_bits: str | None,
    weight_bits: int,
    activation_bits: int,
    scale: Scale,
    ranges: Ranges,
    dump_stages: Path | None = None,
    tool_calibration: Path | None = None,
) -> Options:
    """Make the options of a design from the values on the command line.

    Raises:
        UsageError: values that cannot be read, or that are out of their bounds.
    """
    from fpgacomp.flows.options import Options
    from fpgacomp.frontend.calibrate import PtqOptions
    from fpgacomp.results.target import Target

    bits = fixed_point(input_bits, "--input-bits")
    return Options(
        backend=backend,
        target=Target(target, fps, latency_us),
        clock_mhz=clock_mhz,
        io_type=io,
        argmax=argmax,
        calibration=calibration,
        input_bits=bits,
        quantization=PtqOptions(
            weight_bits=weight_bits,
            activation_bits=activation_bits,
            input_bits=bits[0] if bits else PtqOptions.input_bits,
            scale=scale,
            ranges=ranges,
        ),
        dump_stages=dump_stages,
        tool_calibration=tool_calibration,
    )


def show_report(report: Report, *, as_json: bool, time_stages: bool) -> None:
    """Print a report, and the seconds of its stages where they are asked for.

    Raises:
        typer.Exit: with code 1 where the design does not fit or a check failed.
    """
    for note in (*report.warnings, *report.reasons):
        logger.info("note: %s", note)
    if as_json:
        from fpgacomp.report import json_report

        sys.stdout.write(json_report.to_json(report))
    else:
        from fpgacomp.report import terminal

        terminal.render(report, result_console())
    if time_stages:
        show_times(report, Console(stderr=True))
    if report.status != "ok":
        raise typer.Exit(1)


def show_times(report: Report, console: Console) -> None:
    """Print the seconds that each stage took, in the order in which the stages ran."""
    table = Table(box=None, pad_edge=False)
    table.add_column("stage")
    table.add_column("seconds", justify="right")
    for stage, seconds in report.timings_s.items():
        table.add_row(stage, f"{seconds:.3f}")
    console.print(table)
