"""What an emitted design is checked with: its C-simulation, and its engine's companions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fpgacomp.engines import registry
from fpgacomp.engines.choose import Candidate
from fpgacomp.engines.engine import AnyEngine, Emitted
from fpgacomp.evidence.compare import compare
from fpgacomp.flows.stages import Stages
from fpgacomp.host.toolchain import Compiler
from fpgacomp.ir.types import IntArray
from fpgacomp.results.agreement import Agreement
from fpgacomp.results.project import Project
from fpgacomp.results.report import PeerEvidence


@dataclass(frozen=True)
class CheckedRun:
    """A simulation held against the oracle.

    Args:
        agreement: how many integers differ, and the first that does.
        values: tensor name -> the integers that were computed, of the tensors that differ.
    """

    agreement: Agreement
    values: Mapping[str, IntArray]


def csim(
    engine: AnyEngine,
    emitted: Emitted,
    values: Mapping[str, IntArray],
    compiler: Compiler | None,
    stages: Stages,
) -> CheckedRun | None:
    """Run the emitted C++ on the oracle's inputs and compare every integer of every layer.

    Returns:
        None without a compiler: the user asked for no C-simulation.

    Raises:
        ToolError: the compiler failed, or the program did.
    """
    if compiler is None:
        return None
    inputs = {layer.output.name: values[layer.output.name] for layer in emitted.graph.inputs}
    with stages.step("csim") as progress, TemporaryDirectory() as scratch:
        run = engine.simulate(
            emitted, inputs, "c", compiler=compiler, workdir=Path(scratch),
            progress=share_of(progress),
        )  # fmt: skip
        agreement = compare(values, run.values, emitted.graph)
    stages.watch.note("csim compile", run.compile_s)
    stages.watch.note("csim run", run.run_s)
    wrong = {name: run.values[name] for name in agreement.by_tensor}
    return CheckedRun(agreement, wrong)


def share_of(progress: Callable[[float], None]) -> Callable[[str, int, int], None]:
    """An engine's progress (what, done, total) as the share that is done."""
    return lambda _, done, total: progress(done / max(total, 1))


@dataclass(frozen=True)
class CompanionFindings:
    """What the companions of a design's engine gave.

    Args:
        evidence: one per companion that is known, whether it ran or not.
        projects: their files.
        notes: what could not be had, one sentence each.
    """

    evidence: tuple[PeerEvidence, ...] = ()
    projects: tuple[Project, ...] = ()
    notes: tuple[str, ...] = ()


def companions(
    chosen: Candidate,
    request: registry.Request,
    values: Mapping[str, IntArray],
    stages: Stages,
) -> CompanionFindings:
    """Let each installed companion of the engine write its files and execute the design.

    Raises:
        UnsupportedLayer, Problems: the companion that was asked for cannot express a layer.
    """
    evidence: list[PeerEvidence] = []
    projects: list[Project] = []
    notes: list[str] = []
    for companion in registry.companions_of(chosen.engine):
        if companion.install() is not None:
            continue
        with stages.step(companion.name):
            found = companion.corroborate(
                chosen.folded.design, values, required=request.companion is companion
            )
        stages.keep(companion.name, lambda found=found: found.project.files)  # type: ignore[misc]
        projects.append(found.project)
        notes += found.notes
        evidence.append(
            PeerEvidence(
                name=companion.name, title=companion.title, vectors=found.frames,
                mismatches=found.mismatches, files=len(found.project.files), notes=found.notes,
            )
        )  # fmt: skip
    return CompanionFindings(tuple(evidence), tuple(projects), tuple(notes))
