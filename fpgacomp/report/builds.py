"""Shows two builds side by side: a table for the terminal, and a page."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fpgacomp.data.metrics import METRICS
from fpgacomp.report import wording
from fpgacomp.report.pages import page
from fpgacomp.results.builds import AGREEMENT, Aspect, BuildComparison, Value


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


def render(comparison: BuildComparison, console: Console) -> None:
    """Print a table with a line for each aspect; lines that differ are bold."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("")
    for folder in (comparison.first, comparison.second, "change"):
        table.add_column(Text(folder), justify="right", overflow="fold")
    for section in _sections(comparison):
        table.add_row(Text(section.title, style="dim"))
        for row in section.rows:
            style = "bold" if row.differs else ""
            cells = (f"  {row.name}", row.first, row.second, row.change)
            table.add_row(*(Text(cell, style=style) for cell in cells))
    console.print(table, highlight=False)


def to_html(comparison: BuildComparison) -> str:
    """The comparison as one page that opens offline; every value is escaped for HTML."""
    view = BuildsView(
        title=f"{comparison.first} and {comparison.second}",
        first=comparison.first,
        second=comparison.second,
        sections=_sections(comparison),
    )
    return page("builds.html.j2", view)


def _sections(comparison: BuildComparison) -> tuple[BuildSection, ...]:
    return tuple(
        BuildSection(title, tuple(_row(aspect) for aspect in aspects))
        for title, aspects in comparison.sections.items()
    )


def _row(aspect: Aspect) -> BuildRow:
    change = aspect.change
    return BuildRow(
        name=aspect.name,
        first=_text(aspect.first, share=_is_share(aspect)),
        second=_text(aspect.second, share=_is_share(aspect)),
        change="" if not change else _change(change),
        differs=aspect.differs,
    )


def _change(change: float) -> str:
    """Whole percents with a sign; a change below half a percent keeps its sign, too."""
    return f"{100 * change:+,.0f} %" if abs(change) >= 0.005 else f"{100 * change:+.2f} %"


def _is_share(aspect: Aspect) -> bool:
    """Whether its figures are shares, which are shown as percents."""
    metric = METRICS.get(aspect.name.rpartition(".")[2])
    is_number = aspect.name == "score" or (metric is not None and not metric.is_share)
    of_samples = (
        aspect.section == "accuracy" and aspect.name not in wording.COUNTS and not is_number
    )
    return of_samples or aspect.name == AGREEMENT


def _text(value: Value, *, share: bool) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if share:
        return wording.agreement(value)
    return wording.count(value) if abs(value) >= 100 else f"{value:.4g}"
