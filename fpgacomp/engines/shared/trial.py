"""A design with its estimate, held against a board and the bounds of a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS, counts
from fpgacomp.engines.engine import Design
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.results.estimate import Estimate, WithResources
from fpgacomp.results.target import Target

DesignT = TypeVar("DesignT", bound=Design)
LEAST_BUDGET = 0.01  # a resource the board lacks: using one unit is a hundred times too much
FULL = 1.0 + 1e-9
CROWDED = 0.8  # share of the LUTs beyond which the vendors warn of congestion (AMD UG949)


@dataclass(frozen=True)
class Bounds:
    """A target's bounds in cycles of the design's clock; None: not asked for."""

    interval: float | None
    latency: float | None

    @classmethod
    def of(cls, target: Target, clock_mhz: float) -> Bounds:
        interval = None if target.fps is None else clock_mhz * 1e6 / target.fps
        latency = None if target.latency_us is None else target.latency_us * clock_mhz
        return cls(interval, latency)

    def kept(self, estimate: Estimate) -> bool:
        return (
            self.interval is None or estimate.interval_cycles.value <= self.interval + 1e-6
        ) and (self.latency is None or estimate.latency_cycles.value <= self.latency + 1e-6)

    def missed(self, estimate: Estimate) -> float:
        """How many times too slow, at least 1."""
        factors = [1.0]
        if self.interval is not None:
            factors.append(estimate.interval_cycles.value / self.interval)
        if self.latency is not None:
            factors.append(estimate.latency_cycles.value / self.latency)
        return max(factors)


def budget_of(board: Board) -> tuple[float, ...]:
    """What the shell leaves in RESOURCE_FIELDS order, never below LEAST_BUDGET."""
    return tuple(max(float(amount), LEAST_BUDGET) for amount in board.budget)


def used(estimate: WithResources) -> tuple[float, ...]:
    """Values of the resources of a design or a layer, in RESOURCE_FIELDS order."""
    return tuple(figure.value for figure in estimate.resources)


def uncrowded(board: Board) -> Board:
    """The board with as many LUTs kept free as placement and timing closure like to have.

    A design that fits there is preferred to a faster one that fills the board.
    """
    kept = counts(lut=(1 - CROWDED) * board.budget.lut)
    return replace(board, shell=board.shell + kept)


@dataclass(frozen=True)
class Trial(Generic[DesignT]):
    """A design that was tried.

    Args:
        gap: relative distance to the proved bound of the program that chose it.
    """

    design: DesignT
    estimate: Estimate
    gap: float

    def shares(self) -> dict[str, float]:
        budget = budget_of(self.design.board)
        return {
            name: amount / available
            for name, amount, available in zip(RESOURCE_FIELDS, used(self.estimate), budget)
        }

    @property
    def largest(self) -> tuple[str, float]:
        shares = self.shares()
        name = max(shares, key=lambda name: shares[name])
        return name, shares[name]

    @property
    def fits(self) -> bool:
        return self.largest[1] <= FULL

    def warnings(self) -> list[str]:
        """Crowded LUTs, and resources whose high estimate exceeds the budget."""
        found = []
        name, share = self.largest
        if name == "lut" and share > CROWDED:
            found.append(f"over {CROWDED:.0%} of the LUTs: placement and timing may get hard.")
        budget = self.design.board.budget
        for (name, figure), available in zip(self.estimate.resources.items(), budget, strict=True):
            if figure.high > max(available, 0.0):
                upper = f"{figure.high:,.0f} of {available:,.0f}"
                found.append(f"{name}: the estimate fits, its upper end ({upper}) does not.")
        return found

    def near_miss(self) -> list[str]:
        """Say where the lower end of the estimate would still fit."""
        over = [name for name, share in self.shares().items() if share > 1.0]
        figures, budget = self.estimate.resources, self.design.board.budget
        if over and all(figures[name].low <= max(budget[name], 0) for name in over):
            return ["the lower end of the estimate would fit: synthesis may still succeed."]
        return []

    def miss(self, bounds: Bounds) -> tuple[str | None, float, list[str]]:
        """(limiting resource, or None for time; how many times too much; what to say)."""
        name, share = self.largest
        if share > 1.0:
            at = " at the bounds" if bounds != Bounds(None, None) else ""
            text = f"{name}: the smallest design{at} needs {share:.2f} times the budget."
            return name, share, [text, *self.near_miss()]
        factor = bounds.missed(self.estimate)
        return None, factor, [f"the fastest design misses the bound by {factor:.2f} times."]


def pace(estimate: Estimate) -> str:
    """Latency and rate in words."""
    return f"{estimate.latency_us:.4g} us, {estimate.frames_per_second:,.0f} frames per second"


def nearest(trials: Sequence[Trial[DesignT]], bounds: Bounds) -> Trial[DesignT]:
    """The one that fits and misses the bounds least, or else the one that misses them least."""
    return min(trials, key=lambda trial: (not trial.fits, bounds.missed(trial.estimate)))


def rank(result: FoldingResult[Design], target: Target) -> tuple[float, ...]:
    """A key that is smaller for the better of two designs.

    What fits comes first, then what the board holds at least (it misses only in time), then
    the least miss, then the target, then the LUTs.
    """
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
