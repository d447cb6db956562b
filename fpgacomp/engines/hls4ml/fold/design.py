"""Folds a graph for one board: chooses the io type, strategies and reuse factors of hls4ml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from fpgacomp.devices.board import Board
from fpgacomp.engines.hls4ml.check import IO_TYPES
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, IoType
from fpgacomp.engines.hls4ml.fold.candidates import Estimator, Hls4mlSpace, explore, obstacles
from fpgacomp.engines.hls4ml.fold.choose import (
    GAP,
    Hls4mlChoice,
    least_interval,
    least_latency,
    least_share,
)
from fpgacomp.engines.hls4ml.fold.remedies import hls4ml_ways
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import Bounds, Trial, budget_of, nearest, pace, uncrowded
from fpgacomp.errors import DoesNotFit, FpgacompError, raise_all
from fpgacomp.ir.graph import Graph
from fpgacomp.results.certainty import DOUBTFUL
from fpgacomp.results.report import Verdict
from fpgacomp.results.target import Target

Hls4mlResult = FoldingResult[Hls4mlDesign]
Hls4mlTrial = Trial[Hls4mlDesign]
# The latency of the program is a sum of stages, the estimate's a simulation of the streams:
# where the estimate exceeds a bound, the program's bound is tightened this many times.
TIGHTENINGS = 4


def fold_hls4ml(
    graph: Graph,
    board: Board,
    *,
    clock_mhz: float,
    target: Target,
    estimate: Estimator,
    io_type: IoType | None = None,
    other_boards: Sequence[Board] = (),
) -> Hls4mlResult:
    """The best legal folding for the target, or the nearest miss with its ways out.

    Args:
        graph: verified.
        clock_mhz: the clock in MHz that the design will run at.
        target: its goal is the shortest latency, the smallest interval (throughput), or the
            smallest share of the board's fullest resource (area). Its fps and latency_us are
            bounds in each case.
        estimate: returns the figures of a design at logic synthesis.
        io_type: the io type to use, or None to choose the better one.
        other_boards: boards that may be named as a remedy where this one is too small.

    Returns:
        A design without `check.problems`. verdict.fits says that it is within the
        board's budget by `value` and keeps the bounds.

    Raises:
        DoesNotFit: no folding is legal in any io type asked for.
    """
    bounds = Bounds.of(target, clock_mhz)
    spaces: list[Hls4mlSpace] = []
    doubtful: list[Hls4mlTrial] = []
    for ground in (uncrowded(board), board):
        spaces = _spaces(graph, ground, clock_mhz, io_type, estimate)
        found = (_surest(space, board, target, bounds, estimate) for space in spaces)
        trials = [trial for trial in found if trial]
        best = min(trials, key=lambda trial: _rank(trial, target), default=None)
        if best is not None and not best.doubtful:
            return _success(best, trials, target)
        doubtful = doubtful or trials
    if doubtful:
        return _success(min(doubtful, key=lambda t: _rank(t, target)), doubtful, target)
    return _failure(spaces, target, bounds, estimate, other_boards)


def _spaces(
    graph: Graph, board: Board, clock_mhz: float, io_type: IoType | None, estimate: Estimator
) -> list[Hls4mlSpace]:
    wanted = IO_TYPES if io_type is None else (io_type,)
    blocked = {io: obstacles(graph, io) for io in wanted}
    spaces = [explore(graph, board, clock_mhz, io, estimate) for io in wanted if not blocked[io]]
    if not spaces:
        problems: list[FpgacompError] = [
            DoesNotFit(f"{graph.name} in {io}", why, "use --backend stream, or narrow the layer.")
            for io, reasons in blocked.items()
            for why in reasons
        ]
        raise_all(problems)
    return spaces


def _surest(
    space: Hls4mlSpace, board: Board, target: Target, bounds: Bounds, estimate: Estimator
) -> Hls4mlTrial | None:
    """The best design of one io type, and where its fit is doubtful the best that is not.

    Args:
        board: the whole board, of which the space may have a part only.
    """
    ceiling = tuple(DOUBTFUL * available for available in budget_of(board))
    best = None
    for ground in (space, replace(space, ceiling=ceiling)):
        trial = _best(ground, target, bounds, estimate)
        if trial is None:
            break
        trial = replace(trial, design=replace(trial.design, board=board))
        if not trial.doubtful:
            return trial
        best = best or trial
    return best


def _best(
    space: Hls4mlSpace, target: Target, bounds: Bounds, estimate: Estimator
) -> Hls4mlTrial | None:
    """The best design of one io type that fits and keeps the bounds, by the estimate itself."""
    if space.hopeless:
        return None
    choices = [_choose(space, target, bounds, estimate), *_corners(space)]
    if any(_shares(choice) for choice in choices):
        # Shared additions were chosen by a prediction: what is best without them has its say, too.
        choices.append(_choose(space.without("distributed_arithmetic"), target, bounds, estimate))
    found = [
        trial
        for choice in choices
        if choice is not None
        and (trial := try_choice(space, choice, estimate)).fits
        and bounds.kept(trial.estimate)
    ]
    return min(found, key=lambda trial: _rank(trial, target), default=None)


def _shares(choice: Hls4mlChoice | None) -> bool:
    """Whether some layer is built of shared additions."""
    foldings = () if choice is None else choice.folding.values()
    return any(folding.strategy == "distributed_arithmetic" for folding in foldings)


def _choose(
    space: Hls4mlSpace, target: Target, bounds: Bounds, estimate: Estimator
) -> Hls4mlChoice | None:
    """The program's answer, its latency bound tightened until the estimate keeps the target's."""
    tight = bounds
    choice = None
    for _ in range(TIGHTENINGS):
        choice = _solve(space, target, tight)
        if choice is None or bounds.latency is None or tight.latency is None:
            return choice
        over = try_choice(space, choice, estimate).estimate.latency_cycles.value / bounds.latency
        if over <= 1.0:
            return choice
        tight = replace(tight, latency=tight.latency / over)
    return choice


def _solve(space: Hls4mlSpace, target: Target, bounds: Bounds) -> Hls4mlChoice | None:
    match target.goal:
        case "latency":
            return least_latency(space, interval=bounds.interval)
        case "throughput":
            return least_interval(space, latency=bounds.latency, at_most=bounds.interval)
        case "area":
            return least_share(
                space, interval=bounds.interval, latency=bounds.latency, then_area=True
            )


def _corners(space: Hls4mlSpace) -> list[Hls4mlChoice]:
    """The fully unrolled design: one PIPELINE, whose latency the program counts too high."""
    folding = {}
    for name, options in space.options.items():
        fastest = min(options, key=lambda option: (option.cycles, option.interval))
        folding[name] = fastest.folding
    return [Hls4mlChoice(folding, 0.0, 0.0)]


def try_choice(space: Hls4mlSpace, choice: Hls4mlChoice, estimate: Estimator) -> Hls4mlTrial:
    """The design of a choice with its estimate."""
    design = space.design(choice.folding)
    return Trial(design, estimate(design), choice.gap)


def _rank(trial: Hls4mlTrial, target: Target) -> tuple[float, ...]:
    latency = trial.estimate.latency_cycles.value
    interval = trial.estimate.interval_cycles.value
    share = trial.largest[1]
    match target.goal:
        case "latency":
            return (trial.doubtful, latency, share, interval)
        case "throughput":
            return (trial.doubtful, interval, share, latency)
        case "area":
            return (trial.doubtful, share, latency, interval)


def _success(best: Hls4mlTrial, trials: Sequence[Hls4mlTrial], target: Target) -> Hls4mlResult:
    name, share = best.largest
    reasons = [
        f"{best.design.io_type}: {pace(best.estimate)}; {name} is the fullest at {share:.0%}."
    ]
    for other in trials:
        if other is not best:
            reasons.append(f"{other.design.io_type} would give {pace(other.estimate)}.")
    reasons.append(_optimality(best))
    reasons += [*best.left_free(target), *best.warnings()]
    return FoldingResult(
        best.design, best.estimate, Verdict(True, name), tuple(reasons), bare=best.estimate
    )


def _optimality(trial: Hls4mlTrial) -> str:
    """A sentence on how near the reuse factors are to the optimum."""
    near = max(trial.gap, GAP)
    text = f"reuse factors: within {near:.1%} of the optimum of the integer program"
    if trial.design.io_type == "io_stream":
        return f"{text}, which bounds a stream's latency by its slowest layer plus its vectors."
    return f"{text}."


def _failure(
    spaces: Sequence[Hls4mlSpace],
    target: Target,
    bounds: Bounds,
    estimate: Estimator,
    other_boards: Sequence[Board],
) -> Hls4mlResult:
    """The nearest miss: the least share of the board at the bounds, or without them."""
    best = _nearest(spaces, bounds, estimate)
    limiting, shortfall, reasons = best.miss(bounds)

    def holds(space: Hls4mlSpace) -> bool:
        trial = _surest(space, space.board, replace(target, goal="area"), bounds, estimate)
        return trial is not None and not trial.doubtful

    ways = partial(hls4ml_ways, spaces, target, holds, estimate, other_boards)
    verdict = Verdict(False, limiting, shortfall=shortfall)
    return FoldingResult(
        best.design, best.estimate, verdict, tuple(reasons), ways, bare=best.estimate
    )


def _nearest(spaces: Sequence[Hls4mlSpace], bounds: Bounds, estimate: Estimator) -> Hls4mlTrial:
    """The smallest design at the bounds; where none keeps them, the fastest that fits."""
    asked = [
        try_choice(space, choice, estimate)
        for space in spaces
        if (choice := _choose(space, Target("area"), bounds, estimate))
    ]
    if asked:
        return min(asked, key=lambda trial: trial.largest[1])
    fastest = [
        try_choice(space, choice, estimate)
        for space in spaces
        for choice in (least_interval(space), least_latency(space), least_share(space))
        if choice
    ]
    return nearest(fastest, bounds)
