"""Folds a graph with each engine, chooses one design, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fpgacomp.engines.engine import AnyEngine, Goal, Outlook
from fpgacomp.engines.shared.narrow import narrowed
from fpgacomp.engines.shared.trial import rank
from fpgacomp.engines.shared.way import Way
from fpgacomp.engines.weigh import (
    EngineDesign,
    alike,
    beats,
    is_as_fast,
    is_built,
    why_not_the_best,
)
from fpgacomp.errors import FpgacompError, ModelError, raise_all
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Input, Reshape
from fpgacomp.results.certainty import Certainty, certainty_of
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.target import Target

__all__ = ["EngineDesign", "choose", "refusals", "remedies"]


@dataclass(frozen=True)
class _Beside:
    """What became of an engine whose design takes long to find, beside the others.

    Args:
        told: a sentence on it.
        way: what it may change where nothing else fits; "" where nothing is known.
        design: its design, where that was looked for.
    """

    told: str
    way: str = ""
    design: EngineDesign | None = None


def choose(graph: Graph, goal: Goal, engines: Sequence[AnyEngine]) -> EngineDesign:
    """The best design over the engines.

    What the board's tools can build comes before what they cannot, and what fits before what does
    not; then counts what the target asks for. The reasons say what the other engines would have
    given.

    Raises:
        FpgacompError, Problems: no engine can build the graph at all.
    """
    found: list[EngineDesign] = []
    refused: list[tuple[AnyEngine, FpgacompError]] = []
    later: list[tuple[AnyEngine, Outlook]] = []
    raise_all(refusals(graph, engines))
    for engine in engines:
        if refused_by := engine.refusals(graph):
            refused.append((engine, refused_by[0]))
            continue
        try:
            if len(engines) > 1 and (outlook := engine.outlook(graph, goal)) is not None:
                later.append((engine, outlook))
            else:
                found.append(EngineDesign(engine, engine.fold(graph, goal)))
        except FpgacompError as error:
            refused.append((engine, error))
    if not found:
        raise_all([error for _, error in refused[:1]])
    best = min(
        found,
        key=lambda one: (not is_built(one.engine, goal.board), rank(one.folded, goal.target)),
    )
    reasons = list(_against(best, found, refused, engines))
    ways: list[str] = []
    for engine, outlook in later:
        beside = _weighed(engine, outlook, graph, goal, best)
        ways += [beside.way] if beside.way else []
        if beside.design is not None:
            found.append(beside.design)
            if beats(beside.design, best, goal):
                best, reasons = beside.design, []
        reasons.append(beside.told)
    folded = replace(best.folded, reasons=(*reasons, *best.folded.reasons))
    if not folded.verdict.fits:
        missed = (best, *(one for one in found if one is not best))
        helped = remedies(graph, goal, missed, only=len(engines) < 2, others=ways)
        folded = replace(folded, verdict=replace(folded.verdict, remedies=helped))
    return replace(best, folded=folded)


def _weighed(
    engine: AnyEngine, outlook: Outlook, graph: Graph, goal: Goal, best: EngineDesign
) -> _Beside:
    """Find the design of an engine with an outlook, if it may be better than the best so far."""
    name = engine.name
    if why := why_not_the_best(outlook, best, goal):
        return _Beside(f"{name} is passed over: {why}.")
    if outlook.refused:
        return _Beside(f"{name} is passed over: {outlook.refused}.")
    least = f"at least {outlook.least_lut:,.0f} LUT"
    kind = "" if best.folded.verdict.fits else "another engine: "
    if outlook.missing:
        told = f"{name} may suit the target better ({least}) and needs another package: "
        way = f"{kind}{name} may fit, with {least} ({outlook.missing})." if kind else ""
        return _Beside(f"{told}{outlook.missing}.", way)
    if outlook.effort:
        way = f"{kind}{name} may fit, with {least} (--backend {name})." if kind else ""
        told = f"{name} is passed over: {outlook.effort}; --backend {name} asks for it ({least})."
        return _Beside(told, way)
    try:
        design = EngineDesign(engine, engine.fold(graph, goal))
    except FpgacompError as error:
        return _Beside(f"{name} is passed over: {error.why.rstrip('.')}.")
    if beats(design, best, goal):
        return _Beside(_better(design, best, goal), design=design)
    return _Beside(f"{name} would give {_figures(design, best)}.", design=design)


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
    graph: Graph,
    goal: Goal,
    missed: Sequence[EngineDesign],
    *,
    only: bool,
    others: Sequence[str] = (),
) -> tuple[str, ...]:
    """What to do about a design that does not fit, each way held against the verdict it leads to.

    Args:
        missed: what the engines found; the first one that knows a way out is asked.
        only: whether one engine was asked for, which is then not named again.
        others: ways that were not held against a verdict, as sentences.

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
            return (*found.values(), *others)
    if others:
        return tuple(others)
    other = ", or try --backend auto" if only else ""
    return (f"nothing that was tried helps: use a smaller network{other}.",)


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
    refused: Sequence[tuple[AnyEngine, FpgacompError]],
    engines: Sequence[AnyEngine],
) -> tuple[str, ...]:
    """Why this engine: one sentence with the next best one's figures; none where one was asked.

    Another one for each engine that cannot build the graph at all, where that is not the reason.
    """
    if len(engines) < 2:
        return ()
    chosen = best.engine.name
    others = [candidate for candidate in found if candidate is not best]
    if not others:
        why = refused[0][1].why.rstrip(".") if refused else "it has no design"
        first = f"{chosen}: the other engine cannot build it ({why})."
        return (first, *map(_refused, refused[1:]))
    cannot = tuple(map(_refused, refused))
    other = min(others, key=lambda candidate: rank(candidate.folded, Target()))
    board = other.folded.design.board
    if not is_built(other.engine, board) and is_built(best.engine, board):
        why = f"{chosen}: no tool for {board.title} builds the C++ of {other.engine.name}."
        return (why, *cannot)
    figures = _figures(other, best)
    return (f"{chosen} suits the target better: {other.engine.name} would give {figures}.", *cannot)


def _refused(one: tuple[AnyEngine, FpgacompError]) -> str:
    return f"{one[0].name} is passed over: {one[1].why.rstrip('.')}."


def _figures(other: EngineDesign, best: EngineDesign) -> str:
    """What an engine would give, and without its ports where those of the best have none."""
    verdict, board = other.folded.verdict, other.folded.design.board
    misses = ", which does not fit" if verdict.limiting_resource else ", which misses the bound"
    fits = "" if verdict.fits else misses
    if verdict.fits and certainty_of(other.folded.estimate, board.budget) == "doubtful":
        fits = ", and may not fit"
    without = ""
    if verdict.fits and (own := alike(other.folded, best.folded)[0]) is not other.folded.estimate:
        without = f"; without its ports, as {best.engine.name} is counted, {_told(own)}"
    return f"{_told(other.folded.estimate)}{fits}{without}"


def _better(one: EngineDesign, other: EngineDesign, goal: Goal) -> str:
    """Why a design that took long to find is better than the best of the others."""
    own = alike(one.folded, other.folded)[0]
    name, rival = one.engine.name, other.engine.name
    equal = (
        f"; which is faster cannot be told ({_cycles(other.folded.estimate)} cycles, {name} "
        f"{_cycles(own)}), so that the smaller one is chosen"
        if is_as_fast(one, other, goal) else ""
    )  # fmt: skip
    without = "" if own is one.folded.estimate else (
        f" Without its ports, as {rival} is counted, {name} gives {_told(own)}."
    )  # fmt: skip
    return (
        f"{name} suits the target better: {rival} would give {_figures(other, one)}{equal}."
        f"{without}"
    )


def _cycles(figures: Estimate) -> str:
    """The range of the latency."""
    low, high = figures.latency_cycles.low, figures.latency_cycles.high
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def _told(figures: Estimate) -> str:
    dsp = f" and {figures.dsp.value:,.0f} DSP" if round(figures.dsp.value) else ""
    return (
        f"{figures.latency_us:.4g} us and {figures.frames_per_second:,.0f} frames per second for "
        f"{figures.lut.value:,.0f} LUT{dsp}"
    )
