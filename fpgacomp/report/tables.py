"""Draws the terminal's two tables as lines of text. Names are cut to fit, figures never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fpgacomp.report import wording
from fpgacomp.report.wording import ResourceRow
from fpgacomp.results.report import LayerReport, Report

ROOMY = 96  # columns from which the shapes and longer bars are shown


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        title: its heading.
        right: whether its cells are aligned to the right.
        floor: least width in characters that it may be cut to; None where it is never cut.
    """

    title: str
    right: bool = False
    floor: int | None = None


def resource_lines(report: Report, width: int, *, plain: bool) -> list[str]:
    """One line per resource: bar, share of the budget, figures, and low..high where there is room.

    Args:
        width: columns of the terminal.
        plain: draw with ASCII only.
    """
    columns = [Column(""), Column(""), Column("", right=True), Column(""), Column("")]
    length = 20 if width >= ROOMY else 12
    rows = [
        [
            row.label,
            resource_bar(row, length, plain=plain),
            wording.percent(row.share),
            f"{wording.count(row.used.value)} of {wording.count(row.budget)}",
            wording.spread(row.used),
        ]
        for row in wording.resource_rows(report)
    ]
    if _total(_widths(columns, rows), 2) > width:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return _lines(columns, rows, width, gap=2, plain=plain)


def resource_bar(row: ResourceRow, length: int, *, plain: bool) -> str:
    """Solid up to low, lighter to the estimate, lightest to high; `>` past the budget."""
    solid, middle, light, empty = "#=-." if plain else "█▓░·"
    low, value, high = (
        max(0, round(min(row.of_budget(amount), 1.0) * length))
        for amount in (row.used.low, row.used.value, row.used.high)
    )
    value, high = max(low, value), max(low, value, high)
    bar = solid * low + middle * (value - low) + light * (high - value) + empty * (length - high)
    return bar[:-1] + ">" if row.of_budget(row.used.high) > 1 else bar


def layer_lines(report: Report, width: int, most: int, *, plain: bool) -> list[str]:
    """A header and one line per layer, at most `most` of the heaviest, in network order."""
    roomy = width >= ROOMY
    uram = report.estimate.uram.high > 0
    measured = ("lut",) if roomy and "lut" in wording.measured_keys(report) else ()
    longest = max((layer.estimate.cycles.value for layer in report.layers), default=0.0)
    columns = _layer_columns(roomy=roomy, uram=uram)
    columns[-1:-1] = [Column(wording.measured_label(report, key), right=True) for key in measured]
    rows = []
    for layer in heaviest(report, most):
        figures = layer.estimate
        counted = [figures.lut, figures.dsp, figures.bram18, *([figures.uram] if uram else [])]
        share = figures.cycles.value / longest if longest > 0 else 0.0
        rows.append(
            [
                layer.name,
                layer.kind,
                *([wording.shape_text(layer.shape)] if roomy else []),
                wording.bits_text(layer),
                wording.count(figures.cycles.value),
                ("#" if plain else "█") * round((6 if roomy else 4) * share),
                *(wording.count(figure.value) for figure in counted),
                *(wording.measured_text(report, layer.name, key) for key in measured),
                wording.folding_text(layer.folding),
            ]
        )
    header = [column.title for column in columns]
    return _lines(columns, [header, *rows], width, gap=2 if roomy else 1, plain=plain)


def _layer_columns(*, roomy: bool, uram: bool) -> list[Column]:
    return [
        Column("layer", floor=6),
        Column("kind", floor=6),
        *([Column("shape")] if roomy else []),
        Column("bits w/in/acc" if roomy else "w/in/acc"),
        Column("span", right=True),
        Column("time"),
        Column("LUT", right=True),
        Column("DSP", right=True),
        Column("BRAM", right=True),
        *([Column("URAM", right=True)] if uram else []),
        Column("folding", floor=8),
    ]


def heaviest(report: Report, most: int) -> list[LayerReport]:
    """The layers with the largest share of the time or of a resource that the design takes."""
    longest = max((layer.estimate.cycles.value for layer in report.layers), default=0.0)
    totals = [(row.key, row.used.value) for row in wording.resource_rows(report)]

    def weight(layer: LayerReport) -> float:
        shares = [layer.estimate.cycles.value / longest if longest > 0 else 0.0]
        for key, total in totals:
            shares.append(layer.estimate.resources[key].value / total if total > 0 else 0.0)
        return max(shares)

    ranked = sorted(report.layers, key=weight, reverse=True)[:most]
    chosen = {layer.name for layer in ranked}
    return [layer for layer in report.layers if layer.name in chosen]


def _lines(
    columns: Sequence[Column], rows: list[list[str]], width: int, *, gap: int, plain: bool
) -> list[str]:
    """Aligned lines; columns with a floor are cut, the last first, until the width is kept."""
    widths = _widths(columns, rows)
    for place in reversed(range(len(columns))):
        floor = columns[place].floor
        if floor is not None:
            excess = max(0, _total(widths, gap) - width)
            widths[place] = max(min(floor, widths[place]), widths[place] - excess)
    return [
        (" " * gap)
        .join(
            _cell(text, room, column.right, plain)
            for text, room, column in zip(row, widths, columns)
        )
        .rstrip()
        for row in rows
    ]


def _widths(columns: Sequence[Column], rows: list[list[str]]) -> list[int]:
    return [
        max((len(row[place]) for row in rows), default=len(column.title))
        for place, column in enumerate(columns)
    ]


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _cell(text: str, room: int, right: bool, plain: bool) -> str:
    if len(text) > room:
        text = text[: room - 1] + ("~" if plain else "…")
    return text.rjust(room) if right else text.ljust(room)
