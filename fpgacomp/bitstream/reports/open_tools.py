"""The open tools: nextpnr's --report, and Yosys' `stat` as JSON and as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from fpgacomp.bitstream.reports.cells import amounts_of, silicon_of
from fpgacomp.bitstream.reports.numbers import DamagedReport, json_number, json_object
from fpgacomp.results.tool_report import Clocking, ReportedInstance, ToolReport

_MODULE = re.compile(r"^=== (?P<name>.+?) ===$", re.MULTILINE)
_OLD_CELL = re.compile(r"^\s+(?P<name>[\\$\w]\S*)\s+(?P<count>\d+)\s*$")
_NEW_CELL = re.compile(r"^\s+(?P<count>\d+)\s+(?:[\d.e+-]+\s+)?(?P<name>[\\$A-Za-z_]\S*)\s*$")
_CELLS = re.compile(r"^\s*(Number of cells:\s*\d+|\d+\s+(?:[\d.e+-]+\s+)?cells)\s*$")
_HIERARCHY = "design hierarchy"
_BEGIN = "Printing statistics."
_NO_CELLS = re.compile(r"^\s*(Number of cells:\s*0|\d+ submodules)\s*$")


def read_nextpnr(content: object) -> ToolReport | None:
    """nextpnr's report; None where the JSON is none."""
    if not isinstance(content, dict) or not {"fmax", "utilization"} <= set(content):
        return None
    used = {
        site: json_number(json_object(found, site).get("used"), f"used {site}")
        for site, found in json_object(content["utilization"], "utilization").items()
    }
    amounts, unknown = amounts_of({site: count for site, count in used.items() if count})
    notes = [f"not counted: {', '.join(unknown)}."] if unknown else []
    if any(site.startswith("ICESTORM_LC") for site in used):
        amounts.pop("ff", None)
        notes.append("nextpnr counts LUTs and flip-flops of iCE40 together, as logic cells.")
    return ToolReport(
        "nextpnr's report (JSON)", "nextpnr", "", "implementation", amounts=amounts,
        silicon=silicon_of(site for site, count in used.items() if count),
        clock=_slowest(json_object(content["fmax"], "fmax"), notes),
        notes=(*notes, "it counts all that was placed, a host link among it, and has no version."),
        encloses=True,
    )  # fmt: skip


def _slowest(clocks: Mapping[str, object], notes: list[str]) -> Clocking | None:
    """The clock that misses its constraint most, or keeps it by least."""
    found: list[tuple[float, float, str]] = []
    for name, one in clocks.items():
        stated = json_object(one, f"the clock {name}")
        achieved = json_number(stated.get("achieved"), f"achieved MHz of {name}")
        wanted = json_number(stated.get("constraint"), f"constraint of {name}")
        if not (achieved and wanted):
            raise DamagedReport(f"the clock {name} has a frequency of 0")
        found.append((achieved / wanted, achieved, name))
    if not found:
        notes.append("no path has a clock.")
        return None
    ratio, achieved, name = min(found)
    target, reached = 1e3 * ratio / achieved, 1e3 / achieved
    slack = round(target - reached, 6)
    return Clocking(round(target, 6), round(reached, 6), slack, path=f"clock {name}")


def read_yosys_json(content: object) -> ToolReport | None:
    """The JSON of Yosys' `stat`; None where the JSON is none."""
    if not isinstance(content, dict) or "modules" not in content:
        return None
    creator = content.get("creator")
    if not isinstance(creator, str) or not creator.startswith("Yosys"):
        return None
    modules = {
        name: _cells(json_object(found, name))
        for name, found in json_object(content["modules"], "modules").items()
    }
    whole = content.get("design")
    total = None if whole is None else _cells(json_object(whole, "design"))
    version = re.match(r"Yosys (\S+)", creator)
    return _netlist(modules, total, version[1] if version else "", "JSON")


def _cells(module: Mapping[str, object]) -> dict[str, float]:
    by_type = json_object(module.get("num_cells_by_type"), "num_cells_by_type")
    return {name: json_number(count, f"the number of {name}") for name, count in by_type.items()}


def read_yosys_text(text: str) -> ToolReport | None:
    """The text of Yosys' `stat`, as a log has it; None where the text has none."""
    version = re.search(r"Yosys (\d\S*)", text)
    text = text[max(text.rfind(_BEGIN), 0) :]  # a log may have those of earlier steps
    heads = list(_MODULE.finditer(text))
    if not heads or "cells" not in text:
        return None
    modules: dict[str, dict[str, float]] = {}
    for head, behind in zip(heads, [*heads[1:], None]):
        end = len(text) if behind is None else behind.start()
        modules[head["name"]] = _listed(text[head.end() : end].splitlines(), head["name"])
    total = modules.pop(_HIERARCHY, None)
    return _netlist(modules, total, version[1] if version else "", "text")


def _listed(lines: Iterable[str], module: str) -> dict[str, float]:
    """The cells of one module's section."""
    cells: dict[str, float] = {}
    within = ended = False
    for line in lines:
        ended = ended or _NO_CELLS.match(line) is not None
        if _CELLS.match(line):
            within = True
        elif within:
            found = _OLD_CELL.match(line) or _NEW_CELL.match(line)
            if found is None or found["name"] == "submodules":
                break
            cells[found["name"]] = float(found["count"])
    if not within and not ended:
        raise DamagedReport(f"it does not list the cells of {module}: it was cut off")
    return cells


def _netlist(
    modules: Mapping[str, Mapping[str, float]],
    total: Mapping[str, float] | None,
    version: str,
    form: str,
) -> ToolReport:
    """A netlist whose total is that of its hierarchy, or of its only module."""
    if not modules:
        raise DamagedReport("it lists no module")
    plain = {name.removeprefix("\\"): cells for name, cells in modules.items()}
    if total is None:
        if len(plain) > 1:
            raise DamagedReport("it has several modules and no total: run `stat -top NAME`")
        total = next(iter(plain.values()))
    # A module that has others inside counts them as cells, which the total has resolved.
    amounts, unknown = amounts_of(
        {cell: number for cell, number in total.items() if cell.removeprefix("\\") not in plain}
    )
    if unknown and not any(amounts.values()):
        raise DamagedReport(f"it has no cell of a device ({unknown[0]}): run it after synth_...")
    instances = []
    if len(plain) > 1:
        for name, cells in plain.items():
            own = {c: n for c, n in cells.items() if c.removeprefix("\\") not in plain}
            instances.append(ReportedInstance(name, name, amounts_of(own)[0]))
    notes = (f"not counted: {', '.join(sorted(unknown)[:8])}.",) if unknown else ()
    top = next(iter(plain)) if len(plain) == 1 else ""
    return ToolReport(
        f"Yosys' stat ({form})", "Yosys", version, "logic_synth", top=top, amounts=amounts,
        instances=tuple(instances), notes=notes, silicon=silicon_of(total),
    )  # fmt: skip
