"""What `fpgacomp doctor` prints: the tools found, and how to install the missing ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fpgacomp.host.toolchain import Tool
from fpgacomp.report.plain_json import json_text


def to_json(tools: Sequence[Tool]) -> str:
    """The tools as a JSON list."""
    return json_text([asdict(tool) for tool in tools])


def render(tools: Sequence[Tool], console: Console) -> None:
    """Print a row per tool; a missing one shows the command that installs it."""
    table = Table(box=None, pad_edge=False)
    for heading in ("tool", "found", "for", "add it with"):
        table.add_column(heading)
    for tool in tools:
        found = Text(tool.found) if tool.found else Text("missing", style="yellow")
        command = "" if tool.found else tool.install
        # As Text: markup would swallow the extra of `pip install 'fpgacomp[finn]'`.
        table.add_row(Text(tool.name), found, Text(tool.enables), Text(command))
    console.print(table)
