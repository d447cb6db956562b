"""Folds a graph with each engine, chooses one design, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fpgacomp.engines.engine import AnyEngine, Design, Goal
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import rank
from fpgacomp.errors import FpgacompError, ModelError, raise_all
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Input, Reshape
from fpgacomp.results.target import Target


@dataclass(frozen=True)
class EngineDesign:
    """One engine's best design.

    Args:
        engine: who made it and will emit it.
        folded: the design with its estimate and verdict.
    """

    engine: AnyEngine
    folded: FoldingResult[Design]


def choose(graph: Graph, goal: Goal, engines: Sequence[AnyEngine]) -> EngineDesign:
    """The best design over the engines.

    What fits comes before what does not, then counts what the target asks for; the
    reasons say what the other engines would have given.

    Raises:
        FpgacompError, Problems: no engine can build the graph at all.
    """
    found: list[EngineDesign] = []
    refused: list[FpgacompError] = []
    raise_all(refusals(graph, engines))
    for engine in engines:
        if refused_by := engine.refusals(graph):
            refused.append(refused_by[0])
            continue
        try:
            found.append(EngineDesign(engine, engine.fold(graph, goal)))
        except FpgacompError as error:
            refused.append(error)
    if not found:
        raise_all(refused[:1])
    best = min(found, key=lambda candidate: rank(candidate.folded, goal.target))
    reasons = (*_against(best, found, refused, engines), *best.folded.reasons)
    return replace(best, folded=replace(best.folded, reasons=reasons))


def refusals(graph: Graph, engines: Sequence[AnyEngine]) -> tuple[FpgacompError, ...]:
    """Return what keeps every one of the engines from building the graph on any board.

    Returns:
        The first engine's reasons; () where an engine can build it.
    """
    if all(isinstance(layer, Input | Reshape) for layer in graph.layers):
        why = "no part of it needs hardware: its outputs are its quantized inputs."
        return (ModelError(graph.name, why, "compile a network with a layer that computes."),)
    found = [engine.refusals(graph) for engine in engines]
    return () if any(not reasons for reasons in found) else found[0]


def _against(
    best: EngineDesign,
    found: Sequence[EngineDesign],
    refused: Sequence[FpgacompError],
    engines: Sequence[AnyEngine],
) -> tuple[str, ...]:
    """Why this engine: one sentence with the next best one's figures; none where one was asked."""
    if len(engines) < 2:
        return ()
    chosen = best.engine.name
    others = [candidate for candidate in found if candidate is not best]
    if not others:
        why = refused[0].why.rstrip(".") if refused else "it has no design"
        return (f"{chosen}: the other engine cannot build it ({why}).",)
    other = min(others, key=lambda candidate: rank(candidate.folded, Target()))
    verdict = other.folded.verdict
    misses = ", which does not fit" if verdict.limiting_resource else ", which misses the bound"
    fits = "" if verdict.fits else misses
    figures = other.folded.estimate
    return (
        f"{chosen} suits the target better: {other.engine.name} would give "
        f"{figures.latency_us:.4g} us and {figures.frames_per_second:,.0f} frames per second for "
        f"{figures.lut.value:,.0f} LUT{fits}.",
    )
