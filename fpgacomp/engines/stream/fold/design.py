"""Folds a graph for one board as a streaming design: PE, SIMD, memory, arithmetic, FIFOs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import Bounds, pace, used
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.fold.adders import kept_by_shared_adders, with_shared_adders
from fpgacomp.engines.stream.fold.miss import Extremes, stream_miss
from fpgacomp.engines.stream.fold.prices import Estimator
from fpgacomp.engines.stream.fold.program import GAP
from fpgacomp.engines.stream.fold.search import Found, best_of
from fpgacomp.engines.stream.fold.space import StreamSpace, explore
from fpgacomp.ir.graph import Graph
from fpgacomp.results.report import Verdict
from fpgacomp.results.target import Target

__all__ = ["explore", "fold_stream"]
StreamResult = FoldingResult[StreamDesign]


def fold_stream(
    graph: Graph,
    board: Board,
    *,
    clock_mhz: float,
    target: Target,
    estimate: Estimator,
    other_boards: Sequence[Board] = (),
    share_additions: bool = True,
) -> StreamResult:
    """The best legal folding for the target, or the nearest miss with the ways out.

    Area is counted in LUT-equivalents: a DSP or block RAM is worth as many LUTs as the board
    has per DSP or block RAM, so that it is the sum of the shares of the board.

    Args:
        graph: a verified graph.
        clock_mhz: the clock that the design will run at.
        target: latency: shortest first frame; throughput: smallest interval, at the least
            area; area: least area. Its fps and latency_us are bounds in each case.
        estimate: what gives a design's figures at logic synthesis (`estimate_stream`).
        other_boards: boards to name as a remedy where this one is too small.
        share_additions: whether unfolded matrices may share additions, where alkaid is installed.

    Returns:
        A legal design with FIFO depths that cannot deadlock. verdict.fits says that it is
        within the board's budget by `value` and keeps the bounds.
    """
    bounds = Bounds.of(target, clock_mhz)
    space = explore(graph, board, clock_mhz, estimate)
    found = best_of(space, target, bounds, estimate)
    extremes = Extremes(space, estimate)
    if found is None:
        # The program's latency is a sum of shares and may be longer than that of the run, by which
        # a bound is judged.
        held = extremes.of(bounds)
        found = next((one for one in held if bounds.kept(one.trial.estimate)), None)
        if found is None and not held:
            found = extremes.passed_over(bounds)
    if share_additions and found is not None:
        found = with_shared_adders(space, found, target, bounds, estimate)
    elif share_additions:
        found = kept_by_shared_adders(space, extremes.of(bounds), target, bounds, estimate)
    if found is not None:
        return _success(space, found, target, estimate)
    return stream_miss(space, target, bounds, estimate, other_boards, extremes)


def _success(space: StreamSpace, found: Found, target: Target, estimate: Estimator) -> StreamResult:
    trial = replace(found.trial, estimate=estimate(found.trial.design))
    name, share = trial.largest
    area = space.equivalent(used(trial.estimate))
    rates = ", ".join(
        f"{resource.upper()} {rate:,.0f}"
        for resource, rate in zip(RESOURCE_FIELDS, space.rates)
        if resource != "lut" and rate
    )
    run = found.fifos.run
    reasons = [
        f"stream: {pace(trial.estimate)}; {name} is the fullest at {share:.0%}.",
        f"{area:,.0f} LUT-equivalents (one each: LUT 1, {rates}).",
        *_shared(trial.design),
        f"folding: within {max(trial.gap, GAP):.1%} of the optimum of the integer program.",
        f"FIFOs: {len(run.finish)} frames ran through the design with its depths, one every "
        f"{run.interval:,} cycles, the first after {run.finish[0]:,}.",
        *trial.left_free(target),
        *trial.warnings(),
    ]
    return FoldingResult(trial.design, trial.estimate, Verdict(True, name), tuple(reasons))


def _shared(design: StreamDesign) -> list[str]:
    """A sentence on matrices that share additions; else nothing."""
    names = [name for name, folding in design.folding.items() if folding.arithmetic == "adders"]
    if not names:
        return []
    return [
        f"the outputs of {', '.join(names)} share additions: each product has hardware of its own, "
        "and that is smaller than an adder tree for each output."
    ]
