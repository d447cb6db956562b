"""Searches for the best streaming design on one board."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from fpgacomp.engines.shared.trial import Bounds, Trial, budget_of, uncrowded, used
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold.choose import choose, least_interval, possible
from fpgacomp.engines.stream.fold.fifos import SLACK, Fifos, size_fifos
from fpgacomp.engines.stream.fold.prices import Estimator
from fpgacomp.engines.stream.fold.program import StreamChoice
from fpgacomp.engines.stream.fold.space import StreamSpace
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.target import Target

# Rounds of a search: each solves the program, sizes the FIFOs and estimates. The next one allows
# for what the estimate had beyond the program.
ROUNDS = 4


@dataclass(frozen=True)
class Found:
    """A design within the budget and the bounds, with the run that proves its FIFOs.

    Args:
        trial: the design with its estimate, which has the interval and latency of the run.
        fifos: its FIFOs.
    """

    trial: Trial[StreamDesign]
    fifos: Fifos


def best_of(
    space: StreamSpace, target: Target, bounds: Bounds, estimate: Estimator
) -> Found | None:
    """The best design that leaves the board uncrowded, else the best one that fits at all."""
    for ground in (uncrowded(space.board), space.board):
        found = search(replace(space, budget=budget_of(ground)), target, bounds, estimate)
        if found is not None:
            return found
    return None


def search(space: StreamSpace, target: Target, bounds: Bounds, estimate: Estimator) -> Found | None:
    """The best design that is within space.budget and keeps the bounds by its estimate."""
    if space.hopeless(space.budget) or not possible(
        space, interval=bounds.interval, latency=bounds.latency
    ):
        return None
    tight = bounds
    kept: list[Found] = []  # all but the last have FIFOs that cost them some pace
    slowest = 0.0  # of the rounds before: no faster choice has come out of them
    for _ in range(ROUNDS):
        choice = _solve(space, target, _beating(kept, tight, target), slowest)
        if choice is None:
            break
        slowest = choice.interval
        plain = estimate(space.design(choice.folding), timed=False)
        choice, plain = _relaxed(space, choice, plain, target, estimate)
        wanted, over = plain, None
        if _within(space, plain):
            tried = sized_designs(space, choice, plain, estimate, target=target, bounds=bounds)
            first = next(tried)
            if _holds(space, first, bounds):
                kept.append(first)
                break
            wanted, over = first.trial.estimate, _overrun(first.trial.estimate, bounds)
            kept += [found for found in tried if _holds(space, found, bounds)][:1]
        if not _within(space, wanted):
            top = [max(a - b, 0.0) for a, b in zip(used(wanted), choice.cost)]
            space = replace(space, top=tuple(map(max, top, space.top)))
        if over is not None:
            tight = _tightened(tight, over, choice)
    return min(kept, key=lambda found: _rank(space, found, target), default=None)


def sized_designs(
    space: StreamSpace, choice: StreamChoice, plain: Estimate, estimate: Estimator, *,
    target: Target, bounds: Bounds,
) -> Iterator[Found]:  # fmt: skip
    """The chosen design with FIFOs of several depths, the deepest first.

    Args:
        plain: its estimate without FIFOs, whose interval is the slowest operator's.
    """
    design = space.design(choice.folding)
    aim, most = _aim(plain, target, bounds)
    for fifos in size_fifos(expand(design), int(aim), most=most):
        deep = replace(design, fifo_depths=dict(fifos.depths))
        figures = _as_run(estimate(deep, timed=False), fifos)
        yield Found(Trial(deep, figures, choice.gap), fifos)


def _as_run(figures: Estimate, fifos: Fifos) -> Estimate:
    """The estimate with the interval and latency of the run."""
    interval, latency = figures.interval_cycles, figures.latency_cycles
    slowest = max(interval.value, fifos.run.interval)
    return replace(
        figures,
        interval_cycles=replace(interval, value=slowest, low=slowest, high=slowest),
        latency_cycles=replace(latency, value=fifos.run.finish[0], low=0.0, high=float("inf")),
    )


def _holds(space: StreamSpace, found: Found, bounds: Bounds) -> bool:
    figures = found.trial.estimate
    return _within(space, figures) and _overrun(figures, bounds) is None


def _rank(space: StreamSpace, found: Found, target: Target) -> float:
    """The figure that the target wants small."""
    figures = found.trial.estimate
    match target.goal:
        case "latency":
            return figures.latency_cycles.value
        case "throughput":
            return figures.interval_cycles.value
        case "area":
            return space.equivalent(used(figures))
        case _:
            assert_never(target.goal)


def _beating(kept: list[Found], bounds: Bounds, target: Target) -> Bounds:
    """The bounds; where the goal is throughput, with a shorter interval than any found so far."""
    if target.goal != "throughput" or not kept:
        return bounds
    least = min(found.trial.estimate.interval_cycles.value for found in kept) - 1
    return replace(bounds, interval=min(least, bounds.interval or least))


def _solve(
    space: StreamSpace, target: Target, bounds: Bounds, slowest: float
) -> StreamChoice | None:
    match target.goal:
        case "latency":
            return choose(space, "latency", interval=bounds.interval, latency=bounds.latency)
        case "throughput":
            return least_interval(
                space, at_most=bounds.interval, at_least=slowest, latency=bounds.latency
            )
        case "area":
            return choose(space, "area", interval=bounds.interval, latency=bounds.latency)
        case _:
            assert_never(target.goal)


def _relaxed(
    space: StreamSpace, choice: StreamChoice, figures: Estimate, target: Target, estimate: Estimator
) -> tuple[StreamChoice, Estimate]:
    """The choice of least area at the pace of the ports, where these are slower than the layers."""
    slowest = figures.interval_cycles.value
    if target.goal == "latency" or slowest <= choice.interval or target.latency_us is not None:
        return choice, figures
    found = choose(space, "area", interval=slowest)
    if found is None:
        return choice, figures
    smaller = estimate(space.design(found.folding), timed=False)
    if smaller.interval_cycles.value > slowest:
        return choice, figures
    return replace(found, gap=max(found.gap, choice.gap)), smaller


def _aim(figures: Estimate, target: Target, bounds: Bounds) -> tuple[float, float | None]:
    """(interval that FIFOs are sized for, longest one that will do or None for SLACK times it)."""
    own = figures.interval_cycles.value
    if bounds.interval is None:
        return own, None
    if target.goal != "area":
        return own, min(own * SLACK, bounds.interval)
    # Room for what bursts cost, as far as the bound leaves it.
    return max(own, bounds.interval / SLACK), bounds.interval


def _within(space: StreamSpace, figures: Estimate) -> bool:
    return all(amount <= b * (1 + 1e-9) for amount, b in zip(used(figures), space.budget))


def _overrun(figures: Estimate, bounds: Bounds) -> Bounds | None:
    """By what factors a design exceeds its bounds; None where it keeps them."""
    interval = latency = 1.0
    if bounds.interval is not None:
        interval = figures.interval_cycles.value / bounds.interval
    if bounds.latency is not None:
        latency = figures.latency_cycles.value / bounds.latency
    return Bounds(interval, latency) if max(interval, latency) > 1 + 1e-9 else None


def _tightened(tight: Bounds, over: Bounds, choice: StreamChoice) -> Bounds:
    """Tighter bounds, which the choice itself does not keep where it was too slow."""
    factors = [max(factor or 1.0, 1.0) for factor in (over.interval, over.latency)]
    interval = tight.interval
    if interval is not None and factors[0] > 1:
        interval = min(interval, choice.interval) / factors[0]
    return Bounds(interval, None if tight.latency is None else tight.latency / factors[1])
