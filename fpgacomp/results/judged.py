"""How far off estimates are from measured figures: error, rank, coverage, width of ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, nan

import numpy as np
import numpy.typing as npt

from fpgacomp.results.estimate import Figure

_TAIL = 0.025  # of the binomial distribution, at either end
Amounts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """The estimates of one quantity for one kind of unit of one kind of table.

    Args:
        table: kind of table, such as "FINN nodes".
        stage: of the tool flow that the reports are of.
        kind: of unit, or "all".
        quantity: lut, ff, dsp, bram18, cycles or interval.
        count: rows whose estimate or measured figure is above 0.
        repositories: how many repositories they come from.
        median_ape: median of |estimated - measured| / measured in percent, over the rows with
            something measured; NaN without any.
        bias: median of (estimated - measured) / measured in percent, over the same rows.
        spearman: rank correlation; NaN below 3 rows or without variation.
        coverage: percent of the rows whose range holds the measured figure.
        least_coverage, most_coverage: percent within which the coverage of so many rows lies in
            95 of 100 cases, if each range holds with the stated probability.
        mean_width: mean of (high - low) / estimate, over the rows whose estimate is above 0.
    """

    table: str
    stage: str
    kind: str
    quantity: str
    count: int
    repositories: int
    median_ape: float
    bias: float
    spearman: float
    coverage: float
    least_coverage: float
    most_coverage: float
    mean_width: float


def judge(
    names: tuple[str, str, str, str],
    pairs: Sequence[tuple[Figure, float]],
    *,
    repositories: int,
    level: float,
) -> Judged | None:
    """Judge estimates against measured figures; None where both are always 0.

    Args:
        names: table, stage, kind and quantity.
        pairs: (estimate, measured) of each row.
        level: share of measured figures that the ranges are to hold.
    """
    some = [(figure, actual) for figure, actual in pairs if max(figure.value, actual) > 0]
    if not some:
        return None
    guessed = np.array([figure.value for figure, _ in some])
    actual = np.array([amount for _, amount in some])
    there = actual > 0
    signed = 100 * (guessed - actual)[there] / actual[there]
    held = [figure.holds(amount) for figure, amount in some]
    widths = [(f.high - f.low) / f.value for f, _ in some if f.value > 0]
    least, most = binomial_band(len(some), level)
    return Judged(
        *names, count=len(some), repositories=repositories,
        median_ape=float(np.median(np.abs(signed))) if signed.size else nan,
        bias=float(np.median(signed)) if signed.size else nan,
        spearman=rank_correlation(guessed, actual),
        coverage=100 * float(np.mean(held)), least_coverage=least, most_coverage=most,
        mean_width=float(np.mean(widths)) if widths else nan,
    )  # fmt: skip


def rank_correlation(one: Amounts, other: Amounts) -> float:
    """Spearman's rank correlation; equal values share their mean rank."""
    if len(one) < 3:
        return nan
    a, b = _ranks(one), _ranks(other)
    if a.std() == 0 or b.std() == 0:
        return nan
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: Amounts) -> Amounts:
    _, index, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    ranks: Amounts = ((2 * ends - count + 1) / 2)[index]
    return ranks


def binomial_band(count: int, level: float) -> tuple[float, float]:
    """Percent of `count` rows between which the coverage lies in 95 of 100 cases.

    The ends are the 2.5 % and the 97.5 % quantile of the binomial distribution.
    """
    whole = lgamma(count + 1)
    total, low, high = 0.0, count, count
    for held in range(count + 1):
        ways = whole - lgamma(held + 1) - lgamma(count - held + 1)
        before, total = (
            total,
            total + exp(ways + held * log(level) + (count - held) * log(1 - level)),
        )
        if before < _TAIL <= total:
            low = held
        if total >= 1 - _TAIL:
            high = held
            break
    return 100 * low / count, 100 * high / count
