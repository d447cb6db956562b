"""The code generators side by side: fold for each, choose one, emit and simulate it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, assert_never

from fpgacomp.devices.board import Board
from fpgacomp.engines import finn
from fpgacomp.engines.hls4ml import csim
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, IoType
from fpgacomp.engines.hls4ml.emit import project as hls4ml
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.hls4ml.fold.design import fold_hls4ml
from fpgacomp.engines.shared.csim import CsimResult
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.stream import csim as stream_csim
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.fold.design import fold_stream
from fpgacomp.errors import FpgacompError, Problems, ToolError, UnsupportedLayer, raise_all
from fpgacomp.host.toolchain import Compiler
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray
from fpgacomp.passes import variants
from fpgacomp.results.project import Project
from fpgacomp.results.target import Target

FINN_INSTALL = finn.INSTALL
Backend = Literal["hls4ml", "finn"]
Design = Hls4mlDesign | StreamDesign
Folded = FoldingResult[Hls4mlDesign] | FoldingResult[StreamDesign]


def has_finn() -> bool:
    """FINN itself is installed (its files and its execution need it, our C++ does not)."""
    return finn.finn_version() is not None


def require_finn() -> None:
    """Nothing where FINN is installed.

    Raises:
        ToolError: it is missing; one sentence with the command that adds it.
    """
    if not has_finn():
        raise ToolError("--backend finn", "FINN is not installed.", f"run: {FINN_INSTALL}")


def backend_of(design: Design) -> Backend:
    """The name that options and reports use."""
    return "hls4ml" if isinstance(design, Hls4mlDesign) else "finn"


def fold(
    graph: Graph,
    board: Board,
    *,
    clock_mhz: float,
    target: Target,
    backends: Sequence[Backend],
    io_type: IoType | None = None,
    other_boards: Sequence[Board] = (),
) -> Folded:
    """The best folding over the backends (and over what the passes make of the graph).

    What fits comes before what does not, then counts what the target asks for; the
    reasons say what the other backend would have given.

    Raises:
        FpgacompError, Problems: no backend can build the graph at all.
    """
    found: list[Folded] = []
    refused: list[FpgacompError] = []

    def attempt(trial: Callable[[], Folded]) -> None:
        try:
            found.append(trial())
        except FpgacompError as error:
            refused.append(error)

    def with_finn() -> Folded:
        return fold_stream(
            graph, board, clock_mhz=clock_mhz, target=target, estimate=estimate_stream,
            other_boards=other_boards,
        )  # fmt: skip

    def with_hls4ml(variant: Graph) -> Folded:
        return fold_hls4ml(
            variant, board, clock_mhz=clock_mhz, target=target, estimate=estimate_hls4ml,
            io_type=io_type, other_boards=other_boards,
        )  # fmt: skip

    if "finn" in backends:
        attempt(with_finn)
    if "hls4ml" in backends:
        for variant in variants(graph):
            attempt(partial(with_hls4ml, variant))
    if not found:
        raise_all(refused[:1])
    best = min(found, key=lambda result: cost(result, target))
    reasons = (*_against(best, found, refused, backends), *best.reasons)
    return replace(best, reasons=reasons)


def cost(result: Folded, target: Target) -> tuple[float, ...]:
    """Smaller is better: what fits, then what the board holds at least (a miss in time), then
    the least miss, then the target, then the LUTs."""
    figures, budget = result.estimate, result.design.board.budget
    goal = {
        "latency": figures.latency_cycles.value,
        "throughput": figures.interval_cycles.value,
        "area": max(
            figure.value / max(available, 1)
            for figure, available in zip(figures.resources, budget, strict=True)
        ),
    }[target.goal]
    miss = 0.0 if result.verdict.fits else result.verdict.shortfall or 1.0
    too_large = not result.verdict.fits and result.verdict.limiting_resource is not None
    return (not result.verdict.fits, too_large, miss, goal, figures.lut.value)


def _against(
    best: Folded, found: Sequence[Folded], refused: Sequence[FpgacompError],
    backends: Sequence[Backend],
) -> tuple[str, ...]:  # fmt: skip
    """Why this backend: one sentence with the other's figures; none where one was asked for."""
    if len(backends) < 2:
        return ()
    chosen = backend_of(best.design)
    others = [result for result in found if backend_of(result.design) != chosen]
    if not others:
        why = refused[0].why.rstrip(".") if refused else "it has no design"
        return (f"{chosen}: the other backend cannot build it ({why}).",)
    other = min(others, key=lambda result: cost(result, Target()))
    name = backend_of(other.design)
    fits = "" if other.verdict.fits else ", which does not fit"
    figures = other.estimate
    return (
        f"{chosen} suits the target better: {name} would give {figures.latency_us:.4g} us and "
        f"{figures.frames_per_second:,.0f} frames per second for "
        f"{figures.lut.value:,.0f} LUT{fits}.",
    )


def emit(design: Design, vectors: Mapping[str, IntArray]) -> Project:
    """The project of a design, by its backend."""
    match design:
        case Hls4mlDesign():
            return hls4ml.emit(design, vectors)
        case StreamDesign():
            from fpgacomp.engines.stream.emit.project import emit_stream

            return emit_stream(design, vectors)
        case _:
            assert_never(design)


def simulate(
    backend: Backend,
    project: Project,
    graph: Graph,
    compiler: Compiler,
    inputs: Mapping[str, IntArray],
    *,
    workdir: Path,
    progress: Callable[[str, int, int], None] | None = None,
) -> CsimResult:
    """C-simulation of exactly the emitted C++."""
    run = csim.simulate if backend == "hls4ml" else stream_csim.simulate
    return run(project, graph, compiler, inputs, workdir=workdir, progress=progress)


@dataclass(frozen=True)
class FinnEvidence:
    """FINN's own files of a design, and its execution compared with the oracle.

    Args:
        project: its files below `finn/`; empty where FINN cannot express a layer.
        frames: executed by FINN.
        mismatches: integers that differ; None where FINN cannot execute the design.
        notes: what could not be had and why, one sentence each.
    """

    project: Project
    frames: int = 0
    mismatches: int | None = None
    notes: tuple[str, ...] = ()


def finn_evidence(
    design: StreamDesign, values: Mapping[str, IntArray], frames: int, *, must: bool
) -> FinnEvidence:
    """Emit FINN's files and let FINN execute the first frames.

    Raises:
        ToolError: FINN is not installed.
        UnsupportedLayer, Problems: FINN's operators cannot express a layer, where `must`.
    """
    try:
        project = finn.emit_finn(design)
    except (UnsupportedLayer, Problems) as error:
        if must:
            raise
        return FinnEvidence(Project({}), notes=(f"FINN's own files are left out: {error}",))
    inputs = {
        layer.output.name: values[layer.output.name][:frames] for layer in design.graph.inputs
    }
    try:
        executed = finn.execute_finn(finn.build_finn(design), inputs)
    except (UnsupportedLayer, Problems) as error:
        return FinnEvidence(project, notes=(f"FINN did not execute the design: {error}",))
    wrong = sum(int((got != values[name][:frames]).sum()) for name, got in executed.items())
    return FinnEvidence(project, len(next(iter(inputs.values()))), wrong)
