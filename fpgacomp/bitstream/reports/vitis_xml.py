"""Vitis HLS' and Vivado HLS' XML: csynth.xml, NAME_csynth.xml, and that of export_design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element

from fpgacomp.bitstream.reports.numbers import DamagedReport, known
from fpgacomp.bitstream.reports.xml_tree import text_at
from fpgacomp.results.tool_report import Clocking, ReportedInstance, ReportStage, ToolReport

# Our name of a resource -> how the reports of different years call it.
_COUNTED = {
    "lut": ("LUT",),
    "ff": ("FF",),
    "dsp": ("DSP", "DSP48E"),
    "bram18": ("BRAM_18K", "BRAM"),
    "uram": ("URAM",),
}
_OVERALL = "PerformanceEstimates/SummaryOfOverallLatency"


def hls_tool(version: str) -> str:
    """The tool of a release, such as 2019.1: Vivado HLS became Vitis HLS in 2020."""
    return "Vitis HLS" if version >= "2020.2" else "Vivado HLS"


def read_profile(root: Element) -> ToolReport | None:
    """A report of C synthesis or of an exported design; None where the document is neither."""
    if root.tag != "profile":
        return None
    if root.find("AreaEstimates") is not None or root.find(_OVERALL) is not None:
        return _csynth(root)
    if root.find("AreaReport") is not None:
        return _exported(root)
    return None


def _csynth(root: Element) -> ToolReport:
    version = text_at(root, "ReportVersion/Version") or ""
    amounts = _amounts(root.find("AreaEstimates/Resources"), "the design")
    if not amounts:
        raise DamagedReport("it states no resources (AreaEstimates/Resources)")
    return ToolReport(
        format="C synthesis (XML)",
        tool=hls_tool(version),
        version=version,
        stage="csynth",
        part=text_at(root, "UserAssignments/Part") or "",
        top=text_at(root, "UserAssignments/TopModelName") or "",
        amounts=amounts,
        latency=_cycles(root, "Worst-caseLatency"),
        interval=_cycles(root, "Interval-max"),
        instances=_hierarchy(root),
        clock=Clocking(
            known(text_at(root, "UserAssignments/TargetClockPeriod"), "the target clock"),
            known(
                text_at(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
                "the estimated clock",
            ),
        ),
    )


def _cycles(element: Element, name: str) -> float | None:
    return known(text_at(element, f"{_OVERALL}/{name}"), name)


def _amounts(resources: Element | None, whose: str) -> dict[str, float]:
    if resources is None:
        return {}
    found: dict[str, float] = {}
    for name, spellings in _COUNTED.items():
        for spelling in spellings:
            if (text := text_at(resources, spelling)) is not None:
                found[name] = known(text, f"{spelling} of {whose}") or 0.0
                break
    return found


def _hierarchy(root: Element) -> tuple[ReportedInstance, ...]:
    """The instances in the top, with the figures of their modules."""
    modules: dict[str, ReportedInstance] = {}
    for module in root.iterfind("ModuleInformation/Module"):
        name = text_at(module, "Name") or ""
        interval = text_at(module, f"{_OVERALL}/PipelineInitiationInterval")
        modules[name] = ReportedInstance(
            "", name, _amounts(module.find("AreaEstimates/Resources"), name),
            _cycles(module, "Worst-caseLatency"),
            known(interval, f"the interval of {name}"),
        )  # fmt: skip
    top = root.find("RTLDesignHierarchy/TopModule")
    return () if top is None else _inside(top, modules)


def _inside(
    element: Element, modules: Mapping[str, ReportedInstance]
) -> tuple[ReportedInstance, ...]:
    found = []
    for one in element.iterfind("InstancesList/Instance"):
        name, module = text_at(one, "InstName") or "", text_at(one, "ModuleName") or ""
        known_as = modules.get(module, ReportedInstance("", module))
        found.append(replace(known_as, name=name, inside=_inside(one, modules)))
    return tuple(found)


def _exported(root: Element) -> ToolReport:
    amounts = _amounts(root.find("AreaReport/Resources"), "the design")
    if not amounts:
        raise DamagedReport("it states no resources (AreaReport/Resources)")
    version = (text_at(root, "RunData/VIVADO_VERSION") or "").removeprefix("v.")
    run = (text_at(root, "RunData/RUN_TYPE") or "").lower()
    stage: ReportStage = "logic_synth" if run.startswith("syn") else "implementation"
    notes = () if run else ("it does not say its stage: taken for placement and routing.",)
    return ToolReport(
        format="exported design (XML)",
        tool="Vivado",
        version=version,
        stage=stage,
        part=text_at(root, "RunData/DEVICE_TARGET") or "",
        top=text_at(root, "RunData/TOP_NAME") or "",
        amounts=amounts,
        clock=Clocking(
            known(text_at(root, "TimingReport/TargetClockPeriod"), "the target clock"),
            known(text_at(root, "TimingReport/AchievedClockPeriod"), "the achieved clock"),
        ),
        notes=notes,
    )
