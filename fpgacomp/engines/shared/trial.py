"""A design with its estimate, held against a board and the bounds of a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS, counts
from fpgacomp.engines.engine import Design
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.results.certainty import certainty_of
from fpgacomp.results.estimate import Estimate, WithResources
from fpgacomp.results.target import Target

DesignT = TypeVar("DesignT", bound=Design)
# Budget of a resource that the board lacks: one unit of it then counts as a hundred times too
# much, where a budget of zero would be divided by.
LEAST_BUDGET = 0.01
FULL = 1.0 + 1e-9
CROWDED = 0.8  # share of the LUTs beyond which the vendors warn of congestion (AMD UG949)


@dataclass(frozen=True)
class Bounds:
    """A target's bounds in cycles of the design's clock; None where it has no such bound."""

    interval: float | None
    latency: float | None

    @classmethod
    def of(cls, target: Target, clock_mhz: float) -> Bounds:
        """The bounds of a target at a clock in MHz."""
        interval = None if target.fps is None else clock_mhz * 1e6 / target.fps
        latency = None if target.latency_us is None else target.latency_us * clock_mhz
        return cls(interval, latency)

    def kept(self, estimate: Estimate) -> bool:
        """Whether the estimate keeps every bound."""
        return (
            self.interval is None or estimate.interval_cycles.value <= self.interval + 1e-6
        ) and (self.latency is None or estimate.latency_cycles.value <= self.latency + 1e-6)

    def missed(self, estimate: Estimate) -> float:
        """By which factor the estimate misses the bound that it misses most; 1 if it keeps all."""
        factors = [1.0]
        if self.interval is not None:
            factors.append(estimate.interval_cycles.value / self.interval)
        if self.latency is not None:
            factors.append(estimate.latency_cycles.value / self.latency)
        return max(factors)


def budget_of(board: Board) -> tuple[float, ...]:
    """What the board's shell leaves, in RESOURCE_FIELDS order, never below LEAST_BUDGET."""
    return tuple(max(float(amount), LEAST_BUDGET) for amount in board.budget)


def used(estimate: WithResources) -> tuple[float, ...]:
    """Resources that a design or a layer takes, in RESOURCE_FIELDS order."""
    return tuple(figure.value for figure in estimate.resources)


def uncrowded(board: Board) -> Board:
    """The board with as many LUTs kept free as placement and timing closure like to have.

    A design that fits there is preferred to a faster one that fills the board.
    """
    kept = counts(lut=(1 - CROWDED) * board.budget.lut)
    return replace(board, shell=board.shell + kept)


@dataclass(frozen=True)
class Trial(Generic[DesignT]):
    """A design that a folding search tried, with its estimate.

    Args:
        gap: relative distance of the choice from the bound that the solver proved.
    """

    design: DesignT
    estimate: Estimate
    gap: float

    def shares(self) -> dict[str, float]:
        """Resource -> share of the board's budget that the design takes."""
        budget = budget_of(self.design.board)
        return {
            name: amount / available
            for name, amount, available in zip(RESOURCE_FIELDS, used(self.estimate), budget)
        }

    @property
    def largest(self) -> tuple[str, float]:
        """The resource of which the design takes the largest share, and that share."""
        shares = self.shares()
        name = max(shares, key=lambda name: shares[name])
        return name, shares[name]

    @property
    def fits(self) -> bool:
        """Whether the design is within the board's budget."""
        return self.largest[1] <= FULL

    @property
    def doubtful(self) -> bool:
        """Whether an upper end of the estimate is far beyond the board's budget."""
        return certainty_of(self.estimate, self.design.board.budget) == "doubtful"

    def warnings(self) -> list[str]:
        """Sentences on crowded LUTs and on resources whose high estimate exceeds the budget."""
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

    def left_free(self, target: Target) -> list[str]:
        """A sentence where a faster design is passed over because it would crowd the LUTs."""
        share = self.shares()["lut"]
        if target.goal == "area" or not CROWDED / 2 < share <= CROWDED:
            return []
        return [
            f"{1 - CROWDED:.0%} of the LUTs are left free for placement; a faster design may fill "
            "them: a bound (--latency-us, --fps) asks for it."
        ]

    def near_miss(self) -> list[str]:
        """A sentence where the lower end of the estimate would still fit; else nothing."""
        over = [name for name, share in self.shares().items() if share > 1.0]
        figures, budget = self.estimate.resources, self.design.board.budget
        if over and all(figures[name].low <= max(budget[name], 0) for name in over):
            return ["the lower end of the estimate would fit: synthesis may still succeed."]
        return []

    def _also_short(self, largest: str) -> list[str]:
        """A sentence on the other resources that the board has too little of; else nothing."""
        over = sorted(self.shares().items(), key=lambda item: -item[1])
        told = [f"{share:.2f} times the {name}" for name, share in over
                if share > FULL and name != largest]  # fmt: skip
        return [f"it also needs {', '.join(told)} that is free."] if told else []

    def miss(self, bounds: Bounds) -> tuple[str | None, float, list[str]]:
        """(limiting resource, or None where time is; factor by which it is missed; sentences)."""
        name, share = self.largest
        if share > 1.0:
            at = " at the bounds" if bounds != Bounds(None, None) else ""
            text = f"{name}: the smallest design{at} needs {share:.2f} times the budget."
            return name, share, [text, *self._also_short(name), *self.near_miss()]
        factor = bounds.missed(self.estimate)
        return None, factor, [f"the fastest design misses the bound by {factor:.2f} times."]


def pace(estimate: Estimate) -> str:
    """Latency in microseconds and rate in frames per second, in words."""
    return f"{estimate.latency_us:.4g} us, {estimate.frames_per_second:,.0f} frames per second"


def nearest(trials: Sequence[Trial[DesignT]], bounds: Bounds) -> Trial[DesignT]:
    """The trial that misses the bounds least, among those that fit the board where any does."""
    return min(trials, key=lambda trial: (not trial.fits, bounds.missed(trial.estimate)))


def rank(result: FoldingResult[Design], target: Target) -> tuple[float, ...]:
    """A key that is smaller for the better of two designs.

    What fits comes first, of that whatever is not doubtful, then what the board holds at least
    (it misses only in time), then the least miss, then the target, then the LUTs.
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
    doubtful = result.verdict.fits and certainty_of(figures, budget) == "doubtful"
    return (not result.verdict.fits, doubtful, too_large, miss, goal, figures.lut.value)
