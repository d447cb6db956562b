"""Ranges by split conformal prediction: quantiles of errors of rows that no fit had seen.

The score of a row is the absolute logarithm of measured / predicted, where the prediction comes
from a fit without the row's whole repository. A range at level L reaches as far as the L quantile
of the scores, at the rank that split conformal prediction asks for: outwards, for n + 1 rows
(Vovk et al. 2005; Lei et al. 2018). It is the same factor up and down, because a repository that
is left out shifts its rows to one side, and which side a new one is on nobody knows.

A repository's rows resemble each other. The scores are therefore weighted so that a repository
counts as the root of its number of rows, as in the fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from fpgacomp.engines.shared.coefficients import LEAST
from fpgacomp.results.estimate import LEVEL


@dataclass(frozen=True)
class Score:
    """The error of one row that was left out.

    Args:
        source: the repository of the row.
        log: logarithm of measured / predicted.
    """

    source: str
    log: float

    @classmethod
    def of(cls, family: str, quantity: str, predicted: float, actual: float) -> Score:
        """The error of a predicted amount of a resource, or of cycles."""
        least = LEAST[quantity]
        return cls(family, log(max(actual, least) / max(predicted, least)))


@dataclass(frozen=True)
class Range:
    """A range around a predicted value.

    Args:
        low, high: factors of the value that enclose the level's share of measured amounts.
        count: scores that it comes from.
    """

    low: float
    high: float
    count: int


def conformal_range(scores: Sequence[Score], level: float = LEVEL) -> Range:
    """The range of the value that encloses the share `level` of these scores.

    With too few scores for the rank, the outermost one is taken.
    """
    if not scores:
        return Range(1.0, 1.0, 0)
    families = Counter(score.source for score in scores)
    logs = np.array([abs(score.log) for score in scores])
    weights = np.array([families[score.source] ** -0.5 for score in scores])
    order = np.argsort(logs, kind="stable")
    reached = np.cumsum(weights[order])
    total = reached[-1] + weights.mean()  # the row that is predicted counts as one more
    index = int(np.searchsorted(reached / total, level - 1e-9))
    half = float(logs[order][min(index, len(logs) - 1)])
    return Range(_rounded(exp(-half)), _rounded(exp(half)), len(scores))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
