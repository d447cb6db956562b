"""Fits the costs of terms to measured instances, module by module, and judges what was left out.

Every fifth instance, by its digest, is left out of a fit that predicts it. Families that were
measured later start from the costs of the first, times one factor for each module and resource.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fpgacomp.engines.shared.calibrate import LEAST_ROWS
from fpgacomp.engines.shared.conformal import Score, conformal_range
from fpgacomp.engines.shared.fitting import Cost, fit_costs
from fpgacomp.engines.shared.rows import Row
from fpgacomp.engines.shared.terms import RESOURCES, dot
from fpgacomp.engines.stream.estimate.rtl.measured import FOLDS, fold_of
from fpgacomp.engines.stream.estimate.rtl.modules import amount, fabric_cost

Costs = dict[str, Cost]  # module -> resource -> term -> cost of one unit
Ranges = dict[str, dict[str, list[float]]]  # module -> resource -> factors of the value
FITTED = ("lut", "ff")


def fit_modules(rows: Sequence[Row], first: Sequence[Row] = ()) -> Costs:
    """The costs of each module's terms, from the rows of that module alone.

    Args:
        first: rows of the family whose costs are the start; () starts from the fabric's.
    """
    start = fit_modules(first) if first else {}
    by_module: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_module[row.kind].append(row)
    fitted = {
        module: _fit(some, start.get(module, {})) for module, some in sorted(by_module.items())
    }
    return start | fitted


def _fit(rows: Sequence[Row], start: Cost) -> Cost:
    """The costs of one module's terms."""
    begun: Cost = {}
    for resource in FITTED:
        shown = sorted({term for row in rows for term in row.terms[resource]})
        known = start.get(resource, {})
        costs = {term: known.get(term, fabric_cost(resource, term)) for term in shown}
        factor = _factor(costs, rows, resource) if start else 1.0
        begun[resource] = {term: cost * factor for term, cost in costs.items()}
    found = fit_costs(rows, begun)
    return {resource: found[resource] for resource in FITTED}


def _factor(costs: Mapping[str, float], rows: Sequence[Row], resource: str) -> float:
    """What these rows take, over what these costs say of them."""
    said = sum(dot(costs, row.terms[resource]) for row in rows)
    actual = sum(row.actual[resource] for row in rows)
    return actual / said if said and actual else 1.0


def predicted(costs: Costs, row: Row, resource: str) -> float:
    """What these costs say of an instance; blocks are counted."""
    if resource in FITTED:
        return amount(costs[row.kind][resource], resource, row.terms[resource])
    return sum(row.terms.get(resource, {}).values())


def parts(
    rows: Sequence[Row], first: Sequence[Row] = ()
) -> Iterator[tuple[list[Row], list[Row], list[Row]]]:
    """(rows of a part, all others, those of the first family without that part), part by part."""
    for fold in range(FOLDS):
        kept = [row for row in rows if fold_of(row) != fold]
        out = [row for row in rows if fold_of(row) == fold]
        yield out, kept, [row for row in first if fold_of(row) != fold]


def left_out(rows: Sequence[Row], first: Sequence[Row] = ()) -> Iterator[tuple[Row, Costs]]:
    """Each row with costs of a fit that saw none of the rows of its part."""
    for out, kept, others in parts(rows, first):
        costs = fit_modules(kept, others)
        yield from ((row, costs) for row in out if row.kind in costs)


def family_content(rows: Sequence[Row], first: Sequence[Row] = ()) -> dict[str, Any]:
    """The content of costs.json for a family: costs, ranges, and from how many instances.

    A module of which few instances were measured has the range of the first family.
    """
    ranges = _ranges(first, (), {}) if first else {}
    return {
        "costs": fit_modules(rows, first),
        "ranges": _ranges(rows, first, ranges),
        "instances": len(rows),
    }


def _ranges(rows: Sequence[Row], first: Sequence[Row], few: Ranges) -> Ranges:
    """Module -> resource -> range from the errors of instances that were left out."""
    scores: dict[tuple[str, str], list[Score]] = defaultdict(list)
    for row, costs in left_out(rows, first):
        for resource in RESOURCES:
            value = predicted(costs, row, resource)
            if max(value, row.actual[resource]) > 0:
                score = Score.of(row.source, resource, value, row.actual[resource])
                scores[row.kind, resource].append(score)
    found: Ranges = {module: dict(of_module) for module, of_module in few.items()}
    for (module, resource), some in sorted(scores.items()):
        of_module = found.setdefault(module, {})
        if len(some) >= LEAST_ROWS or resource not in of_module:
            measured = conformal_range(some)
            of_module[resource] = [measured.low, measured.high]
    return found
