"""Coefficients of an estimate: the cost of one unit of a term, and how far off it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fpgacomp.engines.shared.terms import RESOURCES, Terms
from fpgacomp.results.estimate import Figure, Stage


@dataclass(frozen=True)
class Coefficients:
    """The coefficients of one stage of the tool flow.

    Args:
        cost: resource -> term -> cost of one unit.
        spread: kind of layer (latency, resource, conv, activation) -> resource, `cycles` or
            `interval` -> (low, high) as factors of the value.
    """

    stage: Stage
    cost: Mapping[str, Mapping[str, float]]
    spread: Mapping[str, Mapping[str, tuple[float, float]]]

    def value(self, resource: str, terms: Terms) -> float:
        """Amount of a resource that these terms take."""
        cost = self.cost[resource]
        return sum(cost[term] * amount for term, amount in terms[resource].items())

    def figure(self, resource: str, terms: Terms, kind: str) -> Figure:
        """The same amount with the range that layers of this kind have."""
        return self.ranged(resource, self.value(resource, terms), kind)

    def ranged(self, quantity: str, value: float, kind: str) -> Figure:
        """A value of a resource, of `cycles` or of `interval` with that range."""
        low, high = self.spread[kind][quantity]
        return Figure(value, value * low, value * high)


def coefficients_of(content: Mapping[str, Any], stage: Stage) -> Coefficients:
    """One stage's coefficients from the content of an engine's coefficients.json."""
    spread = {
        kind: {name: (low, high) for name, (low, high) in ranges.items()}
        for kind, ranges in content["spread"].items()
    }
    return Coefficients(stage, {r: content["cost"][r] for r in RESOURCES}, spread)
