"""`fpgacomp import-report`: reports of synthesis tools beside the estimate of a build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from fpgacomp.cli.console import result_console, write_json
from fpgacomp.cli.files import Role
from fpgacomp.cli.options.arguments import BuildArgument
from fpgacomp.cli.options.output import JsonOption


def import_report(
    build: BuildArgument,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="What the tools wrote about the build, in any order: reports of C synthesis "
            "(XML or text), of Vivado's utilization (flat, by hierarchy), timing and power, "
            "FINN's JSON, nextpnr's and Yosys' JSON. A format is known by its content.",
        ),
        Role.READ,
    ],
    as_json: JsonOption = False,
) -> None:
    """Hold what synthesis tools measured of a build beside what was estimated, and keep it.

    Resources, cycles and clock are compared for the whole design and for each layer whose hardware
    a report names. The files are kept in DIR/measured; nothing else of DIR changes. What was
    imported before DIR was compiled again is put aside, as DIR/measured.earlier.

    Example: `fpgacomp import-report build csynth.xml build_utilization.rpt build_timing.rpt`
    """
    from fpgacomp.flows.import_report import import_report as run
    from fpgacomp.report import side_by_side

    found = run(build, files)
    if as_json:
        write_json(found.summary())
    else:
        console = result_console()
        for line in side_by_side.lines(found.measured):
            console.print(line, highlight=False, soft_wrap=True)
        for note in found.notes:
            console.print(f"note: {escape(note)}", highlight=False, soft_wrap=True)
