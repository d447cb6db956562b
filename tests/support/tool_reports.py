"""Small reports of synthesis tools, written by hand in the forms that the tools have.

Figures are given by whoever asks, so that a test knows the truth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PART = "xc7z020clg400-1"


@dataclass(frozen=True)
class Unit:
    """A piece of hardware in a report."""

    name: str
    lut: int
    ff: int = 0
    dsp: int = 0
    bram: int = 0
    latency: int = 1
    interval: int = 1
    module: str = ""
    inside: tuple[Unit, ...] = ()

    @property
    def of(self) -> str:
        return self.module or self.name


# ---- Vitis HLS and Vivado HLS


def _resources(unit: Unit, dsp: str) -> str:
    return (
        f"<Resources><BRAM_18K>{unit.bram}</BRAM_18K><{dsp}>{unit.dsp}</{dsp}><FF>{unit.ff}</FF>"
        f"<LUT>{unit.lut}</LUT><URAM>0</URAM></Resources>"
    )


def _instances(units: Sequence[Unit]) -> str:
    listed = "".join(
        f"<Instance><InstName>{unit.name}</InstName><ModuleName>{unit.of}</ModuleName>"
        f"<ID>1</ID>{_instances(unit.inside)}</Instance>"
        for unit in units
    )
    return f"<InstancesList>{listed}</InstancesList>" if units else ""


def _modules(units: Sequence[Unit]) -> str:
    return "".join(
        f"<Module><Name>{unit.of}</Name><PerformanceEstimates><SummaryOfOverallLatency>"
        f"<Worst-caseLatency>{unit.latency}</Worst-caseLatency>"
        f"<PipelineInitiationInterval>1 ~ {unit.interval}</PipelineInitiationInterval>"
        f"</SummaryOfOverallLatency></PerformanceEstimates>"
        f"<AreaEstimates>{_resources(unit, 'DSP')}</AreaEstimates></Module>{_modules(unit.inside)}"
        for unit in units
    )


def csynth_xml(top: Unit, *, version: str = "2022.1", part: str = PART, ns: float = 10.0) -> str:
    """csynth.xml; Vivado HLS of 2018 and 2019 called DSP blocks DSP48E."""
    dsp = "DSP" if version >= "2020.2" else "DSP48E"
    return f"""<profile>
<ReportVersion><Version>{version}</Version></ReportVersion>
<UserAssignments><unit>ns</unit><Part>{part}</Part><TopModelName>{top.name}</TopModelName>
<TargetClockPeriod>{ns:.2f}</TargetClockPeriod></UserAssignments>
<PerformanceEstimates><PipelineType>dataflow</PipelineType>
<SummaryOfTimingAnalysis><EstimatedClockPeriod>7.300</EstimatedClockPeriod></SummaryOfTimingAnalysis>
<SummaryOfOverallLatency><Worst-caseLatency>{top.latency}</Worst-caseLatency>
<Interval-min>1</Interval-min><Interval-max>{top.interval}</Interval-max></SummaryOfOverallLatency>
</PerformanceEstimates>
<AreaEstimates>{_resources(top, dsp)}<AvailableResources><LUT>53200</LUT></AvailableResources></AreaEstimates>
<RTLDesignHierarchy><TopModule><ModuleName>{top.name}</ModuleName>{_instances(top.inside)}</TopModule></RTLDesignHierarchy>
<ModuleInformation>{_modules(top.inside)}</ModuleInformation>
</profile>
"""  # noqa: E501 - an element in a line


def export_xml(unit: Unit, *, run: str = "synth") -> str:
    """export_syn.xml or export_impl.xml."""
    return f"""<profile>
<RunData><RUN_TYPE>{run}</RUN_TYPE><VIVADO_VERSION>v.2022.2</VIVADO_VERSION></RunData>
<TimingReport><TargetClockPeriod>10.000</TargetClockPeriod>
<AchievedClockPeriod>6.500</AchievedClockPeriod></TimingReport>
<AreaReport><Resources><BRAM>{unit.bram}</BRAM><DSP>{unit.dsp}</DSP><FF>{unit.ff}</FF>
<LUT>{unit.lut}</LUT><SRL>3</SRL></Resources></AreaReport>
</profile>
"""


def _drawn(header: Sequence[Sequence[str]], *groups: Sequence[Sequence[str]]) -> str:
    """A table; cells of a group that are too few are not filled up."""
    rows = [row for group in (header, *groups) for row in group]
    width = max(len(cell) for row in rows for cell in row)
    columns = max(map(len, rows))
    border = "+" + "+".join(["-" * width] * columns) + "+"
    lines = [border]
    for group in (header, *groups):
        lines += ["|" + "|".join(cell.ljust(width) for cell in row) + "|" for row in group]
        lines.append(border)
    return "\n".join(lines) + "\n"


_TITLE = "=" * 64


def csynth_rpt(top: Unit, *, version: str = "2022.1", part: str = PART) -> str:
    """NAME_csynth.rpt in the form before or since 2020."""
    new = version >= "2020.2"
    unit = " ns" if new else ""
    absolute = ("10 ns", "10 ns") if new else ()
    times = [
        (one.name, one.of, "1", str(one.latency), *absolute, "1", str(one.interval), "none")
        for one in top.inside
    ]
    high = ("Latency (cycles)", *(("Latency (absolute)",) if new else ()), "Interval", "Pipeline")
    low = ("min", "max", *(("min", "max") if new else ()), "min", "max", "Type")
    dsp = "DSP" if new else "DSP48E"
    columns = ("BRAM_18K", dsp, "FF", "LUT", "URAM")

    def used(one: Unit) -> tuple[str, ...]:
        return str(one.bram), str(one.dsp), str(one.ff), str(one.lut), "0"

    area = [(one.name, one.of, *used(one)) for one in top.inside]
    detail = "N/A\n"
    if top.inside:
        detail = _drawn([("Instance", "Module", *columns)], area, [("Total", "", *used(top))])
    speed = "N/A\n"
    if top.inside:
        speed = _drawn([("Instance", "Module", *high), ("", "", *low)], times)
    return f"""

{_TITLE}
== {"Vitis" if new else "Vivado"} HLS Report for '{top.name}'
{_TITLE}
* Date:           Mon Jan  5 10:00:00 2026

* Version:        {version} (Build 1 on Mon Jan  5 10:00:00 MST 2026)
* Project:        {top.name}_prj
* Solution:       solution1
* Product family: zynq
* Target device:  {part}


{_TITLE}
== Performance Estimates
{_TITLE}
+ Timing{"" if new else " (ns)"}: 
    * Summary: 
    {
        _drawn(
            [("Clock", "Target", "Estimated", "Uncertainty")],
            [("ap_clk", f"10.00{unit}", f"7.300{unit}", f"2.70{unit}")],
        )
    }
+ Latency{"" if new else " (clock cycles)"}: 
    * Summary: 
    {_drawn([high, low], [("1", str(top.latency), *absolute, "1", str(top.interval), "dataflow")])}
    + Detail: 
        * Instance: 
        {speed}
        * Loop: 
        N/A

{_TITLE}
== Utilization Estimates
{_TITLE}
* Summary: 
{
        _drawn(
            [("Name", *columns)],
            [("Expression", "-", "-", "0", "2", "-")],
            [("Total", *used(top))],
            [("Available", "280", "220", "106400", "53200", "0")],
        )
    }
+ Detail: 
    * Instance: 
    {detail}
    * FIFO: 
    N/A
"""  # noqa: W291 - the tools leave blanks behind colons


def csynth_summary(top: Unit, *, version: str = "2024.1") -> str:
    """csynth.rpt, the table of modules and loops."""

    def rows(one: Unit, depth: int) -> list[tuple[str, ...]]:
        own = (
            " " * depth + f"+ {one.name}" + ("*" if depth == 0 else ""), "-", "0.10",
            str(one.latency), "1.0e+02", "-", str(one.interval), "-", "dataflow",
            f"{one.bram} (~0%)" if one.bram else "-", f"{one.dsp} (1%)" if one.dsp else "-",
            f"{one.ff} (2%)", f"{one.lut} (3%)", "-",
        )  # fmt: skip
        loop = (" " * (depth + 1) + "o VITIS_LOOP_1_1", "-", "7.30", "9", "90.0", "1", "1", "9",
                "yes", "-", "-", "-", "-", "-")  # fmt: skip
        return [own, loop, *(row for inner in one.inside for row in rows(inner, depth + 1))]

    header = [
        ("Modules", "Issue", "", "Latency", "Latency", "Iteration", "", "Trip", *[""] * 6),
        ("& Loops", "Type", "Slack", "(cycles)", "(ns)", "Latency", "Interval", "Count",
         "Pipelined", "BRAM", "DSP", "FF", "LUT", "URAM"),
    ]  # fmt: skip
    return f"""
{_TITLE}
== Synthesis Summary Report of '{top.name}'
{_TITLE}
+ General Information: 
    * Version:        {version} (Build 1 on Jan 5 2026)
    * Target device:  {PART}

+ Performance & Resource Estimates: 

    PS: '+' for module; 'o' for loop; '*' for dataflow
    {_drawn(header, rows(top, 0))}
"""  # noqa: W291 - the tools leave blanks behind colons


# ---- Vivado


def _vivado(command: str, design: str, *, version: str, state: str, part: str) -> str:
    rule = "-" * 100
    return f"""Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
{rule}
| Tool Version : Vivado v.{version} (lin64) Build 1 Mon Jan  5 10:00:00 MST 2026
| Date         : Mon Jan  5 10:00:00 2026
| Host         : somewhere running 64-bit Linux
| Command      : {command}
| Design       : {design}
| Device       : {part}
| Design State : {state}
{rule}
"""


def utilization(
    unit: Unit, *, version: str = "2018.2", state: str = "Synthesized", part: str = PART
) -> str:
    """report_utilization; a column was added in 2021, and UltraScale has CLBs instead of slices."""
    prohibited = ("0",) if version >= "2021" else ()
    more = ("Prohibited",) if prohibited else ()
    header = [("Site Type", "Used", "Fixed", *more, "Available", "Util%")]

    def row(site: str, used: object) -> tuple[str, ...]:
        return site, str(used), "0", *prohibited, "1000", "1.00"

    kind = "CLB" if part.startswith("xcz") else "Slice"
    tiles = f"{unit.bram / 2:g}"
    logic = [
        row(f"{kind} LUTs*", unit.lut), row("  LUT as Logic", unit.lut - 1),
        row("  LUT as Memory", 1), row(f"{kind} Registers", unit.ff),
    ]  # fmt: skip
    memory = [row("Block RAM Tile", tiles), row("  RAMB36/FIFO*", 0), row("  RAMB18", unit.bram)]
    return (
        _vivado(
            "report_utilization -file x.rpt", unit.name, version=version, state=state, part=part
        )
        + "\nUtilization Design Information\n\n1. Slice Logic\n--------------\n\n"
        + _drawn(header, logic)
        + "* Warning! The Final LUT count is typically lower.\n\n2. Memory\n---------\n\n"
        + _drawn(header, memory)
        + "\n3. DSP\n------\n\n"
        + _drawn(header, [row("DSPs", unit.dsp)])
    )


def hierarchy_rows(unit: Unit, depth: int = 0) -> list[tuple[str, ...]]:
    """The rows of a hierarchy, the indent of a name its depth."""
    module = "(top)" if depth == 0 else unit.of
    lut, ff, bram, dsp = str(unit.lut), str(unit.ff), str(unit.bram), str(unit.dsp)
    row = (" " * (2 * depth + 1) + unit.name, module, lut, lut, "0", "0", ff, "0", bram, dsp)
    return [row, *(one for inner in unit.inside for one in hierarchy_rows(inner, depth + 1))]


HIERARCHY = (
    "Instance", "Module", "Total LUTs", "Logic LUTs", "LUTRAMs", "SRLs", "FFs", "RAMB36", "RAMB18",
)  # fmt: skip


def hierarchical(
    unit: Unit, *, version: str = "2023.2", state: str = "Routed", part: str = PART
) -> str:
    """report_utilization -hierarchical; DSP48 Blocks became DSP Blocks."""
    dsp = "DSP Blocks" if version >= "2019" else "DSP48 Blocks"
    command = "report_utilization -hierarchical -file x.rpt"
    return (
        _vivado(command, unit.name, version=version, state=state, part=part)
        + "\nUtilization Design Information\n\n1. Utilization by Hierarchy\n"
        + "---------------------------\n\n"
        + _drawn([(*HIERARCHY, dsp)], hierarchy_rows(unit))
    )


def hierarchical_xml(unit: Unit, *, state: str = "Physopt postRoute") -> str:
    """The same as XML."""

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(f'<{tag} contents="{cell}" halign="1"/>' for cell in row)

    rows = f"<tablerow>{cells((*HIERARCHY, 'DSP Blocks'), 'tableheader')}</tablerow>"
    rows += "".join(f"<tablerow>{cells(r, 'tablecell')}</tablerow>" for r in hierarchy_rows(unit))
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n'
        f'<RptDoc cmdline="report_utilization -hierarchical -format xml" designname="{unit.name}" '
        f'designstate="{state}" partname="{PART}" title="Utilization Design Information">'
        f'<section title="Utilization by Hierarchy"><table>{rows}</table></section></RptDoc>\n'
    )


def timing(
    design: str, *, slack: float = 1.25, hold: float = 0.05, period: float = 10.0,
    state: str = "Routed", version: str = "2023.2",
) -> str:  # fmt: skip
    """report_timing_summary."""
    met = "MET" if slack >= 0 else "VIOLATED"
    head = _vivado("report_timing_summary -file t.rpt", design, version=version, state=state,
                   part="7z020-clg400")  # fmt: skip
    return f"""{head}
Timing Summary Report

------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  THS Failing Endpoints  THS Total Endpoints
    -------      -------  ---------------------  -------------------      -------      -------  ---------------------  -------------------
     {slack:.3f}        0.000                      0                 1234        {hold:.3f}        0.000                      0                 1234

------------------------------------------------------------------------------------------------
| Clock Summary
| -------------
------------------------------------------------------------------------------------------------

Clock  Waveform(ns)         Period(ns)      Frequency(MHz)
-----  ------------         ----------      --------------
ap_clk  {{0.000 {period / 2:.3f}}}        {period:.3f}          {1e3 / period:.3f}

Max Delay Paths
--------------------------------------------------------------------------------------
Slack ({met}) :             {slack:.3f}ns  (required time - arrival time)
  Source:                 run_conv1/acc_reg[3]/C
                            (rising edge-triggered cell FDRE clocked by ap_clk)
  Destination:            run_conv1/out_reg[7]/D
                            (rising edge-triggered cell FDRE clocked by ap_clk)
  Path Group:             ap_clk
  Path Type:              Setup (Max at Slow Process Corner)
  Requirement:            {period:.3f}ns
  Data Path Delay:        8.600ns  (logic 4.100ns (47.674%)  route 4.500ns (52.326%))
  Logic Levels:           6  (CARRY4=3 LUT4=3)
"""  # noqa: E501 - the lines of the tool


def power(design: str, watts: float = 1.875) -> str:
    """report_power."""
    head = _vivado("report_power -file p.rpt", design, version="2023.2", state="Routed", part=PART)
    rows = [("Total On-Chip Power (W)", f"{watts:.3f}"), ("Dynamic (W)", "1.700"),
            ("Device Static (W)", "0.175")]  # fmt: skip
    width = max(len(cell) for row in rows for cell in row)
    border = "+" + "-" * (width + 2) + "+" + "-" * (width + 2) + "+"
    lines = [f"| {a.ljust(width)} | {b.ljust(width)} |" for a, b in rows]
    return head + "\n1. Summary\n----------\n\n" + "\n".join([border, *lines, border]) + "\n"


# ---- FINN and the open tools


def finn_nodes(nodes: Mapping[str, Unit], *, kind: str = "post_synth") -> str:
    """post_synth_resources.json, or what FINN estimates or takes from C synthesis by node."""
    found: dict[str, dict[str, object]] = {}
    for name, unit in nodes.items():
        found[name] = {"LUT": unit.lut, "BRAM_18K": unit.bram}
        if kind == "post_synth":
            found[name] |= {"SRL": 0, "FF": unit.ff, "BRAM_36K": 0, "DSP": unit.dsp}
        elif kind == "csynth":
            found[name] |= {"FF": unit.ff, "DSP48E": 0, "DSP": unit.dsp, "URAM": 0}
        else:
            found[name] |= {"BRAM_efficiency": 0.1234567890123456, "URAM": 0, "DSP": unit.dsp}
    return json.dumps(found, indent=2)


def nextpnr(sites: Mapping[str, int], *, achieved: float = 61.5, constraint: float = 50.0) -> str:
    """--report of nextpnr."""
    used = {site: {"available": 20_000, "used": number} for site, number in sites.items()}
    clock = {"achieved": achieved, "constraint": constraint}
    path = {"from": "posedge clk", "to": "posedge clk", "path": [{"delay": 1.5, "type": "logic"}]}
    return json.dumps(
        {"critical_paths": [path], "fmax": {"$glbnet$clk": clock}, "utilization": used}
    )


def yosys_json(modules: Mapping[str, Mapping[str, int]], total: Mapping[str, int] | None) -> str:
    """`stat -json`."""

    def module(cells: Mapping[str, int]) -> dict[str, object]:
        return {"num_wires": 3, "num_cells": sum(cells.values()), "num_cells_by_type": dict(cells)}

    found: dict[str, object] = {
        "creator": "Yosys 0.70 (git sha1 1, Release)", "invocation": "stat -json",
        "modules": {f"\\{name}": module(cells) for name, cells in modules.items()},
    }  # fmt: skip
    return json.dumps(found | ({} if total is None else {"design": module(total)}), indent=3)


def yosys_text(
    modules: Mapping[str, Mapping[str, int]], total: Mapping[str, int] | None, *, old: bool = False
) -> str:
    """`stat`, as Yosys before or since 0.50 prints it."""
    sections = [*modules.items(), *([] if total is None else [("design hierarchy", total)])]
    text = " Yosys 0.38 (git sha1 1)\n" if old else " Yosys 0.70 (git sha1 1)\n"
    text += "\n4. Printing statistics.\n"
    for name, cells in sections:
        text += f"\n=== {name} ===\n\n"
        count = sum(cells.values())
        if old:
            text += f"   Number of wires:                  3\n   Number of cells:    {count:>12}\n"
            text += "".join(f"     {cell:<24}{n:>12}\n" for cell, n in cells.items())
        else:
            text += "        +----------Local Count, excluding submodules.\n        | \n"
            text += f"        3 wires\n {count:>8} cells\n"
            text += "".join(f" {n:>8}   {cell}\n" for cell, n in cells.items())
    return text + "\n"
