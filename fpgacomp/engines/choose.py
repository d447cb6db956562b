"""Folds a graph with each engine, chooses one design, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fpgacomp.devices.board import Board
from fpgacomp.engines.engine import AnyEngine, Design, Goal
from fpgacomp.engines.shared.narrow import narrowed
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import rank
from fpgacomp.engines.shared.way import Way
from fpgacomp.errors import FpgacompError, ModelError, raise_all
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Input, Reshape
from fpgacomp.results.certainty import Certainty, certainty_of
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

    What the board's tools can build comes before what they cannot, and what fits before what does
    not; then counts what the target asks for. The reasons say what the other engines would have
    given.

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
    best = min(
        found,
        key=lambda one: (not _is_built(one.engine, goal.board), rank(one.folded, goal.target)),
    )
    reasons = (*_against(best, found, refused, engines), *best.folded.reasons)
    folded = replace(best.folded, reasons=reasons)
    if not folded.verdict.fits:
        missed = (best, *(one for one in found if one is not best))
        ways = remedies(graph, goal, missed, only=len(engines) < 2)
        folded = replace(folded, verdict=replace(folded.verdict, remedies=ways))
    return replace(best, folded=folded)


def _is_built(engine: AnyEngine, board: Board) -> bool:
    """Whether the board's tools make a bitstream of the engine's files: open ones read no C++."""
    return board.device.toolchain != "open" or "rtl" in engine.levels


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


def remedies(
    graph: Graph, goal: Goal, missed: Sequence[EngineDesign], *, only: bool
) -> tuple[str, ...]:
    """What to do about a design that does not fit, each way held against the verdict it leads to.

    Args:
        missed: what the engines found; the first one that knows a way out is asked.
        only: whether one engine was asked for, which is then not named again.

    Returns:
        Sentences, the cheapest way first. "fits" is said where the estimate's upper ends fit too.
    """
    for one in missed:
        found: dict[str, str] = {}
        for way in one.folded.ways():
            if way.kind not in found and (certainty := _reached(way, graph, goal, one.engine)):
                backend = "" if only else f" --backend {one.engine.name}"
                found[way.kind] = _sentence(way, certainty, goal, backend)
        if found:
            return tuple(found.values())
    other = ", or --backend auto" if only else ""
    return (f"nothing tried helps: a smaller network{other}.",)


def _reached(way: Way, graph: Graph, goal: Goal, engine: AnyEngine) -> Certainty | None:
    """How sure the fit is to which a way leads; None where it leads to none or a doubtful one."""
    changed = replace(
        goal, board=way.board, clock_mhz=way.clock_mhz, target=way.target, other_boards=()
    )
    try:
        folded = engine.fold(graph if way.bits is None else narrowed(graph, way.bits), changed)
    except FpgacompError:  # what was tried may be beyond the engine at another width
        return None
    certainty = certainty_of(folded.estimate, way.board.budget)
    return certainty if folded.verdict.fits and certainty != "doubtful" else None


def _sentence(way: Way, certainty: Certainty, goal: Goal, backend: str) -> str:
    fits = "fit" if way.plural else "fits"
    sure = fits if certainty == "certain" else f"probably {fits}"
    if way.bits is not None and not goal.bits_are_options:
        # The options name what a quantized network no longer has.
        how = f"quantize or train the network again with {way.options}"
        return f"{way.kind}: {way.what} {sure} ({how})."
    return f"{way.kind}: {way.what} {sure} ({way.options}{backend})."


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
    board = other.folded.design.board
    if not _is_built(other.engine, board) and _is_built(best.engine, board):
        return (f"{chosen}: no tool for {board.title} builds the C++ of {other.engine.name}.",)
    verdict = other.folded.verdict
    misses = ", which does not fit" if verdict.limiting_resource else ", which misses the bound"
    fits = "" if verdict.fits else misses
    if verdict.fits and certainty_of(other.folded.estimate, board.budget) == "doubtful":
        fits = ", and may not fit"
    figures = other.folded.estimate
    return (
        f"{chosen} suits the target better: {other.engine.name} would give "
        f"{figures.latency_us:.4g} us and {figures.frames_per_second:,.0f} frames per second for "
        f"{figures.lut.value:,.0f} LUT{fits}.",
    )
