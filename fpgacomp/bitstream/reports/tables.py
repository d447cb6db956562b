"""Tables drawn with + and |, as Vitis HLS and Vivado print them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fpgacomp.bitstream.reports.numbers import DamagedReport

_BORDER = re.compile(r"\s*\+-[-+]*\+\s*")


@dataclass(frozen=True)
class DrawnTable:
    """A table and where it stands.

    Args:
        section, group, title: the last lines before it that are `== X`, `+ X` and `* X`.
        header: rows of cells above the first inner border, or all where there is none.
        rows: rows of cells below it; blanks around a cell are kept, as they show a depth.
    """

    section: str
    group: str
    title: str
    header: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The heading of each column; the rows of a heading are joined by blanks."""
        return tuple(" ".join(" ".join(parts).split()) for parts in zip(*self.header, strict=False))

    def named(self) -> Iterator[dict[str, str]]:
        """Each row by heading.

        Raises:
            DamagedReport: a row has other cells than the heading.
        """
        columns = self.columns
        for row in self.rows:
            if len(row) != len(columns):
                raise DamagedReport(f"a row has {len(row)} cells instead of {len(columns)}")
            yield dict(zip(columns, row))


def drawn_tables(lines: Sequence[str]) -> Iterator[DrawnTable]:
    """Every table of a report, in order.

    Raises:
        DamagedReport: the last one has no lower border, so that the file was cut off.
    """
    section = group = title = ""
    place = 0
    while place < len(lines):
        line = lines[place].strip()
        if _BORDER.fullmatch(lines[place]):
            end, groups = _table(lines, place)
            if groups:
                rows = tuple(row for part in groups[1:] for row in part)
                yield DrawnTable(section, group, title, groups[0], rows)
            place = end
            continue
        if line.startswith("== "):
            section, group, title = line.removeprefix("== "), "", ""
        elif line.startswith("+ "):
            group, title = _heading(line), ""
        elif line.startswith("* "):
            title = _heading(line)
        place += 1


def _heading(line: str) -> str:
    return line[2:].split(":")[0].strip()


def _table(lines: Sequence[str], start: int) -> tuple[int, list[tuple[tuple[str, ...], ...]]]:
    """(line behind the table, its rows between each two borders)."""
    groups: list[tuple[tuple[str, ...], ...]] = []
    rows: list[tuple[str, ...]] = []
    place = start + 1
    while place < len(lines):
        line = lines[place].strip()
        if _BORDER.fullmatch(lines[place]):
            groups.append(tuple(rows))
            rows = []
        elif line.startswith("|") and line.endswith("|"):
            rows.append(tuple(line[1:-1].split("|")))
        else:
            break
        place += 1
    if rows:
        raise DamagedReport(f"the table in line {start + 1} has no lower border: it was cut off")
    return place, groups
