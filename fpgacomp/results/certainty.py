"""How sure it is that a design fits: its estimate's upper end against what the board leaves."""

from __future__ import annotations

from typing import Literal

from fpgacomp.devices.resources import Resources
from fpgacomp.results.estimate import Estimate, WithResources

# certain: even the upper end of every resource fits. probable: the values do, the upper ends are
# within DOUBTFUL times what is free. doubtful: one of them is beyond it.
Certainty = Literal["certain", "probable", "doubtful"]
DOUBTFUL = 2.0


def worst_share(estimate: WithResources, budget: Resources[float]) -> float:
    """The largest share of any resource that the upper ends of an estimate take of a budget."""
    needed = zip(estimate.resources, budget, strict=True)
    return max(_share(figure.high, free) for figure, free in needed)


def certainty_of(estimate: Estimate, budget: Resources[float]) -> Certainty:
    """How sure it is that a design fits whose values do.

    Nothing is certain by an estimate that was fitted to a handful of designs.
    """
    worst = worst_share(estimate, budget)
    if worst <= 1.0 and not estimate.basis.thin:
        return "certain"
    return "probable" if worst <= DOUBTFUL else "doubtful"


def _share(amount: float, free: float) -> float:
    if amount <= free:  # a shell may take all of a resource that the design does without
        return min(amount / free, 1.0) if free > 0 else 0.0
    return amount / free if free > 0 else float("inf")
