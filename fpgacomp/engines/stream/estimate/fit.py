"""Fits the costs of streaming operators to published FINN nodes (`fpgacomp.engines.refit`).

A row is a distinct node, by what it is made of: several builds of it count once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fpgacomp.engines.shared.calibrate import LATE, Costs, content
from fpgacomp.engines.shared.fitting import fit_costs
from fpgacomp.engines.shared.rows import Row
from fpgacomp.engines.shared.terms import MEMORIES, SOFT
from fpgacomp.engines.stream.estimate.fabric import ASSUMED, FABRIC

KINDS = ("converter", "matrix", "process", "thresholds", "window", "fifo", "shell", "design")


def fit_stream(rows: Sequence[Row]) -> Costs:
    """Stage -> cost of each term, fitted to these rows."""
    return {LATE: fit_costs(rows, FABRIC)}


def stream_content(rows: Sequence[Row]) -> dict[str, Any]:
    """The content of this engine's coefficients.json."""
    return content(distinct(rows), fit_stream, {LATE: KINDS}, ASSUMED)


def distinct(rows: Sequence[Row]) -> list[Row]:
    """One row of each repository's equal nodes, with their median figures."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        terms = {name: row.terms[name] for name in row.terms if name not in (MEMORIES, SOFT)}
        key = json.dumps([row.source, row.kind, terms], sort_keys=True)
        found.setdefault(key, []).append(row)
    return [replace(same[0], actual=_median(same)) for same in found.values()]


def _median(rows: Sequence[Row]) -> dict[str, float]:
    shared = set.intersection(*(set(row.actual) for row in rows))
    return {q: float(np.median([row.actual[q] for row in rows])) for q in sorted(shared)}
