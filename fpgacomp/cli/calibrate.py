"""`fpgacomp calibrate`: estimates corrected for the tools that somebody uses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fpgacomp.cli.console import result_console, write_json
from fpgacomp.cli.files import Role
from fpgacomp.cli.options.output import OUTPUT, JsonOption


def calibrate(
    builds: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR",
            help="Build folders into which `fpgacomp import-report` put reports of logic "
            "synthesis or of placement and routing: at least three different designs of one "
            "engine, built by one release of one tool.",
        ),
        Role.READ,
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="JSON file to write, for --tool-calibration. A calibration that exists there is "
            "replaced.",
        ),
        Role.CALIBRATION,
    ],
    stage: Annotated[
        Literal["logic_synth", "implementation"] | None,
        typer.Option(
            "--stage",
            help="Stage of the tool flow to calibrate for. Without it, that is implementation "
            "where all builds have reports of it, and logic_synth otherwise.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Correct the estimates for your tools, from builds with imported reports.

    LUTs and flip-flops get a factor where it brings builds nearer that its fit had not seen; the
    error before and after is told. Ranges are made anew from 8 builds on.

    Example: `fpgacomp calibrate build-1 build-2 build-3 --out vivado-2023.2.json`
    """
    from fpgacomp.flows.calibrate import calibrate as run
    from fpgacomp.report import calibrated

    found = run(builds, out, stage=stage)
    if as_json:
        write_json(found.summary())
    else:
        calibrated.render(found.summary(), result_console())
