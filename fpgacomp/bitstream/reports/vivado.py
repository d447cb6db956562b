"""Vivado's text reports: utilization (flat and by hierarchy), timing summary, power."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fpgacomp.bitstream.reports.numbers import DamagedReport, known, number, signed
from fpgacomp.bitstream.reports.tables import DrawnTable, drawn_tables
from fpgacomp.results.tool_report import Clocking, ReportedInstance, ReportStage, ToolReport

_FACT = re.compile(
    r"^\|\s*(Tool Version|Command|Design|Device|Design State)\s*:\s*(.*?)\s*\|?\s*$", re.MULTILINE
)
_STATES: dict[str, ReportStage] = {
    "synthesized": "logic_synth",
    "optimized": "logic_synth",
    "placed": "implementation",
    "routed": "implementation",
    "postplace": "implementation",
    "postroute": "implementation",
}
# Our name -> how the sites of different families are called; a memory tile holds two of 18 kbit.
_SITES = {
    "lut": ("Slice LUTs", "CLB LUTs", "LUT as Logic"),
    "ff": ("Slice Registers", "CLB Registers", "Register as Flip Flop"),
    "dsp": ("DSPs", "DSP Slices"),
    "bram18": ("Block RAM Tile",),
    "uram": ("URAM",),
}
_PER_SITE = {"bram18": 2.0}
_SLACKS = re.compile(r"^\s*(-?[\d.]+|NA)\s+(-?[\d.]+|NA)\s+(\d+|NA)\s+(\d+|NA)\s+(-?[\d.]+|NA)\s",
                     re.MULTILINE)  # fmt: skip
_WAVE = re.compile(r"^\s*(\S+)\s+\{[\d. ]+\}\s+([\d.]+)\s+([\d.]+)\s*$", re.MULTILINE)
_SLACK = re.compile(r"^Slack \((?:MET|VIOLATED)\) :", re.MULTILINE)
_PATH = re.compile(
    r"\s*(?P<slack>-?\d{1,9}\.?\d{0,9})ns[^\n]*\n\s*Source:\s*(?P<source>\S+)"
    r".{0,1000}?\n\s*Destination:\s*(?P<target>\S+)", re.DOTALL,
)  # fmt: skip


def read_vivado_text(text: str) -> ToolReport | None:
    """One of Vivado's reports; None where the text is none of those that are read."""
    facts: dict[str, str] = {}
    for found in _FACT.finditer(text[:20_000]):
        facts.setdefault(found[1], found[2])
    if "Vivado" not in facts.get("Tool Version", ""):
        return None
    command = facts.get("Command", "")
    begun = ToolReport(
        "", "Vivado", _version(facts["Tool Version"]), _stage(facts), facts.get("Device", ""),
        facts.get("Design", ""),
    )  # fmt: skip
    if "report_timing_summary" in command:
        return _timing(text, begun)
    if "report_power" in command:
        return _power(text, begun)
    if "report_utilization" in command:
        return _utilization(text, begun)
    return None


def _version(text: str) -> str:
    found = re.search(r"v\.?\s?(\d{4}\.\d+(\.\d+)?)", text)
    if found is None:
        raise DamagedReport(f"it does not say Vivado's version ({text[:60]!r})")
    return found[1]


def _stage(facts: dict[str, str]) -> ReportStage:
    state = facts.get("Design State", "")
    return stage_of_state(state)


def stage_of_state(state: str) -> ReportStage:
    """The stage that Vivado's state of a design stands for.

    Raises:
        DamagedReport: it is none that is known.
    """
    words = state.lower().split()
    if words and words[-1] in _STATES:
        return _STATES[words[-1]]
    raise DamagedReport(f"its design state ({state[:40]!r}) is none that is known")


# ---- utilization


def _utilization(text: str, begun: ToolReport) -> ToolReport:
    tables = list(drawn_tables(text.splitlines()))
    for table in tables:
        if table.columns[:2] == ("Instance", "Module"):
            return hierarchical(table.columns, table.rows, begun)
    amounts: dict[str, float] = {}
    for table in tables:
        if table.columns and table.columns[0] == "Site Type":
            for name, used in _sites(table):
                amounts.setdefault(name, used)
    missing = {"lut", "ff", "dsp", "bram18"} - set(amounts)
    if missing:
        raise DamagedReport(f"it does not state {', '.join(sorted(missing))}: it was cut off")
    return replace(begun, format="utilization (text)", amounts=amounts)


def _sites(table: DrawnTable) -> Iterator[tuple[str, float]]:
    rows = {row["Site Type"].strip().rstrip("*"): row.get("Used", "") for row in table.named()}
    for name, sites in _SITES.items():
        for site in sites:
            if site in rows:
                yield name, number(rows[site], site) * _PER_SITE.get(name, 1.0)
                break


@dataclass
class _Row:
    """A row of the hierarchy that is still being read."""

    depth: int
    name: str
    module: str
    amounts: dict[str, float]
    inside: list[_Row]

    def built(self) -> ReportedInstance:
        return ReportedInstance(
            self.name, self.module, self.amounts, inside=tuple(x.built() for x in self.inside)
        )


def hierarchical(
    columns: Sequence[str], rows: Sequence[Sequence[str]], begun: ToolReport
) -> ToolReport:
    """A utilization report by hierarchy; the indent of an instance's name is its depth.

    A row whose name stands in parentheses is what its parent takes without its children.

    Raises:
        DamagedReport: a column or the top is missing, or a cell is no number.
    """
    places = _places(columns)
    roots: list[_Row] = []
    path: list[_Row] = []
    for cells in rows:
        if len(cells) != len(columns):
            raise DamagedReport(f"a row has {len(cells)} cells instead of {len(columns)}")
        name = cells[0].strip()
        depth = len(cells[0]) - len(cells[0].lstrip())
        row = _Row(depth, name, cells[1].strip(), _counted(cells, places, name), [])
        while path and path[-1].depth >= depth:
            path.pop()
        (path[-1].inside if path else roots).append(row)
        path.append(row)
    if len(roots) != 1:
        raise DamagedReport(f"its hierarchy has {len(roots)} tops instead of 1")
    top = roots[0].built()
    return replace(
        begun, format="utilization by hierarchy", amounts=top.amounts, instances=top.inside,
        top=begun.top or top.name,
    )  # fmt: skip


def _places(columns: Sequence[str]) -> dict[str, tuple[tuple[int, float], ...]]:
    """Our name -> the columns that count it, and how many of it one counts."""
    counted = {
        "lut": {"Total LUTs": 1.0},
        "ff": {"FFs": 1.0},
        "dsp": {"DSP Blocks": 1.0, "DSP48 Blocks": 1.0},
        "bram18": {"RAMB36": 2.0, "RAMB18": 1.0},
        "uram": {"URAM": 1.0},
    }
    found = {
        name: tuple((columns.index(c), per) for c, per in options.items() if c in columns)
        for name, options in counted.items()
    }
    if missing := [name for name, places in found.items() if not places and name != "uram"]:
        raise DamagedReport(f"its hierarchy has no column for {', '.join(missing)}")
    return found


def _counted(
    cells: Sequence[str], places: dict[str, tuple[tuple[int, float], ...]], whose: str
) -> dict[str, float]:
    return {
        name: sum(number(cells[place], f"{name} of {whose}") * per for place, per in columns)
        for name, columns in places.items()
        if columns
    }


# ---- timing and power


def _timing(text: str, begun: ToolReport) -> ToolReport:
    summary = text.split("Design Timing Summary")[-1] if "Design Timing Summary" in text else ""
    slacks = _SLACKS.search(summary)
    if slacks is None:
        raise DamagedReport("it has no Design Timing Summary: it was cut off")
    setup, total, _, _, hold = slacks.groups()
    if setup == "NA":
        raise DamagedReport("no path has a clock (WNS is NA): give the design its constraint")
    worst = signed(setup, "WNS")
    periods = {name: number(period, f"the period of {name}")
               for name, period, _ in _WAVE.findall(text)}  # fmt: skip
    path, clock = _worst_path(text, worst)
    period = periods.get(clock)
    if period is None and len(set(periods.values())) == 1:
        period = next(iter(periods.values()))
    notes: tuple[str, ...] = ()
    if period is None:
        notes = ("it does not say which clock its worst path has: no achieved clock.",)
    return replace(
        begun, format="timing summary", notes=notes,
        clock=Clocking(
            target_ns=period,
            achieved_ns=None if period is None else round(period - worst, 6),
            worst_setup_ns=worst,
            total_setup_ns=None if total == "NA" else signed(total, "TNS"),
            worst_hold_ns=None if hold == "NA" else signed(hold, "WHS"),
            path=path,
        ),
    )  # fmt: skip


def _worst_path(text: str, worst: float) -> tuple[str, str]:
    """(the slowest path of setup in words, the clock that it has to keep), "" where not told."""
    for part in _SLACK.split(text)[1:]:
        found = _PATH.match(part)
        setup = re.search(r"Path Type:\s*Setup", part[:3000])
        if found is None or setup is None or abs(float(found["slack"]) - worst) > 1e-3:
            continue
        group = re.search(r"Path Group:\s*(\S+)", part[:3000])
        levels = re.search(r"Logic Levels:\s*(\d+)", part[:3000])
        deep = f", {levels[1]} levels of logic" if levels else ""
        words = f"{found['source']} to {found['target']}, slack {found['slack']} ns{deep}"
        return words, group[1] if group else ""
    return "", ""


def _power(text: str, begun: ToolReport) -> ToolReport:
    for table in drawn_tables(text.splitlines()):
        for row in table.header + table.rows:
            if len(row) == 2 and row[0].strip() == "Total On-Chip Power (W)":
                watts = known(row[1], "the total power")
                if watts is not None:
                    return replace(begun, format="power", power_w=watts)
    raise DamagedReport("it states no Total On-Chip Power: it was cut off")
