"""Places of a scatter plot: accuracy against a cost, the front of the best, readable labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fpgacomp.data.metrics import METRICS, Metric
from fpgacomp.report import wording
from fpgacomp.report.comparison_best import MEASURE_WORDS
from fpgacomp.results.comparison import Candidate, Comparison, amount, pareto_front

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 14, 44
RADIUS = 5
_LETTER, _LINE = 7.0, 12.0  # of the labels, in units of the drawing
_LOGARITHMIC_FROM = 20.0  # times the smallest cost


@dataclass(frozen=True)
class Tick:
    """A line of the grid and its figure."""

    place: float
    text: str


@dataclass(frozen=True)
class Mark:
    """One place with the numbers of the networks there; `tip` is read aloud and on hovering."""

    x: float
    y: float
    best: bool
    label: str
    label_x: float
    label_y: float
    anchor: str
    tip: str


@dataclass(frozen=True)
class Plot:
    """A drawing of WIDTH x HEIGHT; `front` is an SVG path through the networks none beats."""

    key: str
    title: str
    summary: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    front: str
    logarithmic: bool


@dataclass(frozen=True)
class Axis:
    """Values to places; a falling one where `last` is less than `first`."""

    low: float
    high: float
    first: float
    last: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = math.log10(low), math.log10(high), math.log10(value)
        return round(self.first + (at - low) / (high - low) * (self.last - self.first), 2)


def plot(comparison: Comparison, measure: str) -> Plot | None:
    """Accuracy against one of `ir.comparison.MEASURES`; None where no network has both."""
    found = [
        (number, candidate, cost)
        for number, candidate in enumerate(comparison.candidates, 1)
        if candidate.scores is not None
        and (cost := amount(candidate, measure)) is not None
        and math.isfinite(cost)
    ]
    if not found:
        return None
    costs = [cost for _, _, cost in found]
    shares = [_score(candidate) for _, candidate, _ in found]
    x_axis, x_ticks = cost_axis(costs, measure)
    metric = METRICS[comparison.test.metric]
    y_axis, y_ticks = score_axis(shares, metric)
    best = pareto_front(comparison.above_floor(), measure)
    spots = [
        _Spot(x_axis.place(cost), y_axis.place(_score(candidate)), number, candidate, cost)
        for number, candidate, cost in found
    ]
    word = MEASURE_WORDS[measure]
    return Plot(
        key=measure.replace("_", "-"),
        title=f"{metric.title[:1].upper()}{metric.title[1:]} against {word}",
        summary=f"{len(found)} networks; {_of_the_best(best)}.",
        x_ticks=x_ticks,
        y_ticks=y_ticks,
        marks=_marks(spots, best, measure, metric),
        front=_front([spot for spot in spots if spot.candidate.name in best]),
        logarithmic=x_axis.logarithmic,
    )


def cost_axis(costs: Sequence[float], measure: str) -> tuple[Axis, tuple[Tick, ...]]:
    """From zero up; by powers of ten where costs are far apart, and none is zero."""
    low, high = min(costs), max(costs)
    first, last = LEFT, WIDTH - RIGHT
    if low > 0 and high / low >= _LOGARITHMIC_FROM:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        axis = Axis(10.0 ** powers[0], 10.0 ** powers[-1], first, last, logarithmic=True)
        values = [10.0**power for power in powers]
    else:
        values = steps(0.0, high or 1.0)
        axis = Axis(values[0], values[-1], first, last)
    return axis, tuple(Tick(axis.place(value), _figure(value, measure)) for value in values)


def score_axis(scores: Sequence[float], metric: Metric) -> tuple[Axis, tuple[Tick, ...]]:
    """Around the scores, at most to 1 (shares to 100 %); it need not begin at zero."""
    low, high = 100 * min(scores), 100 * max(scores)
    margin = max(0.5, 0.1 * (high - low))
    values = steps(max(0.0, low - margin), min(100.0, high + margin))
    axis = Axis(values[0], values[-1], HEIGHT - BOTTOM, TOP)
    texts = [f"{value:g} %" if metric.is_share else f"{value / 100:g}" for value in values]
    ticks = tuple(Tick(axis.place(value), text) for value, text in zip(values, texts))
    return Axis(values[0] / 100, values[-1] / 100, axis.first, axis.last), ticks


def _of_the_best(best: Sequence[str]) -> str:
    return f"none beats {', '.join(best)}" if best else "none reaches the floor"


def steps(low: float, high: float) -> list[float]:
    """Round numbers, 4 to 8 of them, from at most `low` to at least `high`."""
    rough = (high - low) / 5
    unit: float = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


@dataclass(frozen=True)
class _Spot:
    x: float
    y: float
    number: int
    candidate: Candidate
    cost: float


def _score(candidate: Candidate) -> float:
    assert candidate.scores is not None
    return max(0.0, candidate.scores.score)


def _front(spots: list[_Spot]) -> str:
    """A step at every network: what lies right of and below the line is beaten."""
    ordered = sorted({(spot.x, spot.y) for spot in spots}, key=lambda spot: (spot[0], -spot[1]))
    if not ordered:
        return ""
    path = f"M{ordered[0][0]} {ordered[0][1]}"
    return path + "".join(f"H{x}V{y}" for x, y in ordered[1:])


def _marks(
    spots: list[_Spot], best: tuple[str, ...], measure: str, metric: Metric
) -> tuple[Mark, ...]:
    """One mark per place; its label stands where it meets no other mark or label."""
    places: dict[tuple[float, float], list[_Spot]] = {}
    for spot in spots:
        places.setdefault((spot.x, spot.y), []).append(spot)
    taken = [(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in places]
    marks = []
    for (x, y), here in places.items():
        label = ", ".join(str(spot.number) for spot in here)
        label_x, label_y, anchor = _label(x, y, len(label) * _LETTER, taken)
        tip = "; ".join(
            f"{spot.number} {spot.candidate.name}: {metric.text(_score(spot.candidate))}, "
            f"{_amount(spot.cost, measure)}"
            for spot in here
        )
        is_best = any(spot.candidate.name in best for spot in here)
        marks.append(Mark(x, y, is_best, label, label_x, label_y, anchor, tip))
    return tuple(marks)


def _figure(cost: float, measure: str) -> str:
    if measure == "latency_us":
        return wording.duration(cost).replace(" us", " µs") if cost else "0"
    return wording.quantity(cost)


def _amount(cost: float, measure: str) -> str:
    if measure == "latency_us":
        return _figure(cost, measure)
    return f"{wording.count(cost)} {MEASURE_WORDS[measure]}"


_Box = tuple[float, float, float, float]


def _label(x: float, y: float, width: float, taken: list[_Box]) -> tuple[float, float, str]:
    """(x, y of the baseline, anchor) of the first free place around a mark; notes it as taken."""
    near, far = RADIUS + 3, RADIUS + 4 + _LINE
    choices = [
        (x + near, y + 4, "start"), (x - near, y + 4, "end"),
        (x, y - near, "middle"), (x, y + far - 3, "middle"),
        (x + near, y - near, "start"), (x + near, y + far - 3, "start"),
        (x - near, y - near, "end"), (x - near, y + far - 3, "end"),
    ]  # fmt: skip
    free = [choice for choice in choices if _inside(_box(choice, width))]
    clear = (
        choice for choice in free if not any(_meet(_box(choice, width), other) for other in taken)
    )
    chosen = next(clear, (free or choices)[0])
    taken.append(_box(chosen, width))
    return round(chosen[0], 2), round(chosen[1], 2), chosen[2]


def _box(choice: tuple[float, float, str], width: float) -> _Box:
    x, y, anchor = choice
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return left, y - _LINE + 2, left + width, y + 2


def _inside(box: _Box) -> bool:
    return box[0] >= LEFT and box[1] >= 0 and box[2] <= WIDTH and box[3] <= HEIGHT - BOTTOM


def _meet(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
