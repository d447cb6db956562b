"""`fpgacomp boards`: which boards there are, and what one of them has."""

from __future__ import annotations

import sys

from fpgacomp.cli.console import result_console
from fpgacomp.cli.options.arguments import BoardArgument
from fpgacomp.cli.options.output import JsonOption


def boards(name: BoardArgument = None, as_json: JsonOption = False) -> None:
    """List the boards that fpgacomp knows, or show one in full.

    The list shows what a design may use: the device less what DMA, interconnect and clocks take.
    bram18 counts block RAMs of 18 Kb (a 36 Kb block is two), uram those of 288 Kb, and MHz is the
    clock of a design that names none.

    Example: `fpgacomp boards pynq-z2`
    """
    from fpgacomp.devices.read import list_boards, load_board
    from fpgacomp.report import boards as view

    found = [load_board(name)] if name else list_boards()
    if as_json:
        sys.stdout.write(view.to_json(found, single=name is not None))
    elif name:
        view.render_one(found[0], result_console())
    else:
        view.render_list(found, result_console())
