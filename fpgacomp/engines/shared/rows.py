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
    """One measured unit.

    Args:
        family: where it is from; whole families are held out.
        kind: latency, resource, conv or activation.
        actual: lut, ff, dsp, bram18 and, where stated, cycles and interval.
        timing: predicted cycles and interval.
    """

    family: str
    kind: str
    terms: Terms
    actual: Mapping[str, float]
    timing: Mapping[str, float] = field(default_factory=dict)


def read_csv(path: Path) -> list[dict[str, str]]:
    """All rows of one of the files."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
