"""Shows two builds side by side: a table for the terminal, and a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fpgacomp.data.percents import agreement_text
from fpgacomp.report import wording
from fpgacomp.report.pages import page
from fpgacomp.results.builds import AGREEMENT, CERTAIN, FITS, Aspect, BuildComparison, Value

_PLACES = ("first", "second")
# What report.json says of a task beside its figures.
_FACTS = {
    "task": "kind of task",
    "task_found": "task, and how it was found",
    "metric": "figure that counts most",
    "held_out_of": "samples held out of",
}
# Every other figure is a number of something and is shown without decimals.
_FRACTIONS = frozenset({"clock in MHz", "latency in us", "frames per second"})


@dataclass(frozen=True)
class BuildRow:
    """A line of the comparison as text; `differs` marks it."""

    name: str
    first: str
    second: str
    change: str
    differs: bool


@dataclass(frozen=True)
class BuildSection:
    """The lines under one heading."""

    title: str
    rows: tuple[BuildRow, ...]


@dataclass(frozen=True)
class BuildsView:
    """Everything that the page shows."""

    title: str
    first: str
    second: str
    sections: tuple[BuildSection, ...]
    notes: tuple[str, ...]


def render(comparison: BuildComparison, console: Console) -> None:
    """Print a table with a line for each aspect; lines that differ are bold."""
    for place, folder in zip(_PLACES, (comparison.first, comparison.second)):
        console.print(Text(f"{place + ':':8}{folder}"), soft_wrap=True, highlight=False)
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("")
    for heading in (*_PLACES, "change"):
        table.add_column(heading, justify="right", overflow="fold")
    for section in _sections(comparison):
        table.add_row(Text(section.title, style="dim"))
        for row in section.rows:
            style = "bold" if row.differs else ""
            cells = (f"  {row.name}", row.first, row.second, row.change)
            table.add_row(*(Text(cell, style=style) for cell in cells))
    console.print(table, highlight=False)
    for note in comparison.notes:
        console.print(Text(f"note: {note}", style="yellow"), soft_wrap=True, highlight=False)


def to_html(comparison: BuildComparison) -> str:
    """The comparison as one page that opens offline; every value is escaped for HTML."""
    view = BuildsView(
        title=f"{comparison.first} and {comparison.second}",
        first=comparison.first,
        second=comparison.second,
        sections=_sections(comparison),
        notes=comparison.notes,
    )
    return page("builds.html.j2", view)


def _sections(comparison: BuildComparison) -> tuple[BuildSection, ...]:
    return tuple(
        BuildSection(title, tuple(_rows(aspects))) for title, aspects in comparison.sections.items()
    )


def _rows(aspects: Sequence[Aspect]) -> Iterator[BuildRow]:
    """A row for each aspect; whether a design fits, and for certain, is one row."""
    certain = next((x for x in aspects if (x.section, x.name) == ("verdict", CERTAIN)), None)
    for aspect in aspects:
        if certain is not None and aspect.name == FITS:
            yield _fits(aspect, certain)
        elif aspect is not certain:
            yield _row(aspect)


def _fits(fits: Aspect, certain: Aspect) -> BuildRow:
    """Yes, probably (where the high end of an estimate does not fit), or no."""
    first, second = (
        "probably" if fit and sure is False else _text(fits, fit)
        for fit, sure in ((fits.first, certain.first), (fits.second, certain.second))
    )
    return BuildRow(fits.name, first, second, change="", differs=first != second)


def _row(aspect: Aspect) -> BuildRow:
    change = aspect.change
    return BuildRow(
        name=_name(aspect),
        first=_text(aspect, aspect.first),
        second=_text(aspect, aspect.second),
        change="" if not change else _change(change),
        differs=aspect.differs,
    )


def _change(change: float) -> str:
    """Whole percents with a sign; a change below half a percent keeps its sign, too."""
    return f"{100 * change:+,.0f} %" if abs(change) >= 0.005 else f"{100 * change:+.2f} %"


def _name(aspect: Aspect) -> str:
    """The heading of a row: figures and facts of an accuracy have keys in report.json."""
    if aspect.section != "accuracy":
        return aspect.name
    return _FACTS.get(aspect.name) or wording.figure_name(aspect.name)


def _text(aspect: Aspect, value: Value) -> str:
    """A value as people read it: one kind of number in all rows of a kind."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if aspect.name == AGREEMENT:
        return agreement_text(value)
    if aspect.section == "accuracy":
        return wording.score_text(aspect.name, value)
    return f"{value:,.4g}" if aspect.name in _FRACTIONS and value < 1000 else f"{value:,.0f}"
