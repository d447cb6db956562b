"""`fpgacomp build`: the bitstream of a compiled design."""

from __future__ import annotations

import typer

from fpgacomp.cli.console import result_console, write_json
from fpgacomp.cli.options.arguments import BuildArgument
from fpgacomp.cli.options.bitstream import (
    AllSeedsOption,
    BaudOption,
    BringOption,
    BuildBoardOption,
    HwhOption,
    Preset,
    PresetOption,
    ScriptsOnlyOption,
    SeedsOption,
    SourceOption,
    TimingOption,
)
from fpgacomp.cli.options.checking import TrustOption
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.progress import progress
from fpgacomp.errors import UsageError


def build(
    context: typer.Context,
    folder: BuildArgument,
    board: BuildBoardOption = None,
    source: SourceOption = None,
    seeds: SeedsOption = 8,
    all_seeds: AllSeedsOption = False,
    baud: BaudOption = None,
    scripts_only: ScriptsOnlyOption = False,
    preset: PresetOption = Preset.BOARD,
    bitstream: BringOption = None,
    hwh: HwhOption = None,
    timing: TimingOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build the bitstream of a compiled design, host link included, for the board it is for.

    The result goes to DIR/bitstream, with a report of the clock that was achieved, the seed, what
    is used, the slowest path, and the command that loads it. Where the clock is not met, the
    evidence goes to DIR/bitstream.failed, and the exit code is 1. Open boards are built with
    Yosys and nextpnr (pip install 'fpgacomp[bitstream]'), those of AMD with Vivado: where it is
    not on PATH, DIR/bitstream gets the scripts and a README that says what to type, and the exit
    code is 3; with --scripts-only it is 0. --bitstream brings back what they made elsewhere.

    Example: `fpgacomp build digits-ulx3s-85f`
    """
    from fpgacomp.bitstream.job import BuildOptions
    from fpgacomp.flows.bring import bring_bitstream
    from fpgacomp.flows.build import build as run
    from fpgacomp.report import built

    options = BuildOptions(
        seeds=seeds, all_seeds=all_seeds, source=source.value if source else "", baud=baud,
        scripts_only=scripts_only, preset=preset.value,
    )  # fmt: skip
    for option, given in (("--hwh", hwh), ("--timing", timing)):
        if bitstream is None and given is not None:
            raise UsageError(option, "is of a bitstream that is brought.", "add --bitstream FILE.")
    if bitstream is not None:
        found = bring_bitstream(
            folder, bitstream, hwh=hwh, timing=timing, board=board, options=options, trust=trust
        )
    else:
        with progress(context) as observer:
            found = run(folder, board=board, options=options, trust=trust, observer=observer)
    if as_json:
        write_json(found.summary())
    else:
        built.render(found.summary(), result_console())
    if not found.met:
        raise typer.Exit(1)
