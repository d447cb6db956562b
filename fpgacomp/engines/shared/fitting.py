"""The fit of terms' costs to measured rows: what the fabric says, corrected by what was measured.

Every term has a cost from the fabric itself (an adder bit is a LUT, a register bit a
flip-flop). The fit multiplies it by a factor, and a factor far from one must be paid for by
rows that it explains: a term that no row shows keeps the fabric's cost, and one that a few
rows show moves part of the way. Errors count as logarithms of measured / predicted, and
large ones with their root only, so that a few odd reports do not rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set

import numpy as np

from fpgacomp.engines.shared.rows import Row
from fpgacomp.ir.types import FloatArray

Cost = dict[str, dict[str, float]]  # resource -> term -> cost of one unit

FLOOR = {"lut": 5.0, "ff": 5.0}
# Standard deviation of the logarithm of a factor, and the error below which all count alike.
_FACTOR_SPREAD = 0.35
_KNOWN_SPREAD = 0.05  # of a term whose cost is known from elsewhere
_NOISE = 0.15
_STARTING_STEP = 1e-3
_ROUNDS = 60


def fit_costs(
    rows: Sequence[Row],
    fabric: Mapping[str, Mapping[str, float]],
    *,
    known: Set[str] = frozenset(),
) -> Cost:
    """LUTs and flip-flops of one unit of each term; other resources keep the fabric's.

    Args:
        rows: what was measured, with the terms of each row.
        fabric: resource -> term -> cost where nothing was measured.
        known: terms whose cost in `fabric` was measured otherwise and hardly moves.

    Returns:
        Resource -> term -> cost, five significant digits.
    """
    cost: Cost = {resource: dict(terms) for resource, terms in fabric.items()}
    for resource in FLOOR:
        cost[resource] |= _fit(rows, resource, fabric[resource], known)
    return cost


def _fit(
    rows: Sequence[Row], resource: str, fabric: Mapping[str, float], known: Set[str]
) -> dict[str, float]:
    """Fitted costs of the terms of one resource that the rows show."""
    shown = [row for row in rows if resource in row.actual and any(row.terms[resource].values())]
    names = sorted({t for row in shown for t, a in row.terms[resource].items()
                    if a and fabric[t] > 0})  # fmt: skip
    if not names:
        return {}
    amounts = np.array([[row.terms[resource].get(n, 0.0) for n in names] for row in shown])
    amounts = amounts * np.array([fabric[name] for name in names])
    actual = np.array([row.actual[resource] for row in shown])
    weights = family_weights(shown)
    spread = np.array([_KNOWN_SPREAD if name in known else _FACTOR_SPREAD for name in names])
    factors = _factors(amounts, actual, weights, FLOOR[resource], spread)
    return {name: rounded(fabric[name] * factor) for name, factor in zip(names, factors)}


def _factors(
    amounts: FloatArray, actual: FloatArray, weights: FloatArray, floor: float, spread: FloatArray
) -> FloatArray:
    """Factors [terms] of priced amounts [rows, terms], by damped Gauss-Newton steps.

    scipy's solvers would do; these forty lines give the same digits wherever numpy runs.
    """
    logs, damping = np.zeros(amounts.shape[1]), _STARTING_STEP
    best = _loss(amounts, actual, weights, floor, logs, spread)
    for _ in range(_ROUNDS):
        shares = amounts * np.exp(logs)
        total = shares.sum(axis=1) + floor
        error = np.log(total / (actual + floor))
        robust = weights / np.sqrt(1.0 + (error / _NOISE) ** 2) / _NOISE**2
        slope = shares / total[:, None]
        hessian = slope.T @ (slope * robust[:, None]) + np.diag(spread**-2.0)
        gradient = slope.T @ (robust * error) + logs / spread**2
        step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), gradient)
        loss = _loss(amounts, actual, weights, floor, logs - step, spread)
        if loss < best:
            small = best - loss < 1e-7 * best
            logs, best, damping = logs - step, loss, damping / 4
            if small:
                break
        else:
            damping *= 4
            if damping > 1e9:
                break
    found: FloatArray = np.exp(logs)
    return found


def _loss(
    amounts: FloatArray,
    actual: FloatArray,
    weights: FloatArray,
    floor: float,
    logs: FloatArray,
    spread: FloatArray,
) -> float:
    error = np.log(((amounts * np.exp(logs)).sum(axis=1) + floor) / (actual + floor))
    data = weights * 2 * (np.sqrt(1.0 + (error / _NOISE) ** 2) - 1.0)
    return float(data.sum() + ((logs / spread) ** 2).sum())


def family_weights(rows: Iterable[Row]) -> FloatArray:
    """Weight of each row: a repository counts as the root of its number of rows."""
    families = [row.source for row in rows]
    count = Counter(families)
    return np.array([count[family] ** -0.5 for family in families])


def rounded(value: float) -> float:
    """The value with five significant digits, which is all that a fit can tell."""
    return float(f"{value:.5g}")
