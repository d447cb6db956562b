"""What an emitted design is checked with: its C-simulation, and its engine's companions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fpgacomp.engines import registry
from fpgacomp.engines.choose import EngineDesign
from fpgacomp.engines.engine import OUTPUTS_ONLY, AnyEngine, Emitted, Level
from fpgacomp.engines.shared.csim import CsimResult
from fpgacomp.evidence.compare import compare
from fpgacomp.flows.batches import Batch
from fpgacomp.flows.stages import Stages
from fpgacomp.host.scratch import scratch_folder
from fpgacomp.host.toolchain import Compiler
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray
from fpgacomp.results.agreement import Agreement
from fpgacomp.results.measured import Measured
from fpgacomp.results.project import Project
from fpgacomp.results.report import LevelEvidence, PeerEvidence

# What reports and progress call the simulation of each level.
STAGES: Mapping[Level, str] = {"c": "csim", "hls": "hls", "rtl": "rtl", "gate": "gate"}
# Frames on which a full check runs what is slower than C-simulation, and the seconds of processor
# time that each such run may be predicted to take.
FURTHER_FRAMES = 4
FURTHER_CPU_S = 60.0
# So much time more for further ones where cycles are measured: a short design holds several frames
# at once, and comes to its steady interval only after them; and what costs next to nothing beside
# the building of its simulation is checked on all frames that there are.
MORE_CPU_S = 1.0
# Frames that are kept of a simulation with mismatches: enough to see a pattern.
WRONG_FRAMES = 16


@dataclass
class SimulationCheck:
    """A simulation held against the oracle, batch by batch.

    Args:
        agreement: how many integers differ, and the first that does; None before any batch.
        wrong: tensor name -> the integers computed for frames around the first mismatch, of the
            tensors that differ in its batch.
        wrong_start: number of the first of these frames.
        compile_s: seconds that compiling took; run_s: that running took.
        measured: cycles and FIFOs of the first batch, where hardware was simulated.
    """

    agreement: Agreement | None = None
    wrong: Mapping[str, IntArray] = field(default_factory=dict)
    wrong_start: int = 0
    compile_s: float = 0.0
    run_s: float = 0.0
    measured: Measured | None = None

    def add(self, batch: Batch, run: CsimResult, graph: Graph, level: Level = "c") -> None:
        """Compare every integer of every layer of a batch, or of what the level computes."""
        found = compare(batch.values, run.values, graph, outputs_only=level in OUTPUTS_ONLY)
        if found.first is not None and not self.wrong:
            frames = max(found.first.sample + 1, WRONG_FRAMES)
            self.wrong = {name: run.values[name][:frames] for name in found.by_tensor}
            self.wrong_start = batch.start
        self.agreement = self.agreement.joined(found) if self.agreement else found
        self.compile_s += run.compile_s
        self.run_s += run.run_s
        # The first batch is the one with an empty design before it, and as long as any.
        self.measured = self.measured or run.measured


def simulated(
    engine: AnyEngine,
    emitted: Emitted | None,
    batches: Iterable[Batch],
    compiler: Compiler | None,
    check: SimulationCheck,
    stages: Stages,
    level: Level = "c",
    trace: Path | None = None,
) -> Iterator[Batch]:
    """Run the emitted code on each batch of the oracle and compare; yields the batches.

    Args:
        emitted, compiler: without one of them nothing is run, and the batches are yielded as
            they are.
        check: takes in what is found.
        level: what of the project is run: its C++, its RTL or the netlist of that.
        trace: file for the waveforms of the RTL on the first batch, or None.

    Raises:
        ToolError: the compiler failed, or the program did.
    """
    if compiler is None or emitted is None:
        yield from batches
        return
    waiting: deque[Batch] = deque()
    graph, name = emitted.graph, STAGES[level]

    def inputs() -> Iterator[Mapping[str, IntArray]]:
        for batch in batches:
            waiting.append(batch)
            yield batch.inputs(graph)

    with scratch_folder() as scratch:
        runs = engine.simulate(
            emitted, inputs(), level, compiler=compiler, workdir=scratch,
            progress=share_of(lambda share: stages.watch.observer(name, share)), trace=trace,
        )  # fmt: skip
        while True:
            with stages.step(name):
                run = next(runs, None)
            if run is None:
                break
            batch = waiting.popleft()
            check.add(batch, run, graph, level)
            yield batch
    # The step's time is that of the oracle's batches, too.
    stages.watch.note(name, check.compile_s + check.run_s)
    stages.watch.note(f"{name} compile", check.compile_s)
    stages.watch.note(f"{name} run", check.run_s)


@dataclass(frozen=True)
class FurtherFindings:
    """What the simulations beyond C-simulation found.

    Args:
        evidence: one for each that the engine knows, whether it ran or not.
        failed: the check of the first that found a mismatch; None where none did.
    """

    evidence: tuple[LevelEvidence, ...] = ()
    failed: SimulationCheck | None = None


def further(
    chosen: EngineDesign,
    emitted: Emitted,
    values: Mapping[str, IntArray],
    compiler: Compiler | None,
    command: Callable[[Level], str],
    stages: Stages,
) -> FurtherFindings:
    """Run a few frames through everything else that can be run of a project.

    Args:
        values: tensor name -> the oracle's integers of at least these frames.
        compiler: None where nothing is to be run.
        command: level -> the command that runs it later.

    Raises:
        ToolError: a simulator failed, or the design got stuck.
    """
    if compiler is None:
        return FurtherFindings()
    count = len(next(iter(values.values())))
    evidence: list[LevelEvidence] = []
    failed: SimulationCheck | None = None
    for kind in chosen.engine.further(chosen.folded.design, min(count, FURTHER_FRAMES)):
        found = LevelEvidence(level=kind.level, title=kind.title)
        if kind.missing:
            note = f"{kind.title} did not run; it needs: {kind.missing}"
            evidence.append(replace(found, note=note))
        elif kind.cpu_s > FURTHER_CPU_S:
            note = (
                f"{kind.title} did not run: it would take about {kind.cpu_s:.0f} s of processor "
                f"time; run it with: {command(kind.level)}"
            )
            evidence.append(replace(found, note=note))
        else:
            check = SimulationCheck()
            more = int(MORE_CPU_S / kind.frame_s) if kind.level == "rtl" else 0
            batch = Batch(0, {n: array[: FURTHER_FRAMES + more] for n, array in values.items()})
            runs = simulated(chosen.engine, emitted, [batch], compiler, check, stages, kind.level)
            deque(runs, maxlen=0)
            evidence.append(replace(found, agreement=check.agreement, measured=check.measured))
            if failed is None and check.wrong:
                failed = check
    return FurtherFindings(tuple(evidence), failed)


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
    chosen: EngineDesign,
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
