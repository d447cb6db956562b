"""`fpgacomp calibrate`: estimates corrected for the tools that somebody uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fpgacomp.engines.shared.terms import RESOURCES
from fpgacomp.engines.shared.tool_calibration import (
    FORM,
    LEAST_BUILDS,
    MeasuredDesign,
    MeasuredUnit,
    ToolCalibration,
    corrections,
)
from fpgacomp.errors import InputDataError, UsageError
from fpgacomp.flows import measured_folder
from fpgacomp.flows.build_facts import BuildFacts, build_facts
from fpgacomp.flows.files import Content, FileUse, Place, check_files, reads
from fpgacomp.flows.options import checked_path
from fpgacomp.results.estimate import Stage
from fpgacomp.results.side_by_side import MeasuredAmount, MeasuredStage
from fpgacomp.results.tool_report import STAGES

# The stages whose resources the estimate predicts, the one that decides first.
_LATE: tuple[Stage, ...] = ("implementation", "logic_synth")


@dataclass(frozen=True)
class Calibrated:
    """A calibration, and what became of each build.

    Args:
        file: where it was written; None where it was not.
        notes: builds that count once or not at all, one sentence each.
    """

    calibration: ToolCalibration
    file: Path | None
    notes: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **asdict(self.calibration),
            "file": None if self.file is None else str(self.file),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class _Measurement:
    """A build and the late stage of it that was imported."""

    facts: BuildFacts
    stages: Mapping[Stage, MeasuredStage]


def calibrate(
    builds: Sequence[str | Path], out: str | Path | None = None, *, stage: Stage | None = None
) -> Calibrated:
    """Correct the estimator for a tool's release, from builds with imported reports.

    Every build must be of one engine and measured by one release of one tool. A factor is taken
    where it brings builds nearer that its fit had not seen.

    Args:
        builds: build directories into which `import_report` put reports.
        out: JSON file to write; None writes none.
        stage: logic_synth or implementation; None takes the later one that all builds have.

    Raises:
        UsageError: a folder is no build, or has no report of a late stage.
        InputDataError: too few builds, or builds of several engines or tools.
    """
    file = None if out is None else checked_path("out", out)
    folders = [checked_path("build", build) for build in builds]
    if file is not None:
        target = Place("--out", file, FileUse.WRITE, Content.CALIBRATION)
        check_files((*(place for one in folders for place in reads("DIR", one)), target))
    found = [_measurement(folder) for folder in folders]
    if not found:
        raise UsageError("DIR", "is missing: there is nothing to calibrate from.", "name builds.")
    at = _common_stage(found, stage)
    distinct, notes = _distinct(found, at)
    _require_enough(distinct, len(found))
    tool, version = _one("tool", {" ".join(t).strip(): t for x in distinct
                                  for t in x.stages[at].tools}, distinct)  # fmt: skip
    engine = _one("engine", {x.facts.engine: x.facts.engine for x in distinct}, distinct)
    chain = _one("toolchain", {x.facts.toolchain: x.facts.toolchain for x in distinct}, distinct)
    result = ToolCalibration(
        fpgacomp_tool_calibration=FORM, tool=tool, version=version, stage=at, engine=engine,
        toolchain=chain, parts=tuple(sorted({x.facts.part for x in distinct})),
        sources=tuple(x.facts.digest for x in distinct),
        corrections=corrections([_design(x.facts, x.stages[at]) for x in distinct]),
    )  # fmt: skip
    if "lut" not in result.corrections:
        why = f"state LUTs in fewer than {LEAST_BUILDS} builds."
        raise InputDataError("the reports", why, "import reports of utilization.")
    if file is not None:
        file.write_text(result.to_json(), encoding="utf-8")
    return Calibrated(result, file, notes)


def _measurement(folder: Path) -> _Measurement:
    facts = build_facts(folder)
    if facts.calibrated:
        why = f"was estimated with a calibration already ({facts.calibrated})."
        raise InputDataError(str(folder), why, "compile it again without --tool-calibration.")
    reports = measured_folder.imported(facts)
    stages = measured_folder.measured(facts, reports).stages if reports else ()
    late = {x.stage: x for x in stages if x.stage in _LATE and _measured(x.whole)}
    if not late:
        why = "has no imported report of the resources of the whole design after synthesis."
        report = "UTILIZATION.rpt"
        if facts.toolchain == "open":
            report = f"{folder}/rtl/yosys/stat.txt, which rtl/yosys/synth.ys writes"
        fix = f"run: fpgacomp import-report {folder} {report}"
        raise UsageError(str(folder), why, fix)
    return _Measurement(facts, late)


def _common_stage(found: Sequence[_Measurement], wanted: Stage | None) -> Stage:
    for stage in (wanted,) if wanted else _LATE:
        if stage is not None and all(stage in one.stages for one in found):
            return stage
    name = STAGES[wanted or "logic_synth"]
    lacking = next(x for x in found if (wanted or "logic_synth") not in x.stages)
    why = f"has no imported report of {name}, which other builds have."
    raise InputDataError(str(lacking.facts.folder), why, "import reports of one stage.")


def _distinct(
    found: Sequence[_Measurement], stage: Stage
) -> tuple[list[_Measurement], tuple[str, ...]]:
    """Each design once: a build that is given twice, or a copy of it, is one measurement."""
    kept: dict[tuple[object, ...], _Measurement] = {}
    notes = []
    for one in found:
        whole = one.stages[stage].whole
        key = tuple((x.quantity, x.measured, x.estimated and x.estimated.value) for x in whole)
        if key in kept:
            notes.append(f"{one.facts.folder} counts once with {kept[key].facts.folder}.")
        else:
            kept[key] = one
    return list(kept.values()), tuple(notes)


def _require_enough(distinct: Sequence[_Measurement], given: int) -> None:
    if len(distinct) >= LEAST_BUILDS:
        return
    same = f" ({given} were given)" if given > len(distinct) else ""
    designs = "1 measured design" if len(distinct) == 1 else f"{len(distinct)} measured designs"
    why = (
        f"hold {designs}{same}; it takes {LEAST_BUILDS} different ones, as each is predicted by a "
        "fit to the others."
    )
    fix = "compile, build and import further networks, or the same one with another --fps."
    raise InputDataError("the builds", why, fix)


def _one(what: str, values: Mapping[str, Any], found: Sequence[_Measurement]) -> Any:
    if len(values) == 1:
        return next(iter(values.values()))
    fix = "calibrate for each by itself."
    folders = ", ".join(str(one.facts.folder) for one in found[:4])
    raise InputDataError(folders, f"are of several {what}s ({', '.join(sorted(values))}).", fix)


def _design(facts: BuildFacts, stage: MeasuredStage) -> MeasuredDesign:
    kinds: dict[str, dict[str, float]] = {}
    known = {layer.name: layer for layer in facts.layers}
    for layer in facts.layers:
        of = kinds.setdefault(layer.kind, {})
        for resource in RESOURCES:
            of[resource] = of.get(resource, 0.0) + layer.figures[resource].value
    layers = tuple(
        MeasuredUnit(
            known[one.name].kind,
            {r: known[one.name].figures[r].value for r in RESOURCES},
            _measured(one.amounts),
        )
        for one in stage.layers
    )
    estimated = {r: facts.figures[r].value for r in RESOURCES}
    return MeasuredDesign(facts.digest, estimated, _measured(stage.whole), kinds, layers)


def _measured(amounts: Sequence[MeasuredAmount]) -> dict[str, float]:
    """The resources among them that are the design's own, as the estimate is."""
    return {one.quantity: one.measured for one in amounts
            if one.judged and one.quantity in RESOURCES}  # fmt: skip
