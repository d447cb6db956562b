"""Coefficients from published rows: the costs of a fit, and ranges from rows it had not seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import exp, hypot, log
from typing import Any

import numpy as np

from fpgacomp.engines.shared.conformal import Range, Score, conformal_range
from fpgacomp.engines.shared.fitting import Cost, rounded
from fpgacomp.engines.shared.rows import Row
from fpgacomp.engines.shared.terms import RESOURCES, dot
from fpgacomp.results.estimate import Stage

Costs = Mapping[str, Cost]  # stage -> cost of each term; logic_synth serves both late stages
Fit = Callable[[Sequence[Row]], Costs]
Declared = Mapping[str, Mapping[str, float]]  # resource -> term -> cost
Assumed = Mapping[str, Mapping[str, tuple[float, float]]]  # kind -> resource -> range
Scores = dict[tuple[str, str, str], list[Score]]  # (stage, kind, quantity) -> errors

EARLY: Stage = "csynth"
LATE: Stage = "logic_synth"
QUANTITIES = (*RESOURCES, "cycles", "interval")
# Fewest left-out rows from which a kind has a range of its own.
LEAST_ROWS = 8
# Kinds of units whose weights decide what they take.
PRODUCTS = ("latency", "latency_typical", "resource", "conv", "conv_typical")
# Fewest repositories from which the tool's share is known, and the factor that is assumed below.
LEAST_FAMILIES, FEW_FAMILIES = 3, 1.5
# Half width of the middle 90 % of a normal distribution, per median of its absolute values.
_OF_MEDIAN = 1.6449 / 0.6745


def stage_of(row: Row) -> Stage:
    """Whose costs predict the row: no published result tells placement from logic synthesis."""
    return EARLY if row.stage == "csynth" else LATE


def left_out(rows: Sequence[Row], fit: Fit) -> Iterator[tuple[Row, Cost]]:
    """Each row with the costs of a fit that saw nothing of the row's repository."""
    for family in sorted({row.source for row in rows}):
        costs = fit([row for row in rows if row.source != family])
        for row in rows:
            if row.source == family:
                yield row, costs[stage_of(row)]


def scores_of(predicted: Iterable[tuple[Row, Cost]], declared: Mapping[str, Declared]) -> Scores:
    """The errors of left-out rows, by stage, kind and quantity."""
    scores: Scores = defaultdict(list)
    for row, cost in predicted:
        stage = stage_of(row)
        around = {**cost, **declared.get(stage, {})}
        guessed = {r: dot(around[r], row.terms[r]) for r in RESOURCES} | dict(row.timing)
        for quantity, actual in row.actual.items():
            if quantity in guessed and max(actual, guessed[quantity]) > 0:
                score = Score.of(row.source, quantity, guessed[quantity], actual)
                scores[stage, row.kind, quantity].append(score)
    return scores


def content(
    rows: Sequence[Row],
    fit: Fit,
    stages: Mapping[str, Sequence[str]],
    assumed: Assumed,
    declared: Mapping[str, Declared] | None = None,
) -> dict[str, Any]:
    """The content of an engine's coefficients.json.

    Args:
        rows: published results.
        fit: what gives the costs of each stage.
        stages: stage -> the kinds of units that have costs there.
        assumed: kind -> resource -> range of kinds that fewer than LEAST_ROWS rows show.
        declared: stage -> resource -> costs of which its range is a multiple, where they are
            not the fitted ones.
    """
    declared = declared or {}
    costs, scores = fit(rows), scores_of(left_out(rows, fit), declared)
    return {
        "stages": {
            stage: {"cost": costs[stage], "declared": declared.get(stage, {})}
            | _ranges(scores, stage, kinds, assumed)
            for stage, kinds in stages.items()
        },
        "sources": sorted({row.source for row in rows}),
        "rows": dict(sorted(Counter(f"{row.source} {row.kind}" for row in rows).items())),
    }


def _ranges(scores: Scores, stage: str, kinds: Sequence[str], assumed: Assumed) -> dict[str, Any]:
    """Spread of each kind, the tool's share of it, and how many rows each comes from."""
    tool = {q: _tool_range(scores, stage, q) for q in QUANTITIES}
    spread: dict[str, Any] = {}
    count: dict[str, Any] = {}
    for kind in kinds:
        ranges = {
            q: _kind_range(scores, stage, kind, q, tool[q], assumed.get(kind, {}))
            for q in QUANTITIES
        }
        spread[kind] = {q: [r.low, r.high] for q, r in ranges.items()}
        count[kind] = {q: r.count for q, r in ranges.items() if r.count}
    tools = {q: [r.low, r.high] for q, r in tool.items()}
    residuals = {
        kind: {q: _quantiles(some) for q in QUANTITIES if (some := scores.get((stage, kind, q)))}
        for kind in kinds
    }
    return {"spread": spread, "tool": tools, "count": count, "residuals": residuals}


def _quantiles(scores: Sequence[Score]) -> list[float]:
    """Measured / predicted of rows that were left out: 5, 25, 50, 75 and 95 % quantile."""
    logs = np.quantile([score.log for score in scores], [0.05, 0.25, 0.5, 0.75, 0.95])
    return [rounded(exp(value)) for value in logs.tolist()]


def _kind_range(
    scores: Scores,
    stage: str,
    kind: str,
    quantity: str,
    tool: Range,
    assumed: Mapping[str, tuple[float, float]],
) -> Range:
    """A kind's range from its own rows; else from C synthesis and the tool; else what is assumed.

    Sums of products inherit from C synthesis, for nearly all of their error is in what they are
    made of. Registers and memories do not: logic synthesis finds registers that C synthesis does
    not count, and moves or copies memories.

    A quantity without an assumption is exact until LEAST_ROWS rows say otherwise.
    """
    own = scores.get((stage, kind, quantity), [])
    if len(own) >= LEAST_ROWS:
        return conformal_range(own)
    early = scores.get((EARLY, kind, quantity), [])
    inherits = stage != EARLY and kind in PRODUCTS and quantity not in ("ff", "bram18")
    if inherits and len(early) >= LEAST_ROWS:
        return combined(conformal_range(early), tool)
    return Range(*assumed.get(quantity, (1.0, 1.0)), 0)


def _tool_range(scores: Scores, stage: str, quantity: str) -> Range:
    """The error that all units of a design share: what is common to each repository's rows.

    It comes from the median error of each repository's sums of products. For a normal
    distribution the median of their absolute values gives the range at LEVEL. DSP blocks, memory
    and cycles follow from structure, which no tool shifts as a whole.
    """
    if quantity not in ("lut", "ff"):
        return Range(1.0, 1.0, 0)
    by_family: dict[str, list[float]] = defaultdict(list)
    for (at, kind, q), some in sorted(scores.items()):
        if (at, q) == (stage, quantity) and kind in PRODUCTS:
            for score in some:
                by_family[score.source].append(score.log)
    if len(by_family) < LEAST_FAMILIES:
        return Range(1 / FEW_FAMILIES, FEW_FAMILIES, 0)
    middle = float(np.median([abs(np.median(logs)) for logs in by_family.values()]))
    factor = rounded(exp(_OF_MEDIAN * middle))
    return Range(rounded(1 / factor), factor, len(by_family))


def combined(one: Range, other: Range) -> Range:
    """Two independent factors: their logarithms add up in quadrature."""
    low, high = (hypot(log(a), log(b)) for a, b in ((one.low, other.low), (one.high, other.high)))
    return Range(rounded(exp(-low)), rounded(exp(high)), one.count)
