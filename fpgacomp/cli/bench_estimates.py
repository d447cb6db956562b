"""`fpgacomp bench-estimates`: the estimator judged against tables of synthesis results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fpgacomp.cli.console import result_console, write_json
from fpgacomp.cli.files import Role
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.progress import progress


def bench_estimates(
    context: typer.Context,
    tables: Annotated[
        list[Path],
        typer.Argument(
            metavar="CSV",
            help="Tables of synthesis results, such as designs.csv, finn_nodes.csv or "
            "hls4ml_csynth_layers.csv. What a table holds is known by its columns.",
        ),
        Role.READ,
    ],
    leave_out: Annotated[
        Literal["nothing", "repository"],
        typer.Option(
            "--leave-out",
            help="What no fit may have seen of a row. With nothing, the shipped coefficients are "
            "judged. With repository, each repository's rows are predicted by coefficients and "
            "ranges fitted, in this run, to the other repositories of the tables; this takes "
            "about a minute.",
        ),
    ] = "nothing",
    as_json: JsonOption = False,
) -> None:
    """Judge the estimates against synthesis results: error, rank, coverage and width of ranges.

    Example: `fpgacomp bench-estimates designs.csv finn_nodes.csv --leave-out repository`
    """
    from fpgacomp.flows.bench_estimates import bench_estimates as run
    from fpgacomp.report import estimate_bench

    with progress(context) as observer:
        found = run(tables, leave_out=leave_out, observer=observer)
    if as_json:
        write_json(found.summary())
    else:
        result_console().print(
            estimate_bench.text(found), markup=False, highlight=False, soft_wrap=True
        )
