"""Puts the reports of a build beside its estimate, stage by stage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fpgacomp.bitstream.reports.matching import Matched, PartNames, matched
from fpgacomp.devices.families import family_of
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.errors import InputDataError
from fpgacomp.results.estimate import Figure
from fpgacomp.results.side_by_side import MeasuredAmount, MeasuredLayer, MeasuredStage
from fpgacomp.results.tool_report import STAGES, Clocking, ReportedInstance, ReportStage, ToolReport

# Of two reports of one stage, the one whose format comes first here says what the design takes.
_RANK = (
    "C synthesis (XML)", "C synthesis (text)", "utilization by hierarchy", "utilization (text)",
    "C synthesis, summary (text)", "exported design (XML)",
)  # fmt: skip
# What stands behind device and package: -1, -2L-e, -2LV-c, -1-i.
_GRADES = re.compile(r"(?:-([1-3][a-z]{0,2})(?:-([a-z]))?(?:-es\d)?)?\Z")
_SAME = 0.01  # two reports that differ by no more than this say the same
Estimates = Mapping[str, Figure]


@dataclass(frozen=True)
class EstimatedDesign:
    """What is known of a build beside its reports.

    Args:
        top: name of its top module.
        part: its device.
        clock_ns: its period.
        whole: quantity -> estimate of the design.
        layers: layer -> quantity -> estimate, in the order of the build's report.
        names: finds the layers in names of the hardware.
    """

    top: str
    part: str
    clock_ns: float
    whole: Estimates
    layers: Mapping[str, Estimates]
    names: PartNames


@dataclass(frozen=True)
class NamedReport:
    """A report and the name of its file.

    Args:
        module: whether it is of one module of the design alone.
    """

    file: str
    report: ToolReport
    module: bool = False


def of_design(file: str, report: ToolReport, design: EstimatedDesign) -> NamedReport:
    """The report as it counts for a design: the design's part of what it is of.

    Raises:
        InputDataError: it is of another device or another design.
    """
    if report.part and not _same_part(report.part, design.part):
        raise InputDataError(
            file, f"is of the device {report.part}, and the build is for {design.part}.",
            "give the reports of this build.",
        )  # fmt: skip
    silicon = _silicon(design.part)
    if report.silicon and report.silicon != silicon:
        raise InputDataError(
            file, f"has cells of {report.silicon}, and the build is for {design.part} ({silicon}).",
            "give the reports of this build.",
        )  # fmt: skip
    top = report.top
    if not top or top == design.top:
        return NamedReport(file, report)
    if report.stage == "csynth":
        if design.names.layer(ReportedInstance(top)) is None:
            raise InputDataError(
                file, f"is of {top}, which is neither {design.top} nor a function of it.",
                "give the reports of this build.",
            )  # fmt: skip
        own = ReportedInstance(
            top, top, report.amounts, report.latency, report.interval, report.instances
        )
        return NamedReport(file, replace(report, instances=(own,)), module=True)
    return NamedReport(file, _inner(report, design.top))


def _inner(report: ToolReport, top: str) -> ToolReport:
    """What a report of a larger design, with processor and DMA around ours, says of ours."""
    if not report.amounts:
        return report
    ends = re.compile(rf"(?<![A-Za-z0-9]){re.escape(top)}(_\d+)*(_imp_\w+)?")
    found = [one for one in report.walk() if _ends_in(one, ends)]
    if found:
        ours = found[0]
        luts = report.amounts.get("lut", 0.0) - ours.amounts.get("lut", 0.0)
        note = f"{report.top} has {luts:,.0f} LUTs beside {ours.name}, which are not compared."
        return replace(report, amounts=ours.amounts, instances=ours.inside,
                       notes=(*report.notes, note))  # fmt: skip
    remedy = "report_utilization -hierarchical tells"
    if report.tool == "Yosys":
        remedy = "`stat` of the sources in rtl/ tells (rtl/yosys/synth.ys)"
    if report.instances:
        remedy = "none of its instances has this name"
    note = (
        f"{report.format}: counts all of {report.top}, in which {top} is not told apart, so that "
        f"the whole is not compared: {remedy}."
    )
    return replace(report, amounts={}, notes=(*report.notes, note))


def _ends_in(instance: ReportedInstance, ends: re.Pattern[str]) -> bool:
    for text in (instance.module, instance.name):
        if any(match.end() == len(text) for match in ends.finditer(text)):
            return True
    return False


def _silicon(part: str) -> str:
    """What the cells of a device's netlists are of, as `ToolReport.silicon` calls it."""
    family = family_of(part) or ""
    return next((name for name in ("ecp5", "ice40", "gowin") if family.startswith(name)), "xilinx")


def _same_part(one: str, other: str) -> bool:
    """Whether two spellings are one device; Vivado leaves out `xc`, or the speed grade.

    Only these may be missing: a part whose name begins as another's is another part.
    """
    first, second = map(_spelled, (one, other))
    return first[0] == second[0] and all(
        a == b or not (a and b) for a, b in zip(first[1:], second[1:])
    )


def _spelled(part: str) -> tuple[str, str, str]:
    """Device with package, speed grade and temperature grade; "" where the spelling has none."""
    found = _GRADES.search(part.lower())
    assert found is not None  # everything in it is optional
    device = re.sub(r"[^a-z0-9]", "", part.lower()[: found.start()]).removeprefix("xc")
    return device, found[1] or "", found[2] or ""


def stages_of(reports: Sequence[NamedReport], design: EstimatedDesign) -> tuple[MeasuredStage, ...]:
    """Every stage of which there is a report, in the order of the tool flow."""
    return tuple(
        _stage(stage, some, design)
        for stage in STAGES
        if (some := [one for one in reports if one.report.stage == stage])
    )


def _stage(
    stage: ReportStage, reports: Sequence[NamedReport], design: EstimatedDesign
) -> MeasuredStage:
    ranked = sorted(reports, key=lambda one: (_rank(one.report), one.file))
    whole = [one for one in ranked if not one.module]
    groups = [[one] for one in whole] + [[one for one in ranked if one.module]]
    sorted_groups = [
        matched([one.report for one in group], design.names) for group in groups if group
    ]
    layers = tuple(_layers(stage, sorted_groups, design.layers))
    left = next((m.left for m in sorted_groups if m.layers or m.left), [])
    return MeasuredStage(
        stage=stage,
        tools=tuple(dict.fromkeys((x.report.tool, x.report.version) for x in ranked)),
        files=tuple(one.file for one in ranked),
        whole=tuple(_whole(stage, whole, design.whole)),
        layers=layers,
        left=tuple((one.name, one.module, one.amounts) for one in left),
        clock=_clock(whole),
        power_w=_first(whole, lambda report: report.power_w),
        notes=(*_notes(ranked), *_disagreements(whole), *_other_clock(stage, whole, design)),
    )


def _rank(report: ToolReport) -> int:
    return _RANK.index(report.format) if report.format in _RANK else len(_RANK)


def _first(
    reports: Sequence[NamedReport], ask: Callable[[ToolReport], float | None]
) -> float | None:
    return next((x for one in reports if (x := ask(one.report)) is not None), None)


def _clock(reports: Sequence[NamedReport]) -> Clocking | None:
    """The clock; slacks of a timing summary say more than the period of another report."""
    found = [one.report.clock for one in reports if one.report.clock is not None]
    slacks = [one for one in found if one.worst_setup_ns is not None]
    return next(iter((*slacks, *found)), None)


def _quantity(report: ToolReport, name: str) -> float | None:
    if name == "latency":
        return report.latency
    return report.interval if name == "interval" else report.amounts.get(name)


def _whole(
    stage: ReportStage, reports: Sequence[NamedReport], estimates: Estimates
) -> Iterator[MeasuredAmount]:
    for name in (*RESOURCE_FIELDS, "latency", "interval"):
        for one in reports:
            if (found := _quantity(one.report, name)) is not None:
                amount = MeasuredAmount.at(stage, name, found, estimates.get(name))
                yield replace(amount, judged=amount.judged and not one.report.encloses)
                break


def _layers(
    stage: ReportStage, groups: Sequence[Matched], layers: Mapping[str, Estimates]
) -> Iterator[MeasuredLayer]:
    for layer, estimates in layers.items():
        instances = next((m.layers[layer] for m in groups if layer in m.layers), [])
        if instances:
            amounts = tuple(
                MeasuredAmount.at(stage, name, found, estimates.get(name))
                for name, found in _together(instances)
            )
            yield MeasuredLayer(layer, amounts, tuple(one.name for one in instances))


def _together(instances: Sequence[ReportedInstance]) -> Iterator[tuple[str, float]]:
    """What instances take together; of several, no report says how long they take together."""
    for name in RESOURCE_FIELDS:
        found = [one.amounts[name] for one in instances if name in one.amounts]
        if len(found) == len(instances):
            yield name, sum(found)
    if len(instances) == 1 and instances[0].latency is not None:
        yield "latency", instances[0].latency
    intervals = [one.interval for one in instances if one.interval is not None]
    if len(intervals) == len(instances):
        yield "interval", max(intervals)


def _notes(reports: Sequence[NamedReport]) -> Iterator[str]:
    for one in reports:
        yield from (f"{one.file}: {note}" for note in one.report.notes)


def _disagreements(reports: Sequence[NamedReport]) -> Iterator[str]:
    """Where two reports of a stage state a quantity otherwise."""
    for name in (*RESOURCE_FIELDS, "latency", "interval"):
        stated = [(one.file, found) for one in reports
                  if (found := _quantity(one.report, name)) is not None]  # fmt: skip
        for file, found in stated[1:]:
            first_file, first = stated[0]
            if abs(found - first) > _SAME * max(found, first):
                yield (
                    f"{first_file} states {first:,g} for {name} and {file} {found:,g}: the first "
                    "counts. Are they of one run?"
                )


def _other_clock(
    stage: ReportStage, reports: Sequence[NamedReport], design: EstimatedDesign
) -> Iterator[str]:
    clock = _clock(reports)
    if clock is None or clock.target_ns is None or stage == "tool_estimate":
        return
    if abs(clock.target_ns - design.clock_ns) > _SAME * design.clock_ns:
        yield (
            f"was built for a clock of {clock.target_ns:g} ns, and the design was estimated for "
            f"{design.clock_ns:g} ns."
        )
