"""The fit of terms' costs to measured rows: one loop, to which an engine brings its rows and terms.

Errors count relative to what was measured, and large ones with their root only (iteratively
reweighted, non-negative least squares), so that a few odd reports do not rule the fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import nnls

from fpgacomp.engines.shared.rows import Row
from fpgacomp.ir.types import FloatArray

Cost = dict[str, dict[str, float]]  # resource -> term -> cost of one unit

_ROUNDS = 40
# Relative errors below this one count alike: they are within what tools vary by themselves.
_NOISE = 0.1


def fit_terms(
    rows: Sequence[Row],
    resource: str,
    *,
    fixed: Mapping[str, float],
    known: Mapping[str, float],
    floor: float,
    weights: FloatArray | None = None,
) -> dict[str, float]:
    """The cost of each term of a resource that is not fixed.

    Args:
        rows: what was measured, with the terms of each row.
        resource: lut or ff.
        fixed: term -> cost, of the terms that are not fitted.
        known: term -> cost, of every term whose cost is known already, the fixed ones among them.
        floor: measured amounts below it count as this much, so that small rows do not rule.
        weights: of each row [rows]; None weighs all alike.

    Returns:
        Term -> cost of one unit, five significant digits.
    """
    names = sorted({term for row in rows for term in row.terms[resource]} - fixed.keys())
    design = np.array([[row.terms[resource].get(name, 0.0) for name in names] for row in rows])
    base = np.array([dot(known, row.terms[resource]) for row in rows])
    actual = np.array([row.actual[resource] for row in rows])
    scale = np.maximum(actual, floor)
    even = (1.0 if weights is None else weights) / scale
    weight, found = even, np.zeros(len(names))
    for _ in range(_ROUNDS):
        found, _ = nnls(design * weight[:, None], (actual - base) * weight)
        error = np.abs(design @ found + base - actual) / scale
        weight = even / np.sqrt(np.maximum(error, _NOISE))
    return {name: rounded(value) for name, value in zip(names, found)}


def dot(cost: Mapping[str, float], amounts: Mapping[str, float]) -> float:
    """What so many units of each term cost together; a term without a cost costs nothing."""
    return sum(cost.get(term, 0.0) * amount for term, amount in amounts.items())


def rounded(value: float) -> float:
    """The value with five significant digits, which is all that a fit can tell."""
    return float(f"{value:.5g}")
