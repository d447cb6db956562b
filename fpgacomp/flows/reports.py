"""Puts the report of a run together from what its stages found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import fpgacomp
from fpgacomp.engines import registry
from fpgacomp.engines.choose import EngineDesign
from fpgacomp.evidence.vectors import unreached
from fpgacomp.flows.options import Options
from fpgacomp.flows.samples import NetworkSamples, scores
from fpgacomp.flows.stages import Stages
from fpgacomp.frontend import facts, output_forms
from fpgacomp.ir.types import IntArray, NamedArrays
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered
from fpgacomp.report import assemble
from fpgacomp.results.area import MeasuredArea
from fpgacomp.results.report import Exactness, PeerEvidence, Report


@dataclass(frozen=True)
class Evidence:
    """What was run.

    Args:
        samples: the inputs in the network's own units, and their labels.
        values: tensor name -> the oracle's integers [n, *shape] of the frames that are kept.
        reached: tensor name -> (lowest, highest integer that any vector gave).
        answers: the network's outputs by name, in its own units.
        computed: tensor name -> what C-simulation computed for frames around the first mismatch,
            of the tensors that differ.
        computed_start: number of the first of these frames.
    """

    samples: NetworkSamples
    values: Mapping[str, IntArray]
    reached: Mapping[str, tuple[int, int]]
    answers: NamedArrays
    computed: Mapping[str, IntArray]
    computed_start: int = 0


def report_of(
    network: Network,
    lowered: Lowered,
    chosen: EngineDesign,
    exactness: Exactness,
    options: Options,
    stages: Stages,
    evidence: Evidence | None = None,
    area: MeasuredArea | None = None,
) -> Report:
    """The report; without evidence it says what is estimated and nothing of exactness."""
    design, folded = chosen.folded.design, chosen.folded
    # What the design cannot be used for stands before what is only worth knowing.
    warnings = (*chosen.engine.remarks(design), *network.warnings, *_missing_companions(chosen))
    warnings += assemble.missed_bounds(
        options.target, exactness.measured.values(), folded.estimate.clock_mhz
    )
    asked = options.summary()
    if evidence is not None:
        warnings += assemble.unreached_warning(unreached(design.graph, evidence.reached))
        warnings += evidence.samples.notes
        asked["inputs"] = evidence.samples.source or asked["inputs"]
    scored = None
    if evidence is not None:
        forms = output_forms(network)
        scored = scores(evidence.answers, evidence.samples, forms, options.task)
    return Report(
        fpgacomp=fpgacomp.__version__,
        model=facts(network),
        board=design.board,
        backend=chosen.engine.name,
        target=options.target,
        verdict=folded.verdict,
        exactness=_with_every_companion(exactness),
        estimate=folded.estimate,
        layers=assemble.layer_reports(
            design.graph,
            design.folding,
            folded.estimate,
            exactness,
            fifos=chosen.engine.fifos(design),
            values=evidence.values if evidence else {},
        ),
        options={**asked, **chosen.engine.choices(design)},
        software_before=lowered.software_before,
        software_after=lowered.software_after,
        accuracy=scored.accuracy if scored else None,
        confusion=scored.confusion if scored else None,
        task=scored.task if scored else {},
        area=area,
        predictions=chosen.engine.predictions(design),
        timings_s=dict(stages.seconds),
        warnings=warnings,
        reasons=folded.reasons,
    )


def _missing_companions(chosen: EngineDesign) -> tuple[str, ...]:
    """One sentence for each companion that is not installed, with what it would add."""
    return tuple(
        f"{companion.title}'s own files and execution are left out; they need: {command}"
        for companion in registry.companions_of(chosen.engine)
        if (command := companion.install()) is not None
    )


def _with_every_companion(exactness: Exactness) -> Exactness:
    """The same, with a companion that did not run as one that compared nothing."""
    ran = {peer.name for peer in exactness.peers}
    others = (
        PeerEvidence(name=companion.name, title=companion.title)
        for companion in registry.COMPANIONS
        if companion.name not in ran
    )
    return replace(exactness, peers=(*exactness.peers, *others))
