"""Folds a graph for one board as a streaming design: PE, SIMD, memory, arithmetic, FIFOs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from fpgacomp.folding.remedies import remedies
from fpgacomp.folding.result import FoldingResult
from fpgacomp.folding.stream_candidates import Estimator, Option, Prices
from fpgacomp.folding.stream_choose import (
    GAP,
    NOTHING,
    Choice,
    Space,
    choose,
    edges_of,
    least_interval,
)
from fpgacomp.folding.stream_fifos import Fifos, size_fifos
from fpgacomp.folding.trial import Bounds, Trial, budget_of, nearest, pace, uncrowded, used
from fpgacomp.ir.board import RESOURCE_FIELDS, Board
from fpgacomp.ir.dataflow import Source
from fpgacomp.ir.design import StreamDesign, StreamFolding, Target
from fpgacomp.ir.estimate import Estimate
from fpgacomp.ir.expand import expand
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Input, Reshape
from fpgacomp.ir.report import Verdict

StreamResult = FoldingResult[StreamDesign]
# Solve, size the FIFOs, estimate; then once more with what the estimate had beyond the program.
ROUNDS = 3


@dataclass(frozen=True)
class Found:
    """A design within the budget and the bounds, with the run that proves its FIFOs."""

    trial: Trial[StreamDesign]
    fifos: Fifos


def fold_stream(
    graph: Graph,
    board: Board,
    *,
    clock_mhz: float,
    target: Target,
    estimate: Estimator,
    other_boards: Sequence[Board] = (),
) -> StreamResult:
    """The best legal folding for the target, or the nearest miss with the ways out.

    Area is counted in LUT-equivalents: a DSP or block RAM is worth as many LUTs as the board
    has per DSP or block RAM, so that it is the sum of the shares of the board.

    Args:
        graph: verified.
        clock_mhz: the clock the design will run at.
        target: latency: shortest first frame; throughput: smallest interval, at the least
            area; area: least area. Its fps and latency_us are bounds in each case.
        estimate: figures of a design at logic synthesis (`fpgacomp.estimate`).
        other_boards: boards to name as a remedy where this one is too small.

    Returns:
        A legal design with FIFO depths that cannot deadlock. verdict.fits says that it is
        within the board's budget by `value` and keeps the bounds.
    """
    bounds = Bounds.of(target, clock_mhz)
    space = explore(graph, board, clock_mhz, estimate)
    for ground in (uncrowded(board), board):
        found = _search(replace(space, budget=budget_of(ground)), target, bounds, estimate)
        if found is not None:
            return _success(space, found, bounds)
    return _failure(space, target, bounds, estimate, other_boards)


def explore(graph: Graph, board: Board, clock_mhz: float, estimate: Estimator) -> Space:
    """Every layer's options and the converters between them, priced by `estimate`."""
    prices = Prices(board, clock_mhz, estimate)
    options = prices.options(graph.layers)
    edges, lanes = edges_of(graph), _input_lanes(graph, board, clock_mhz)
    prices.converters(
        (edge.tensor, a, b)
        for edge in edges
        for a in _lanes(options.get(edge.writer), lanes.get(edge.writer), 1)
        for b in _lanes(options[edge.reader], None, 0)
    )
    return Space(graph, board, clock_mhz, prices, options, edges, lanes, NOTHING, budget_of(board))


def _lanes(options: Sequence[Option] | None, fixed: int | None, side: int) -> set[int]:
    return {option.lanes[side] for option in options} if options else {fixed or 1}


def _input_lanes(graph: Graph, board: Board, clock_mhz: float) -> dict[str, int]:
    """What `ir.expand` gives the graph's inputs."""
    ones = {
        layer.name: StreamFolding()
        for layer in graph.layers
        if not isinstance(layer, Input | Reshape)
    }
    design = StreamDesign(graph=graph, board=board, clock_mhz=clock_mhz, folding=ones)
    sources = [op for op in expand(design).operators if isinstance(op, Source)]
    return {source.name: source.output.lanes for source in sources}


# ---------------------------------------------------------------- search


def _search(space: Space, target: Target, bounds: Bounds, estimate: Estimator) -> Found | None:
    """The best design within space.budget that keeps the bounds, by the estimate itself."""
    if space.hopeless(space.budget):
        return None
    tight = bounds
    kept: list[Found] = []  # all but the last have FIFOs that cost them some pace
    for _ in range(ROUNDS):
        choice = _solve(space, target, tight)
        if choice is None:
            break
        plain = estimate(space.design(choice.folding))
        choice, plain = _relaxed(space, choice, plain, target, estimate)
        wanted, over = plain, _overrun(plain, None, bounds)
        if _within(space, plain):
            tried = _with_fifos(space, choice, plain, target, bounds, estimate)
            first = next(tried)
            if _holds(space, first, bounds):
                kept.append(first)
                break
            wanted, over = first.trial.estimate, _overrun(first.trial.estimate, first.fifos, bounds)
            kept += [found for found in tried if _holds(space, found, bounds)][:1]
        if not _within(space, wanted):
            top = [max(a - b, 0.0) for a, b in zip(used(wanted), choice.cost)]
            space = replace(space, top=tuple(map(max, top, space.top)))
        if over is not None:
            tight = _tightened(tight, over)
    return min(kept, key=lambda found: _rank(space, found, target), default=None)


def _holds(space: Space, found: Found, bounds: Bounds) -> bool:
    figures = found.trial.estimate
    return _within(space, figures) and _overrun(figures, found.fifos, bounds) is None


def _rank(space: Space, found: Found, target: Target) -> float:
    """What the target asks for, by the run rather than the estimate."""
    match target.goal:
        case "latency":
            return found.fifos.run.finish[0]
        case "throughput":
            return found.fifos.run.interval
        case "area":
            return space.equivalent(used(found.trial.estimate))
        case _:
            assert_never(target.goal)


def _with_fifos(
    space: Space, choice: Choice, plain: Estimate, target: Target, bounds: Bounds,
    estimate: Estimator,
) -> Iterator[Found]:  # fmt: skip
    """The design with FIFOs for its pace, the deepest first."""
    design = space.design(choice.folding)
    for fifos in size_fifos(expand(design), int(_aim(plain, target, bounds))):
        deep = replace(design, fifo_depths=dict(fifos.depths))
        yield Found(Trial(deep, estimate(deep), choice.gap), fifos)


def _solve(space: Space, target: Target, bounds: Bounds) -> Choice | None:
    match target.goal:
        case "latency":
            return choose(space, "latency", interval=bounds.interval, latency=bounds.latency)
        case "throughput":
            return least_interval(space, at_most=bounds.interval, latency=bounds.latency)
        case "area":
            return choose(space, "area", interval=bounds.interval, latency=bounds.latency)
        case _:
            assert_never(target.goal)


def _relaxed(
    space: Space, choice: Choice, figures: Estimate, target: Target, estimate: Estimator
) -> tuple[Choice, Estimate]:
    """The least area at the pace that the design's ports allow, where they are the slowest."""
    slowest = figures.interval_cycles.value
    if target.goal == "latency" or slowest <= choice.interval or target.latency_us is not None:
        return choice, figures
    found = choose(space, "area", interval=slowest)
    if found is None:
        return choice, figures
    smaller = estimate(space.design(found.folding))
    if smaller.interval_cycles.value > slowest:
        return choice, figures
    return replace(found, gap=max(found.gap, choice.gap)), smaller


def _aim(figures: Estimate, target: Target, bounds: Bounds) -> float:
    """The interval that FIFOs are sized for: what was asked for, or the design's own."""
    own = figures.interval_cycles.value
    return own if target.goal != "area" or bounds.interval is None else max(own, bounds.interval)


def _within(space: Space, figures: Estimate) -> bool:
    return all(amount <= b * (1 + 1e-9) for amount, b in zip(used(figures), space.budget))


def _overrun(figures: Estimate, fifos: Fifos | None, bounds: Bounds) -> Bounds | None:
    """How many times over its bounds a design is in pace and first frame; None: it keeps them."""
    interval = latency = 1.0
    if bounds.interval is not None:
        pace_found = max(figures.interval_cycles.value, fifos.run.interval if fifos else 0)
        interval = pace_found / bounds.interval
    if bounds.latency is not None:
        first = max(figures.latency_cycles.value, fifos.run.finish[0] if fifos else 0)
        latency = first / bounds.latency
    return Bounds(interval, latency) if max(interval, latency) > 1 + 1e-9 else None


def _tightened(tight: Bounds, over: Bounds) -> Bounds:
    factors = [max(factor or 1.0, 1.0) for factor in (over.interval, over.latency)]
    return Bounds(
        None if tight.interval is None else tight.interval / factors[0],
        None if tight.latency is None else tight.latency / factors[1],
    )


# ---------------------------------------------------------------- verdicts


def _success(space: Space, found: Found, bounds: Bounds) -> StreamResult:
    trial, run = found.trial, found.fifos.run
    name, share = trial.largest
    area = space.equivalent(used(trial.estimate))
    rates = ", ".join(
        f"{resource.upper()} {rate:,.0f}"
        for resource, rate in zip(RESOURCE_FIELDS, space.rates)
        if resource != "lut" and rate
    )
    reasons = [
        f"stream: {pace(trial.estimate)}; {name} is the fullest at {share:.0%}.",
        f"{area:,.0f} LUT-equivalents (one each: LUT 1, {rates}).",
        f"folding: within {max(trial.gap, GAP):.1%} of the optimum of the integer program.",
        f"FIFOs: {len(run.finish)} frames ran through the design with its depths, one every "
        f"{run.interval:,} cycles, the first after {run.finish[0]:,}.",
        *trial.warnings(),
    ]
    return FoldingResult(trial.design, trial.estimate, Verdict(True, name), tuple(reasons))


def _failure(
    space: Space,
    target: Target,
    bounds: Bounds,
    estimate: Estimator,
    other_boards: Sequence[Board],
) -> StreamResult:
    """The nearest miss: the least share of the board at the bounds, or without them."""
    best = _nearest(space, bounds, estimate)
    limiting, shortfall, reasons = best.miss(bounds)
    least = replace(target, goal="area")

    def fits(graph: Graph, board: Board, clock_mhz: float) -> bool:
        if graph is space.graph and space.hopeless(_generous(board)):
            return False
        other = space if graph is space.graph and board is space.board else None
        other = other or explore(graph, board, clock_mhz, estimate)
        return _search(other, least, Bounds.of(target, clock_mhz), estimate) is not None

    def fastest() -> Estimate | None:
        found = _search(space, Target("throughput"), Bounds(None, None), estimate)
        return _as_run(found) if found is not None else None

    def shortest() -> Estimate | None:
        found = _search(space, Target("latency"), Bounds(None, None), estimate)
        return _as_run(found) if found is not None else None

    ways = remedies(
        space.graph, space.board, space.clock_mhz, target,
        fastest=fastest, shortest=shortest, fits=fits, other_boards=other_boards,
        last_resort="nothing tried helps: a smaller network.",
    )  # fmt: skip
    verdict = Verdict(False, limiting, ways, shortfall)
    return FoldingResult(best.design, best.estimate, verdict, tuple(reasons))


def _as_run(found: Found) -> Estimate:
    """The estimate at the pace at which the design ran."""
    figures, run = found.trial.estimate, found.fifos.run
    interval = replace(figures.interval_cycles, value=float(run.interval))
    latency = max(figures.latency_cycles.value, run.finish[0])
    return replace(
        figures,
        interval_cycles=interval,
        latency_cycles=replace(figures.latency_cycles, value=latency),
    )


def _generous(board: Board) -> tuple[float, ...]:
    """A board's budget, products left out: their DSPs hold more on other families."""
    return tuple(
        float("inf") if name == "dsp" else amount
        for name, amount in zip(RESOURCE_FIELDS, budget_of(board))
    )


def _nearest(space: Space, bounds: Bounds, estimate: Estimator) -> Trial[StreamDesign]:
    """The smallest design at the bounds; where none keeps them, the fastest that fits."""
    asked = choose(space, "share", interval=bounds.interval, latency=bounds.latency)
    if asked is not None:
        trial = _tried(space, asked, estimate)
        if not trial.fits or bounds.kept(trial.estimate):
            return trial
    choices = [
        choose(space, "latency"),
        least_interval(space),
        choose(space, "share"),
    ]
    return nearest([_tried(space, choice, estimate) for choice in choices if choice], bounds)


def _tried(space: Space, choice: Choice, estimate: Estimator) -> Trial[StreamDesign]:
    design = space.design(choice.folding)
    *_, fifos = size_fifos(expand(design), int(estimate(design).interval_cycles.value))
    design = replace(design, fifo_depths=dict(fifos.depths))
    return Trial(design, estimate(design), choice.gap)
