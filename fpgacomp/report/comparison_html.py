"""The comparison as one self-contained page with accuracy-cost plots that opens offline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.report import comparison as words
from fpgacomp.report import comparison_best as best
from fpgacomp.report import comparison_plot as plots
from fpgacomp.report import wording
from fpgacomp.report.comparison import Section
from fpgacomp.report.comparison_plot import Plot
from fpgacomp.report.pages import page
from fpgacomp.results.comparison import Candidate, Comparison

PLOTTED = ("lut", "weight_bytes", "bops", "latency_us")


@dataclass(frozen=True)
class Frame:
    """Sizes of the drawings in units of the drawing (SVG user units)."""

    width: int = plots.WIDTH
    height: int = plots.HEIGHT
    left: int = plots.LEFT
    right: int = plots.WIDTH - plots.RIGHT
    top: int = plots.TOP
    bottom: int = plots.HEIGHT - plots.BOTTOM
    radius: int = plots.RADIUS


@dataclass(frozen=True)
class LayerTable:
    """The layers of one network as a table."""

    network: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ComparisonView:
    """Everything that the template shows, as text and as places of the drawings."""

    title: str
    subtitle: str
    fronts: tuple[str, ...]
    plots: tuple[Plot, ...]
    frame: Frame
    sections: tuple[Section, ...]
    legend: tuple[str, ...]
    notes: tuple[str, ...]
    layers: tuple[LayerTable, ...]
    version: str


def to_html(comparison: Comparison) -> str:
    """The whole page as text; every value is escaped."""
    return page("comparison.html.j2", _view(comparison))


def _view(comparison: Comparison) -> ComparisonView:
    count = len(comparison.candidates)
    test = comparison.test
    board = f", board {comparison.board_title}" if comparison.board_title else ""
    classes = f", {test.classes} classes" if test.classes is not None else f", {test.task}"
    return ComparisonView(
        title=f"{count} network{'s' if count > 1 else ''} compared",
        subtitle=f"{test.samples:,} test samples of {test.name}{classes}{board}",
        fronts=tuple(best.fronts(comparison)),
        plots=tuple(filter(None, (plots.plot(comparison, name) for name in PLOTTED))),
        frame=Frame(),
        sections=tuple(words.sections(comparison)),
        legend=tuple(words.legend(comparison)),
        notes=(*best.warnings(comparison), *words.notes(comparison)),
        layers=tuple(_layers(comparison)),
        version=comparison.fpgacomp,
    )


def _layers(comparison: Comparison) -> Iterator[LayerTable]:
    for candidate in comparison.candidates:
        if candidate.footprint is not None and candidate.footprint.layers:
            yield LayerTable(candidate.name, tuple(_rows(candidate)))


def _rows(candidate: Candidate) -> Iterator[tuple[str, ...]]:
    assert candidate.footprint is not None
    for layer in candidate.footprint.layers:
        yield (
            layer.name,
            layer.kind,
            layer.storage,
            f"{layer.weight_bits}/{layer.activation_bits}",
            wording.count(layer.weights),
            wording.count(layer.nonzero),
            wording.count(-(-layer.stored_bits // 8)),
            wording.quantity(layer.macs),
            wording.quantity(layer.bops),
            wording.quantity(layer.bops_with_additions),
        )
