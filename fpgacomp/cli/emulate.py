"""`fpgacomp emulate`: a library that takes the board's place."""

from __future__ import annotations

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.options.arguments import BuildArgument
from fpgacomp.cli.options.checking import TrustOption
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.progress import progress


def emulate(
    context: typer.Context,
    folder: BuildArgument,
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

    with progress(context) as observer:
        library = run(folder, trust=trust, observer=observer)
    if as_json:
        write_json({"library": str(library)})
    else:
        typer.echo(library)
