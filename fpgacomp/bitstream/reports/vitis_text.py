"""Vitis HLS' and Vivado HLS' text: NAME_csynth.rpt, and the summary csynth.rpt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fpgacomp.bitstream.reports.numbers import DamagedReport, known
from fpgacomp.bitstream.reports.tables import DrawnTable, drawn_tables
from fpgacomp.bitstream.reports.vitis_xml import hls_tool
from fpgacomp.results.tool_report import Clocking, ReportedInstance, ToolReport

_MODULE = re.compile(r"^== (?:Vitis|Vivado) HLS Report for '(?P<top>[^']+)'", re.MULTILINE)
_SUMMARY = re.compile(r"^== Synthesis Summary Report of '(?P<top>[^']+)'", re.MULTILINE)
_FACT = re.compile(r"^\s*\* (?P<name>Version|Target device):\s*(?P<value>.*?)\s*$", re.MULTILINE)
_COLUMNS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM", "uram": "URAM"}


def read_hls_text(text: str) -> ToolReport | None:
    """A report of C synthesis; None where the text is none."""
    if found := _MODULE.search(text):
        return _module(text, found["top"])
    if found := _SUMMARY.search(text):
        return _summary(text, found["top"])
    return None


def _begun(text: str, top: str, form: str) -> ToolReport:
    facts = {fact["name"]: fact["value"] for fact in _FACT.finditer(text[:20_000])}
    version = facts.get("Version", "").split(" ")[0]
    part = facts.get("Target device", "")
    return ToolReport(form, hls_tool(version), version, "csynth", part=part, top=top)


def _amounts(row: Mapping[str, str], whose: str) -> dict[str, float]:
    """The resources of a row; `-` is none of it, and a column that is absent is not known."""
    found = {}
    for name, column in _COLUMNS.items():
        for heading, cell in row.items():
            if heading.startswith(column) and not heading.startswith(f"{column}_ "):
                found[name] = known(cell, f"{column} of {whose}") or 0.0
                break
    return found


# ---- NAME_csynth.rpt


def _module(text: str, top: str) -> ToolReport:
    tables = list(drawn_tables(text.splitlines()))
    speed = [t for t in tables if t.section == "Performance Estimates"]
    area = [t for t in tables if t.section == "Utilization Estimates"]
    totals = [row for table in area if table.title == "Summary" and not table.group
              for row in table.named() if row.get("Name", "").strip() == "Total"]  # fmt: skip
    if not totals:
        raise DamagedReport("it states no total of resources: it was cut off")
    latency, interval = _latency(speed)
    return replace(
        _begun(text, top, "C synthesis (text)"),
        amounts=_amounts(totals[0], "the design"),
        latency=latency,
        interval=interval,
        instances=tuple(_instances(speed, area)),
        clock=_clock(speed),
    )


def _clock(tables: Iterable[DrawnTable]) -> Clocking | None:
    for table in tables:
        if table.group.startswith("Timing"):
            for row in table.named():
                target, reached = (row.get(name, "").strip().removesuffix("ns").strip()
                                   for name in ("Target", "Estimated"))  # fmt: skip
                return Clocking(known(target, "the target clock"), known(reached, "the clock"))
    return None


def _latency(tables: Iterable[DrawnTable]) -> tuple[float | None, float | None]:
    for table in tables:
        if table.group.startswith("Latency") and table.title == "Summary" and table.rows:
            return _cycles(table.rows[0])
    return None, None


def _cycles(cells: Sequence[str]) -> tuple[float | None, float | None]:
    """(latency, interval) of cells that end in least and most interval and the pipeline's type."""
    if len(cells) not in (5, 7):
        raise DamagedReport(f"a table of latencies has {len(cells)} columns instead of 5 or 7")
    return known(cells[1], "the latency"), known(cells[-2], "the interval")


def _instances(
    speed: Iterable[DrawnTable], area: Iterable[DrawnTable]
) -> Iterable[ReportedInstance]:
    times: dict[str, tuple[float | None, float | None]] = {}
    for table in speed:
        if table.group == "Detail" and table.title == "Instance":
            times |= {row[0].strip(): _cycles(row[2:]) for row in table.rows}
    for table in area:
        if table.group == "Detail" and table.title == "Instance":
            if table.columns[:2] != ("Instance", "Module"):
                raise DamagedReport("its table of instances does not begin with Instance, Module")
            for row in table.named():
                name = row["Instance"].strip()
                if name != "Total":
                    latency, interval = times.get(name, (None, None))
                    module = row["Module"].strip()
                    yield ReportedInstance(name, module, _amounts(row, name), latency, interval)


# ---- csynth.rpt


@dataclass
class _Node:
    """A module of the summary that is still being read."""

    depth: int
    row: Mapping[str, str]
    inside: list[_Node]


def _summary(text: str, top: str) -> ToolReport:
    for table in drawn_tables(text.splitlines()):
        if table.columns and table.columns[0] == "Modules & Loops":
            found = _trees(table)
            if len(found) == 1:
                whole = found[0]
                return replace(
                    _begun(text, top, "C synthesis, summary (text)"), amounts=whole.amounts,
                    latency=whole.latency, interval=whole.interval, instances=whole.inside,
                )  # fmt: skip
            raise DamagedReport(f"its table of modules has {len(found)} top modules instead of 1")
    raise DamagedReport("it has no table of modules and loops: it was cut off")


def _trees(table: DrawnTable) -> list[ReportedInstance]:
    """The modules of the table, as their indents nest them; loops belong to their module."""
    roots: list[_Node] = []
    path: list[_Node] = []
    for row in table.named():
        cell = row["Modules & Loops"]
        label = cell.strip()
        if not label.startswith("+ "):
            continue
        node = _Node(len(cell) - len(cell.lstrip()), row, [])
        while path and path[-1].depth >= node.depth:
            path.pop()
        (path[-1].inside if path else roots).append(node)
        path.append(node)
    return [_built(root) for root in roots]


def _built(node: _Node) -> ReportedInstance:
    name = node.row["Modules & Loops"].strip().removeprefix("+ ").rstrip("*").strip()
    latency = known(node.row.get("Latency (cycles)"), f"the latency of {name}")
    interval = known(node.row.get("Interval"), f"the interval of {name}")
    inside = tuple(_built(one) for one in node.inside)
    return ReportedInstance(name, name, _amounts(node.row, name), latency, interval, inside)
