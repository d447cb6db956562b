"""What `fpgacomp check` prints: every node, and every problem with its remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fpgacomp.errors import FpgacompError, one_line_per_cause
from fpgacomp.report.plain_json import json_text


class Finding(Protocol):
    """One node of the network: whether it is supported, and a remedy where it is not."""

    @property
    def node(self) -> str: ...
    @property
    def op(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def fix(self) -> str: ...


@dataclass(frozen=True)
class CheckReport:
    """What was found out about every node, and what stops the lowering to integers.

    Args:
        findings: one per node, in the file's order.
        format: of the network, "" where it could not be read.
        problems: of nodes whose operator is supported, but not in this place of the network.
    """

    findings: Sequence[Finding]
    format: str = ""
    problems: Sequence[FpgacompError] = ()

    @property
    def ok(self) -> bool:
        """Whether the network is supported as it is."""
        return not self.problems and all(f.status != "unsupported" for f in self.findings)


def to_json(report: CheckReport) -> str:
    """The findings as one JSON document."""
    nodes = [{"node": f.node, "op": f.op, "status": f.status, "why": f.why, "fix": f.fix}
             for f in report.findings]  # fmt: skip
    problems = [{"where": p.where, "why": p.why, "fix": p.fix} for p in report.problems]
    content = {"ok": report.ok, "format": report.format, "nodes": nodes, "problems": problems}
    return json_text(content)


def render(report: CheckReport, console: Console) -> None:
    """Print counts per operator, then the problems, then one line of verdict."""
    counts = Counter((f.op, f.status) for f in report.findings)
    table = Table(box=None, pad_edge=False)
    for heading in ("operator", "nodes", "becomes"):
        table.add_column(heading, justify="right" if heading == "nodes" else "left")
    for (op, status), count in counts.items():
        table.add_row(op, str(count), "[red]unsupported[/]" if status == "unsupported" else status)
    console.print(table)
    told = [(f"{f.op} {f.node}", f.why, f.fix) for f in report.findings
            if f.status == "unsupported"]  # fmt: skip
    told += [(p.where, p.why, p.fix) for p in report.problems]
    for line in one_line_per_cause(told):
        console.print(f"[red]-[/] {escape(line)}", soft_wrap=True)
    console.print(_verdict(report))


def _verdict(report: CheckReport) -> str:
    if not report.ok:
        return "[bold red]not supported as it is[/]"
    if report.format == "float":
        return "[bold green]supported[/]: a float network; compile it with --calibration X.npy"
    return f"[bold green]supported[/]: {report.format}, lowers to integers"
