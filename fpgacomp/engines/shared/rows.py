"""Published synthesis results, as rows of terms and measured figures that a fit starts from."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fpgacomp.engines.shared.terms import Terms, merge
from fpgacomp.results.estimate import Stage

CsvRow = Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """A unit of a design: its kind, of which ranges are known, and what it is made of."""

    kind: str
    terms: Terms


@dataclass(frozen=True)
class Row:
    """One layer or design whose synthesis report was published, rebuilt as the estimator counts.

    Args:
        source: the repository of the report; errors are stated for repositories that the fit
            left out.
        kind: of its errors: that of its only part, or `design` for several.
        parts: the units that it consists of.
        actual: measured lut, ff, dsp, bram18 and, where the report states them, cycles and
            interval.
        timing: predicted cycles and interval, where the unit's timing is predicted.
        stage: of the tool flow that the report is of.
    """

    source: str
    kind: str
    parts: tuple[Part, ...]
    actual: Mapping[str, float]
    timing: Mapping[str, float] = field(default_factory=dict)
    stage: Stage = "csynth"

    @cached_property
    def terms(self) -> Terms:
        """What all parts are made of together."""
        return self.parts[0].terms if len(self.parts) == 1 else merge(p.terms for p in self.parts)


@dataclass(frozen=True)
class NotRebuilt:
    """Why a row of a table cannot be rebuilt: what its report does not state, or never occurs."""

    why: str


def read_csv(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV file, as column name -> text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def repository(source: str) -> str:
    """The repository or paper that a `source` or `repo` column names, without path or version."""
    name = source.removeprefix("github ").split(" ")[0]
    return "/".join(name.split("/")[:2])


def number(text: str | None) -> float | None:
    """The number that a cell states; None where it is empty.

    Raises:
        ValueError: it is not a finite number, or is negative.
    """
    if text is None or not text.strip():
        return None
    value = float(text)
    if not 0 <= value < 1e12:
        raise ValueError(f"{text} is not an amount")
    return value


def clock_ns(text: str) -> float:
    """The clock's period that a cell states; 5 ns, hls4ml's own, where it is empty.

    Raises:
        ValueError: no device has such a clock.
    """
    value = number(text) or 5.0
    if not 0.1 <= value <= 1e6:
        raise ValueError(f"{text} ns is no clock")
    return value


def block_ram(x: CsvRow, *, of36: str, of18: str | None = None) -> dict[str, float]:
    """Measured memory blocks of 18 kbit; nothing where a cell that counts them is empty.

    Args:
        of36: column that counts blocks of 36 kbit.
        of18: column that counts those of 18 kbit beside them; None where the table has none.
    """
    counts = [number(x.get(of36)), 0.0 if of18 is None else number(x.get(of18))]
    stated = [count for count in counts if count is not None]
    return {"bram18": 2 * stated[0] + stated[1]} if len(stated) == len(counts) else {}


def figures(x: CsvRow, columns: Mapping[str, str]) -> dict[str, float]:
    """Measured figures: quantity -> column, of those that the row states."""
    found = {quantity: number(x.get(column)) for quantity, column in columns.items()}
    return {quantity: value for quantity, value in found.items() if value is not None}
