"""One width for each group of values, of least loss under a budget: an integer linear program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from fpgacomp.compress.quantize.options import BitWidth
from fpgacomp.host.solver import silent_solver

BitChoice = BitWidth
# A figure (a loss, a cost) of each choice of each group. A group is a layer's weights or an
# activation.
ChoiceFigures = Mapping[str, Mapping[BitChoice, float]]


@dataclass(frozen=True)
class JointCost:
    """A cost that the choices of two groups have together.

    Args:
        one: name of the first group.
        other: name of the second group.
        cost: cost[choice of the first][choice of the second].
    """

    one: str
    other: str
    cost: Mapping[BitChoice, Mapping[BitChoice, float]]


def assign(
    loss: ChoiceFigures, cost: ChoiceFigures, products: Sequence[JointCost], budget: float
) -> dict[str, BitChoice] | None:
    """Find the choices of least total loss whose cost is within a budget.

    Args:
        loss: what each choice of each group loses.
        cost: what each choice of each group costs by itself.
        products: what the choices of two groups cost together, beside that.
        budget: the largest total cost.

    Returns:
        The choice of each group; None where no choices keep to the budget.
    """
    return _BitProgram(loss, cost, products).solve(budget)


def least_cost(cost: ChoiceFigures, products: Sequence[JointCost]) -> float:
    """The smallest total cost that any choices have."""
    program = _BitProgram(cost, cost, products)
    program.minimized = program.cost
    chosen = program.solve(np.inf)
    assert chosen is not None
    return total_cost(chosen, cost, products)


def total_cost(
    chosen: Mapping[str, BitChoice], cost: ChoiceFigures, products: Sequence[JointCost]
) -> float:
    """Total cost of these choices, alone and together."""
    alone = sum(cost[group][choice] for group, choice in chosen.items())
    return alone + sum(p.cost[chosen[p.one]][chosen[p.other]] for p in products)


class _BitProgram:
    """The linear program: one variable per group and choice, then one per joint cost and pair."""

    def __init__(
        self, loss: ChoiceFigures, cost: ChoiceFigures, products: Sequence[JointCost]
    ) -> None:
        self.singles = [(group, choice) for group in loss for choice in loss[group]]
        self.place = {single: i for i, single in enumerate(self.singles)}
        self.pairs = [
            (index, one, other)
            for index, product in enumerate(products)
            for one in loss[product.one]
            for other in loss[product.other]
        ]
        joint = [products[index].cost[one][other] for index, one, other in self.pairs]
        self.cost = np.array([cost[g][c] for g, c in self.singles] + joint)
        self.minimized = np.array([loss[g][c] for g, c in self.singles] + [0.0] * len(joint))
        self.groups, self.products = list(loss), products

    def solve(self, budget: float) -> dict[str, BitChoice] | None:
        constraints = [self._one_each()]
        if self.pairs:
            constraints.append(self._pairs_follow())
        if np.isfinite(budget):
            # The solver's tolerances are absolute: costs are counted in units of the largest.
            unit = max(float(abs(self.cost).max()), 1e-12)
            constraints.append(LinearConstraint(self.cost[None] / unit, -np.inf, budget / unit))
        whole = np.array([1] * len(self.singles) + [0] * len(self.pairs))
        scale = max(float(abs(self.minimized).max()), 1e-12)
        with silent_solver():
            solved = milp(
                self.minimized / scale,
                integrality=whole, bounds=Bounds(0, 1), constraints=constraints,
            )  # fmt: skip
        if solved.x is None:
            return None
        return {g: c for (g, c), value in zip(self.singles, solved.x) if value > 0.5}

    def _one_each(self) -> LinearConstraint:
        rows = lil_array((len(self.groups), len(self.cost)))
        for row, group in enumerate(self.groups):
            for (owner, _), column in self.place.items():
                if owner == group:
                    rows[row, column] = 1
        return LinearConstraint(rows.tocsr(), 1, 1)

    def _pairs_follow(self) -> LinearConstraint:
        """Have the pairs of a choice add up to it, so that one of them is 1 where it is."""
        found: dict[tuple[int, str, BitChoice], list[int]] = {}
        for number, (index, one, other) in enumerate(self.pairs):
            product, column = self.products[index], len(self.singles) + number
            found.setdefault((index, product.one, one), []).append(column)
            found.setdefault((index, product.other, other), []).append(column)
        rows = lil_array((len(found), len(self.cost)))
        for row, ((_, group, choice), columns) in enumerate(found.items()):
            rows[row, columns] = 1
            rows[row, self.place[group, choice]] = -1
        return LinearConstraint(rows.tocsr(), 0, 0)
