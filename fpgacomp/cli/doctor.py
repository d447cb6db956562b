"""`fpgacomp doctor`: which tools are installed on this machine."""

from __future__ import annotations

import sys

from fpgacomp.cli.console import result_console
from fpgacomp.cli.options.output import JsonOption


def doctor(as_json: JsonOption = False) -> None:
    """Say what is installed, what each missing tool would enable, and the command that adds it.

    Example: `fpgacomp doctor`
    """
    from fpgacomp.host import toolchain
    from fpgacomp.report import doctor as view

    found = toolchain.survey()
    if as_json:
        sys.stdout.write(view.to_json(found))
    else:
        view.render(found, result_console())
