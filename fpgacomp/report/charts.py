"""The report's charts as places on a scale: timeline, LUTs by layer, histograms, confusion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fpgacomp.report import wording
from fpgacomp.results.distribution import Confusion, Histogram
from fpgacomp.results.estimate import Figure
from fpgacomp.results.report import LayerReport

CELL, EDGE = 28, 34  # of the confusion matrix, in pixels
MOST_DRAWN = 12  # classes; a larger matrix would be too small to read on a phone
MOST_PAIRS = 10


@dataclass(frozen=True)
class TimeSpan:
    """A row of the timeline on a scale of 0 to 100: when a layer works, and how long it is busy."""

    name: str
    start: float
    length: float
    busy: float
    cycles: str
    interval: str
    slowest: bool


@dataclass(frozen=True)
class Bar:
    """A named bar on a scale of 0 to 100, with its figure and its share of the whole."""

    name: str
    length: float
    value: str
    share: str


@dataclass(frozen=True)
class ChartColumn:
    """A bin of a histogram: its left edge, width and height on scales of 0 to 100."""

    x: float
    width: float
    height: float


@dataclass(frozen=True)
class HistogramView:
    """A histogram, its title, and what is written under its two ends."""

    title: str
    detail: str
    low: str
    high: str
    columns: tuple[ChartColumn, ...]


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix in pixels; `strength` is one of 0 to 4."""

    x: int
    y: int
    text: str
    right: bool
    strength: int
    tip: str


@dataclass(frozen=True)
class ConfusionView:
    """The matrix where it is small enough to be read, and the pairs confused most often."""

    size: int
    classes: tuple[int, ...]
    cells: tuple[Cell, ...]
    pairs: tuple[str, ...]


def place(percent: float) -> float:
    """Two decimals are finer than a pixel, and keep the page the same on every machine."""
    return round(percent, 2) if math.isfinite(percent) else 100.0


def with_spread(figure: Figure) -> str:
    """The value, and its range where it is not exact."""
    between = wording.spread(figure)
    value = wording.count(figure.value)
    return f"{value} ({between})" if between else value


def timeline(layers: Sequence[LayerReport]) -> Iterator[TimeSpan]:
    """One span for each layer; the layers with the longest interval are marked."""
    ends = [(x.estimate.start or 0.0) + x.estimate.cycles.value for x in layers]
    intervals = [layer.estimate.interval.value for layer in layers]
    slowest = max(intervals, default=0.0)
    marked = slowest if intervals.count(slowest) < len(intervals) else None
    scale = 100 / (max([*ends, slowest], default=0.0) or 1.0)
    for layer in layers:
        estimate = layer.estimate
        start = (estimate.start or 0.0) * scale
        yield TimeSpan(
            name=layer.name,
            start=place(start),
            length=place(estimate.cycles.value * scale),
            busy=place(min(estimate.interval.value * scale, 100 - start)),
            cycles=with_spread(estimate.cycles),
            interval=with_spread(estimate.interval),
            slowest=estimate.interval.value == marked,
        )


def lut_bars(layers: Sequence[LayerReport], whole: float) -> Iterator[Bar]:
    """LUTs of each layer, and of what no layer owns where that is anything.

    Args:
        whole: LUTs of the design.
    """
    amounts = [(layer.name, layer.estimate.lut.value) for layer in layers]
    rest = whole - sum(amount for _, amount in amounts)
    amounts += [("between layers", rest)] if rest >= 0.5 else []
    longest = max((amount for _, amount in amounts), default=0.0) or 1.0
    for name, amount in amounts:
        share = amount / whole if whole > 0 else 0.0
        yield Bar(
            name, place(100 * amount / longest), wording.count(amount), wording.percent(share)
        )


def weight_histograms(layers: Sequence[LayerReport]) -> Iterator[HistogramView]:
    """The weights of each layer that has some."""
    for layer in layers:
        if layer.weights is not None:
            what = f"{layer.weight_bits} bits, {wording.quantity(layer.weights.total)} weights"
            yield _histogram(layer.name, what, layer.weights)


def activation_histograms(layers: Sequence[LayerReport]) -> Iterator[HistogramView]:
    """What each layer gave for the vectors, where they were run."""
    for layer in layers:
        if layer.activations is not None:
            kind = layer.output_type.partition("[")[0]
            yield _histogram(layer.name, kind, layer.activations)


def _histogram(title: str, what: str, histogram: Histogram) -> HistogramView:
    width = 100 / len(histogram.counts)
    most = max(histogram.counts)
    zero = wording.percent(histogram.zeros / histogram.total)
    return HistogramView(
        title=title,
        detail=f"{what}, {zero} are 0",
        low=f"{histogram.low:,}",
        high=f"{histogram.high:,}",
        columns=tuple(
            ChartColumn(place(number * width), place(0.9 * width), place(100 * count / most))
            for number, count in enumerate(histogram.counts)
        ),
    )


def confusion_view(confusion: Confusion | None) -> ConfusionView | None:
    """The matrix in pixels, a row for each true class; None where there is none."""
    if confusion is None:
        return None
    counts = confusion.counts
    drawn = len(counts) <= MOST_DRAWN
    wrong = sorted(
        ((n, truth, given) for truth, row in enumerate(counts) for given, n in enumerate(row)
         if truth != given and n),
        key=lambda found: (-found[0], found[1], found[2]),
    )  # fmt: skip
    return ConfusionView(
        size=EDGE + CELL * len(counts),
        classes=tuple(range(len(counts))) if drawn else (),
        cells=tuple(_cells(confusion)) if drawn else (),
        pairs=tuple(
            f"{truth} taken for {given}: {_times(number)}"
            for number, truth, given in wrong[:MOST_PAIRS]
        ),
    )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _cells(confusion: Confusion) -> Iterator[Cell]:
    for truth, row in enumerate(confusion.counts):
        of_class = sum(row)
        for given, number in enumerate(row):
            yield Cell(
                x=EDGE + CELL * given,
                y=EDGE + CELL * truth,
                text=f"{number:,}" if number else "",
                right=truth == given,
                strength=math.ceil(4 * number / of_class) if number else 0,
                tip=f"class {truth} taken for {given}: {number:,} of {of_class:,}",
            )
