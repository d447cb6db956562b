"""Fits this engine's coefficients to published synthesis results (`fpgacomp.engines.refit`).

It needs scipy. Each term's cost at C synthesis is a non-negative,
robust, relative least squares over all layers, families weighted by the root of their
size. Logic synthesis is C synthesis times a ratio per group of terms, from designs known
at both stages. Every error stated is of rows whose whole family was left out of the fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.engines.hls4ml.estimate.rows import (
    Pair,
    csynth_rows,
    logic_synth_rows,
    stage_pairs,
)
from fpgacomp.engines.shared.fitting import Cost, dot, fit_terms, rounded
from fpgacomp.engines.shared.rows import Row
from fpgacomp.engines.shared.terms import RESOURCES
from fpgacomp.ir.types import FloatArray

# Costs that no report isolates, from the fabric itself: one LUT per adder bit, a constant
# comparison of b bits about b/3 LUT6 (the HLS tool counts b/2), a compressor of 3 bits to 2
# per 2 LUTs, a 4:1 multiplexer per LUT6, an SRL32 and a 64-bit ROM per LUT. Shift-add bits
# are the sweep's (hls4ml_dense_csynth.csv), the only rows whose weight values are known.
# An accumulator and a result register per output bit, where none is selected.
FIXED_CSYNTH: Cost = {
    "lut": {"latency_shift_add": 0.83, "adder": 1.0, "comparator": 0.5, "popcount": 1.5,
            "partition_mux": 0.25, "line_buffer": 1.0, "rom": 1.0, "fifo": 1.0, "interface": 1.0,
            "lane_shift": 1.0},
    "ff": {"clip": 0.0, "resource_output": 2.0, "register": 1.0, "fifo": 1.0, "interface": 2.0},
    "dsp": {},
    "bram18": {"weight_rom": 1.0, "fifo": 1.0, "lookup_rom": 1.0},
}  # fmt: skip
# What logic synthesis makes of them. A weight ROM stays as large as it was declared, or is
# moved to LUTs as a whole: no mean says that, so the value is the former and the range both.
FIXED_RATIO: Mapping[str, float] = {
    "comparator": 0.66, "popcount": 0.8, "adder": 0.9, "partition_mux": 1.0, "line_buffer": 1.0,
    "rom": 1.0, "register": 1.0, "interface": 1.0, "lookup_rom": 1.0, "weight_rom": 1.0,
    "lane_shift": 0.5,  # two 2:1 multiplexers with one select are one LUT6
}  # fmt: skip
SELECT = frozenset({
    "resource_input_mux", "resource_output_select", "resource_accumulator_mux", "resource_input",
})  # fmt: skip
FLOOR = {"lut": 50.0, "ff": 50.0, "dsp": 1.0, "bram18": 1.0, "cycles": 1.0, "interval": 1.0}
QUANTITIES = (*RESOURCES, "cycles", "interval")


def fit_csynth(rows: Sequence[Row]) -> Cost:
    """Resource -> term -> cost of one unit at C synthesis, fitted to these rows."""
    cost: Cost = {resource: dict(fixed) for resource, fixed in FIXED_CSYNTH.items()}
    weights = _family_weights(rows, power=0.5)
    for resource in ("lut", "ff"):
        fixed = FIXED_CSYNTH[resource]
        cost[resource] |= fit_terms(
            rows, resource, fixed=fixed, known=fixed, floor=FLOOR[resource], weights=weights
        )
    for strategy in ("latency", "resource"):
        cost["dsp"][strategy] = _dsp_scale(rows, strategy)
    return cost


def _dsp_scale(rows: Sequence[Row], strategy: str) -> float:
    """Median over families of the median of stated DSPs over counted DSPs."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        counted = row.terms["dsp"].get(strategy, 0.0)
        if counted > 0:
            ratios.setdefault(row.family, []).append(row.actual["dsp"] / counted)
    return rounded(float(np.median([np.median(values) for values in ratios.values()])))


def _family_weights(rows: Sequence[Row | Pair], power: float) -> FloatArray:
    count = Counter(row.family for row in rows)
    return np.array([count[row.family] ** -power for row in rows])


# ---------------------------------------------------------------- logic synthesis


def logic_ratios(pairs: Sequence[Pair], rows: Sequence[Row], cost: Cost) -> Cost:
    """Resource -> group of terms -> logic synthesis / C synthesis.

    latency and resource: from the pairs; geometric mean over families of each family's
    median, for the families are few and far apart. select (the multiplexers and registers
    around time-shared multipliers): what the two-Dense designs, which are little else, leave.
    """
    ratios: Cost = {}
    for resource in RESOURCES:
        groups: dict[str, dict[str, list[float]]] = {"latency": {}, "resource": {}}
        for pair in pairs:
            before, after = pair.csynth.get(resource, 0), pair.logic_synth.get(resource, 0)
            if before > 0 and after > 0:
                groups[pair.strategy].setdefault(pair.family, []).append(after / before)
        found_ratios = {name: _typical(found) for name, found in groups.items()}
        ratios[resource] = found_ratios | {
            "select": _select_ratio(rows, cost, found_ratios, resource)
        }
    # A DSP stays one: median 1.00 over the pairs; the exceptions exceed their device.
    ratios["dsp"] = dict.fromkeys(ratios["dsp"], 1.0)
    return ratios


def _select_ratio(
    rows: Sequence[Row], cost: Cost, ratios: Mapping[str, float], resource: str
) -> float:
    """Median of (measured - all other terms) / multiplexers and registers at C synthesis."""
    found = []
    for row in rows:
        select = {t: a for t, a in row.terms[resource].items() if t in SELECT}
        rest = {t: a for t, a in row.terms[resource].items() if t not in SELECT}
        scaled = sum(_ratio(t, ratios) * cost[resource].get(t, 0.0) * a for t, a in rest.items())
        before = dot(cost[resource], select)
        if before > 0:
            found.append(max(row.actual[resource] - scaled, 0.0) / before)
    return rounded(float(np.median(found))) if found else ratios["resource"]


def _typical(families: Mapping[str, Sequence[float]]) -> float:
    if not families:
        return 1.0
    return rounded(float(np.exp(np.mean([np.log(np.median(v)) for v in families.values()]))))


def logic_cost(csynth: Cost, ratios: Cost) -> Cost:
    """C synthesis costs scaled to logic synthesis."""
    return {
        resource: {
            term: rounded(value * _ratio(term, ratios[resource])) for term, value in costs.items()
        }
        for resource, costs in csynth.items()
    }


def _ratio(term: str, ratios: Mapping[str, float]) -> float:
    if term in FIXED_RATIO:
        return FIXED_RATIO[term]
    if term in SELECT:
        return ratios["select"]
    folded = term.startswith("resource") or term == "design"
    return ratios["resource" if folded else "latency"]


# ---------------------------------------------------------------- errors and ranges

Predictions = list[tuple[Row, dict[str, float]]]


def held_out(rows: Sequence[Row], fit: Callable[[Sequence[Row]], Cost]) -> Predictions:
    """Each row predicted by a fit that never saw its family.

    A term that this family alone has keeps its cost of the whole fit: nothing else says any.
    """
    whole = fit(rows)
    predicted: Predictions = []
    for family in sorted({row.family for row in rows}):
        others = fit([row for row in rows if row.family != family])
        cost = {resource: whole[resource] | others[resource] for resource in whole}
        predicted += [(row, predict(cost, row)) for row in rows if row.family == family]
    return predicted


def predict(cost: Cost, row: Row) -> dict[str, float]:
    """Predicted resources of one row, with cycles and interval where it has a timing."""
    return {r: dot(cost[r], row.terms[r]) for r in RESOURCES} | dict(row.timing)


def held_out_logic(pairs: Sequence[Pair], rows: Sequence[Row], cost: Cost) -> Predictions:
    """Logic synthesis rows predicted with ratios that come from the other families only."""
    ratios = logic_ratios(pairs, [], cost)
    return [(row, predict(logic_cost(cost, ratios), row)) for row in rows]


def errors(predicted: Predictions, quantity: str) -> dict[str, float]:
    """Count, median absolute percentage error and SMAPE in percent, R²; zeros count in SMAPE."""
    both = [(p[quantity], row.actual[quantity]) for row, p in predicted if quantity in p]
    if not both:
        return {}
    guess, actual = np.array(both).T
    some, total = actual > 0, np.abs(guess) + np.abs(actual)
    share = np.where(total > 0, 200 * np.abs(guess - actual) / np.where(total > 0, total, 1), 0.0)
    variance = float(((actual - actual.mean()) ** 2).sum())
    result = {"count": float(len(both)), "smape": float(share.mean())}
    if some.any():
        relative = np.abs(guess - actual)[some] / actual[some]
        result["median_ape"] = 100 * float(np.median(relative))
    if variance > 0:
        result["r2"] = 1 - float(((guess - actual) ** 2).sum()) / variance
    return {name: round(value, 2) for name, value in result.items()}


def spread(predicted: Predictions, quantity: str) -> tuple[float, float]:
    """10 % and 90 % quantiles of measured / predicted; families weigh the root of their size."""
    rows = [(row, p[quantity]) for row, p in predicted if quantity in p]
    rows = [(row, guess) for row, guess in rows if guess > 0 and row.actual[quantity] > 0]
    if not rows:
        return 1.0, 1.0
    floor = FLOOR[quantity]
    log = np.log([max(row.actual[quantity], floor) / max(g, floor) for row, g in rows])
    return _quantiles(log, _family_weights([row for row, _ in rows], power=0.5))


def rom_spread(pairs: Sequence[Pair], rows: Sequence[Row]) -> tuple[float, float]:
    """Quantiles of block RAM after logic synthesis / as declared."""
    measured: list[tuple[Row | Pair, float]] = []
    for pair in pairs:
        before, after = pair.csynth.get("bram18", 0), pair.logic_synth.get("bram18", 0)
        if before > 0 and after > 0:
            measured.append((pair, after / before))
    for row in rows:
        declared = row.terms["bram18"].get("weight_rom", 0.0)
        if declared > 0 and row.actual["bram18"] > 0:
            measured.append((row, row.actual["bram18"] / declared))
    log = np.log([ratio for _, ratio in measured])
    return _quantiles(log, _family_weights([unit for unit, _ in measured], power=0.5))


def pair_spread(pairs: Sequence[Pair], ratios: Cost, resource: str) -> tuple[float, float]:
    """10 % and 90 % quantiles of measured / predicted ratio of logic to C synthesis."""
    kept, log = [], []
    for pair in pairs:
        before, after = pair.csynth.get(resource, 0), pair.logic_synth.get(resource, 0)
        if before > 0 and after > 0:
            kept.append(pair)
            log.append(np.log(after / before / ratios[resource][pair.strategy]))
    if not kept:
        return 1.0, 1.0
    return _quantiles(np.array(log), _family_weights(kept, power=0.5))


def _quantiles(log: FloatArray, weight: FloatArray) -> tuple[float, float]:
    order = np.argsort(log)
    position = np.cumsum(weight[order]) / weight.sum()
    low, high = (float(log[order][np.searchsorted(position, q)]) for q in (0.1, 0.9))
    return min(rounded(np.exp(low)), 1.0), max(rounded(np.exp(high)), 1.0)


def combined(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Two independent factors: their logarithms add in quadrature."""
    log = np.sqrt(np.log(one) ** 2 + np.log(other) ** 2)
    return rounded(float(np.exp(-log[0]))), rounded(float(np.exp(log[1])))


def fit_all(folder: Path) -> dict[str, Any]:
    """The content of this engine's coefficients.json."""
    rows, logic, pairs = csynth_rows(folder), logic_synth_rows(folder), stage_pairs(folder)
    cost = fit_csynth(rows)
    ratios = logic_ratios(pairs, logic, cost)
    unseen, unseen_logic = held_out(rows, fit_csynth), held_out_logic(pairs, logic, cost)
    shipped = logic_cost(cost, ratios)
    seen_logic = [(row, predict(shipped, row)) for row in logic]
    kinds = sorted({row.kind for row in rows})
    csynth_spread, logic_spread = {}, {}
    for kind in kinds:
        of_kind = [(row, p) for row, p in unseen if row.kind == kind]
        csynth_spread[kind] = {q: spread(of_kind, q) for q in QUANTITIES}
        logic_spread[kind] = csynth_spread[kind] | {
            r: combined(csynth_spread[kind][r], pair_spread(pairs, ratios, r))
            for r in ("lut", "ff")
        }
        logic_spread[kind]["bram18"] = rom_spread(pairs, logic)
    return {
        "stages": {
            "csynth": {"cost": cost, "spread": csynth_spread},
            "logic_synth": {"cost": shipped, "spread": logic_spread},
        },
        "ratios": ratios,
        "errors": {
            "csynth": _error_table(unseen),
            "csynth, in sample": _error_table([(row, predict(cost, row)) for row in rows]),
            "logic_synth": {
                "two Dense, ratios of the other families": {
                    r: errors(unseen_logic, r) for r in RESOURCES
                },
                "two Dense, shipped": {r: errors(seen_logic, r) for r in RESOURCES},
            },
        },
        "rows": dict(sorted(Counter(row.family for row in [*rows, *logic]).items())),
        "pairs": dict(sorted(Counter(pair.family for pair in pairs).items())),
    }


def _error_table(predicted: Predictions) -> dict[str, dict[str, dict[str, float]]]:
    kinds: Iterable[str] = sorted({row.kind for row, _ in predicted})
    return {
        kind: {
            q: found
            for q in QUANTITIES
            if (found := errors([(row, p) for row, p in predicted if row.kind == kind], q))
        }
        for kind in kinds
    }


def error_markdown(content: Mapping[str, Any]) -> str:
    """The error tables of README.md."""
    lines = []
    for stage, kinds in content["errors"].items():
        lines += [f"**{stage}**", "", "| rows | quantity | n | median APE % | SMAPE % | R² |"]
        lines.append("|---|---|---|---|---|---|")
        for kind, quantities in kinds.items():
            for quantity, found in quantities.items():
                if "median_ape" in found:
                    numbers = [found["median_ape"], found["smape"], found.get("r2", "")]
                    cells = [kind, quantity, f"{found['count']:.0f}", *map(str, numbers)]
                    lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)
