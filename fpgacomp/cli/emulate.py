"""`fpgacomp emulate`: a library that takes the board's place."""

from __future__ import annotations

from dataclasses import asdict

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.options.arguments import BuildArgument
from fpgacomp.cli.options.bitstream import BaudOption
from fpgacomp.cli.options.checking import ThroughputOption, TrustOption
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.progress import progress


def emulate(
    context: typer.Context,
    folder: BuildArgument,
    throughput: ThroughputOption = False,
    baud: BaudOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build an emulator of the board with a compiled design on it, and print its path.

    Drivers and applications run against it as against the board, cycle by cycle of the design's
    SystemVerilog (which needs fpgacomp[rtl]), or frame by frame of its C++ where that is all there
    is: behind a model of AXI DMA, or of a UART for boards without a processor. They find it where
    the environment variable FPGACOMP_EMULATOR is the path. The library lies in the cache folder,
    and the same design is not built twice.

    Example: `fpgacomp emulate digits-pynq-z2`
    """
    from fpgacomp.flows.emulate import emulate as run
    from fpgacomp.flows.emulate import throughput as measure

    with progress(context) as observer:
        library = run(folder, baud=baud, trust=trust, observer=observer)
        measured = measure(folder, library, observer=observer) if throughput else None
    if as_json:
        write_json({"library": str(library), "throughput": asdict(measured) if measured else None})
        return
    typer.echo(library)
    if measured is not None:
        typer.echo(
            f"{measured.frames_per_second:,.0f} frames/s through {measured.way}, "
            f"{measured.design_frames_per_second:,.0f} predicted for the design by itself; "
            f"{measured.frames} frames, every integer right"
        )
