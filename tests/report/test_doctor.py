"""`fpgacomp doctor`: commands are shown as they must be typed."""

from __future__ import annotations

import io

from rich.console import Console

from fpgacomp.host.toolchain import Tool
from fpgacomp.report.doctor import render


def test_brackets_of_extras_are_printed() -> None:
    command = "pip install 'fpgacomp[brevitas]'"
    tools = [
        Tool(name="brevitas", found=None, enables="training [with PyTorch]", install=command),
        Tool(name="g++", found="12.2 [Debian]", enables="C-simulation", install="apt-get install"),
    ]
    out = io.StringIO()
    render(tools, Console(file=out, width=160))
    missing, found = out.getvalue().splitlines()[1:]
    assert command in missing and "training [with PyTorch]" in missing and "missing" in missing
    assert "12.2 [Debian]" in found and "apt-get" not in found
