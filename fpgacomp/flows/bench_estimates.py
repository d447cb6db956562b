"""`fpgacomp bench-estimates`: the estimator judged against tables of synthesis results."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fpgacomp.engines.judging import judged
from fpgacomp.engines.published import TABLES, Published, PublishedTable, rebuilt, table_of
from fpgacomp.errors import InputDataError, MissingInputData
from fpgacomp.host.plain import read_plain
from fpgacomp.host.progress import Observer, silent
from fpgacomp.results.estimate import LEVEL
from fpgacomp.results.judged import Judged

LeaveOut = Literal["nothing", "repository"]
MAX_BYTES = 64 << 20  # of one table
MAX_ROWS = 200_000
MAX_FIELD = 1 << 20  # characters of one cell
_FIX = "name its columns as one of the tables in docs/estimates.md does; their order is free."


@dataclass(frozen=True)
class EstimateBench:
    """What `bench_estimates` found.

    Args:
        level: share of measured figures that the ranges are to hold.
        leave_out: whether each repository was predicted without its own rows.
        judged: one entry per table, stage, kind and quantity.
        left: (table, why, rows) of rows that could not be rebuilt or that were given before, most
            first.
        rows: how many rows were rebuilt; equal rows, and equal FINN nodes of one repository, count
            once.
    """

    level: float
    leave_out: LeaveOut
    judged: tuple[Judged, ...]
    left: tuple[tuple[str, str, int], ...]
    rows: int

    def summary(self) -> dict[str, Any]:
        """The same as values that JSON has, but for NaN, which a JSON document has as null."""
        return {
            "level": self.level,
            "leave_out": self.leave_out,
            "rows": self.rows,
            "judged": [vars(entry) for entry in self.judged],
            "not_rebuilt": [
                {"table": table, "why": why, "rows": rows} for table, why, rows in self.left
            ],
        }


def bench_estimates(
    tables: Sequence[str | Path],
    *,
    leave_out: LeaveOut = "nothing",
    observer: Observer = silent,
) -> EstimateBench:
    """Compare estimates with measured figures of designs that others synthesized.

    Every row whose report states enough is rebuilt as the estimator counts it. The others
    are counted with the reason, and so are rows that equal one before them in every cell.

    Args:
        tables: CSV files; what a file holds is known by its columns.
        leave_out: nothing judges the shipped coefficients, which were fitted to published
            tables. repository predicts the rows of each repository with coefficients and
            ranges that are fitted in this run to the other repositories of these tables.
        observer: told which repository is left out and the share that is done.

    Raises:
        InputDataError: a file that is not such a table, or has no rows.
    """
    published = rebuilt([_read(Path(path)) for path in tables])
    found = judged(published, leave_out=leave_out == "repository", told=observer)
    return EstimateBench(
        LEVEL, leave_out, tuple(found), _left(published),
        sum(len(rows) for rows in published.rows.values()),
    )  # fmt: skip


def _left(published: Published) -> tuple[tuple[str, str, int], ...]:
    entries = [(table, why, count) for (table, why), count in published.left.items()]
    return tuple(sorted(entries, key=lambda entry: (entry[0], -entry[2], entry[1])))


def _read(path: Path) -> tuple[PublishedTable, list[dict[str, str]]]:
    """A table's kind and rows.

    Raises:
        InputDataError: it is too large, no CSV, of unknown columns, ragged or without rows.
    """
    try:
        text = read_plain(path, MAX_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        raise MissingInputData(str(path), "there is no such file.", "check the path.") from None
    except OSError as error:
        raise InputDataError(str(path), f"cannot be read ({error}).", _FIX) from error
    except UnicodeDecodeError as error:
        raise InputDataError(str(path), "is not UTF-8 text.", _FIX) from error
    except ValueError as error:
        raise InputDataError(str(path), f"is refused ({error}).", _FIX) from error
    try:
        return _parsed(path, text)
    except csv.Error as error:
        raise InputDataError(str(path), f"is not a CSV file ({error}).", _FIX) from error


def _nearest(columns: Sequence[str]) -> str:
    """Which table these columns are nearest to, and what they lack or have twice."""
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        return f": {', '.join(twice)} stands there twice"
    present = frozenset(columns)
    nearest = max(TABLES, key=lambda table: len(table.columns & present) / len(table.columns))
    if not nearest.columns & present:
        return ""
    missing = ", ".join(sorted(nearest.columns - present))
    return f": it is nearest to the table {nearest.name!r}, but lacks {missing}"


def _parsed(path: Path, text: str) -> tuple[PublishedTable, list[dict[str, str]]]:
    before = csv.field_size_limit(MAX_FIELD)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        columns = next(lines, [])
        table = table_of(columns)
        if table is None or len(set(columns)) < len(columns):
            why = f"has the columns of no known table{_nearest(columns)}."
            raise InputDataError(str(path), why, _FIX)
        rows: list[dict[str, str]] = []
        for cells in lines:
            if len(cells) <= 1 and not "".join(cells).strip():
                continue  # a blank line, as editors leave one at the end
            if len(cells) != len(columns):
                why = f"has {len(cells)} cells instead of {len(columns)}."
                raise InputDataError(f"{path} line {lines.line_num}", why, "mend the row.")
            if len(rows) == MAX_ROWS:
                raise InputDataError(str(path), f"has more than {MAX_ROWS} rows.", "split it.")
            rows.append(dict(zip(columns, cells)))
    finally:
        csv.field_size_limit(before)
    if not rows:
        raise InputDataError(str(path), "has no rows below its header.", "give a table with rows.")
    return table, rows
