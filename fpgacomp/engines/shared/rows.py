"""Published synthesis results, as rows of terms and measured figures that a fit starts from."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fpgacomp.engines.shared.terms import Terms

CsvRow = Mapping[str, str]


@dataclass(frozen=True)
class Row:
    """One layer or design whose synthesis report was published.

    Args:
        family: the source of the report; errors are stated for families that the fit left out.
        kind: which spread it belongs to: latency, resource, conv or activation.
        terms: what the unit is made of, as the estimator counts it.
        actual: measured lut, ff, dsp, bram18 and, where the report states them, cycles and
            interval.
        timing: predicted cycles and interval, where the unit's timing is predicted.
    """

    family: str
    kind: str
    terms: Terms
    actual: Mapping[str, float]
    timing: Mapping[str, float] = field(default_factory=dict)


def read_csv(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV file, as column name -> text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
