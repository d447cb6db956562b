"""What `fpgacomp bench-estimates` found, as text for the terminal and as a table for a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Protocol

from fpgacomp.results.judged import Judged

_HEADINGS = ("table", "stage", "kind", "of", "n", "repos", "APE %", "bias %", "rank", "held %",
             "95 % band", "width")  # fmt: skip


class Bench(Protocol):
    """What is shown of an `EstimateBench`."""

    @property
    def level(self) -> float: ...

    @property
    def leave_out(self) -> str: ...

    @property
    def judged(self) -> Sequence[Judged]: ...

    @property
    def left(self) -> Sequence[tuple[str, str, int]]: ...

    @property
    def rows(self) -> int: ...


def text(bench: Bench) -> str:
    """The whole result: what was judged how, a table, and the rows that were not judged."""
    how = {
        "nothing": "the shipped coefficients, which saw the published tables",
        "repository": "coefficients and ranges that saw nothing of the row's repository",
    }[bench.leave_out]
    lines = [f"{bench.rows} rows rebuilt, predicted by {how}.", ""]
    told = _table(bench.judged, bench.level) if bench.judged else ()
    return "\n".join([*lines, *told, *_not_rebuilt(bench)])


def table_text(judged: Sequence[Judged], level: float) -> str:
    """Judgements as a table for the terminal, and what its headings mean."""
    return "\n".join(_table(judged, level))


def _table(judged: Sequence[Judged], level: float) -> Iterator[str]:
    """The judgements below headings, and what the headings mean."""
    rows = [_HEADINGS, *(_cells(entry) for entry in judged)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    yield from ("  ".join(_aligned(row, widths)).rstrip() for row in rows)
    yield from (
        "",
        "APE: median of |estimated - measured| / measured, bias: of the same with its sign. rank: "
        "Spearman's correlation.",
        f"held: ranges that hold the measured figure; {level:.0%} is stated. 95 % band: "
        "where that share of n rows lies in 95 of 100 cases; * marks a share outside of it.",
        "width: mean of (high - low) / estimate.",
        "",
    )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for index, (cell, width) in enumerate(zip(row, widths)):
        yield cell.ljust(width) if index < 4 else cell.rjust(width)


def _cells(entry: Judged) -> tuple[str, ...]:
    band = f"{entry.least_coverage:.0f}-{entry.most_coverage:.0f}"
    outside = "" if entry.least_coverage <= entry.coverage <= entry.most_coverage else "*"
    together = entry.quantity == "resources"
    errors = (
        _number(entry.median_ape, 1), _number(entry.bias, 1), _number(entry.spearman, 2)
    )  # fmt: skip
    return (
        entry.table, entry.stage, entry.kind, entry.quantity, str(entry.count),
        str(entry.repositories), *(("", "", "") if together else errors),
        f"{entry.coverage:.1f}{outside}", band, _number(entry.mean_width, 2),
    )  # fmt: skip


def _number(value: float, digits: int) -> str:
    return "" if isnan(value) else f"{value:.{digits}f}"


def _not_rebuilt(bench: Bench) -> Iterator[str]:
    total = sum(count for _, _, count in bench.left)
    if not total:
        return
    yield f"{total} rows are not judged:"
    for table, why, count in bench.left:
        yield f"  {table}: {count} rows: {why}"


def markdown(judged: Sequence[Judged]) -> str:
    """The table of docs/estimates.md."""
    lines = ["| " + " | ".join(_HEADINGS) + " |", "|" + "---|" * len(_HEADINGS)]
    lines += ["| " + " | ".join(_cells(entry)) + " |" for entry in judged]
    return "\n".join(lines)
