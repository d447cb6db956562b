"""report.html: one self-contained file with inline style and drawings that opens offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fpgacomp.data.metrics import METRICS
from fpgacomp.report import charts, wording
from fpgacomp.report.charts import Bar, ConfusionView, HistogramView, TimeSpan
from fpgacomp.report.charts import place as _place
from fpgacomp.report.exactness import exactness_lines
from fpgacomp.report.network_picture import NetworkPicture, draw_network
from fpgacomp.report.next_steps import Step, next_steps
from fpgacomp.report.pages import page
from fpgacomp.report.wording import Headline, ResourceRow
from fpgacomp.results.report import Report


@dataclass(frozen=True)
class Gauge:
    """One resource, drawn on a scale of 0 to 100.

    Args:
        shell, design: lengths of the bars of the shell and of the design.
        low, high: ends of the whisker that shows the range of the estimate.
        end: place where the device ends.
        state: "ok", "unsure" where only the upper end exceeds the budget, or "over".
    """

    label: str
    share: str
    used: str
    spread: str
    device: str
    shell_text: str
    shell: float
    design: float
    low: float
    high: float
    end: float
    state: str


@dataclass(frozen=True)
class LayerRow:
    """One row of the layer table."""

    name: str
    kind: str
    shape: str
    bits: str
    folding: str
    amounts: tuple[str, ...]
    exact: str


@dataclass(frozen=True)
class Fact:
    """A name and its figure."""

    name: str
    value: str


@dataclass(frozen=True)
class Tile:
    """One of the figures at the top; `detail` is its range, or empty."""

    name: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class ReportView:
    """Everything that the template shows, as text and as places of the drawings."""

    title: str
    headline: Headline
    steps: tuple[Step, ...]
    stage: str
    area: str
    predictions: tuple[str, ...]
    tiles: tuple[Tile, ...]
    gauges: tuple[Gauge, ...]
    layer_resources: tuple[str, ...]
    layers: tuple[LayerRow, ...]
    network: NetworkPicture
    timeline: tuple[TimeSpan, ...]
    lut_bars: tuple[Bar, ...]
    weights: tuple[HistogramView, ...]
    activations: tuple[HistogramView, ...]
    confusion: ConfusionView | None
    exactness: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    accuracy: tuple[Fact, ...]
    task: str
    held_out: str | None
    warnings: tuple[str, ...]
    reasons: tuple[str, ...]
    model: tuple[Fact, ...]
    board: tuple[Fact, ...]
    options: tuple[Fact, ...]
    timings: tuple[Fact, ...]
    sources: tuple[str, ...]
    version: str


def to_html(report: Report) -> str:
    """The page as text; every value of the report is escaped for HTML."""
    return page("report.html.j2", _view(report))


def _view(report: Report) -> ReportView:
    shown = tuple(row.key for row in wording.resource_rows(report))
    measured = wording.measured_keys(report)
    columns = [wording.LABELS[key] for key in shown]
    columns += [wording.measured_label(report, key) for key in measured]
    return ReportView(
        title=f"{report.model.name} on {report.board.title}",
        headline=wording.headline(report),
        steps=next_steps(report),
        stage=wording.stage_of(report.estimate),
        area=wording.area_line(report),
        predictions=wording.prediction_lines(report),
        tiles=tuple(_tiles(report)),
        gauges=tuple(_gauge(row) for row in wording.resource_rows(report)),
        layer_resources=tuple(columns),
        layers=tuple(_layers(report, shown, measured)),
        network=draw_network(report.layers),
        timeline=tuple(charts.timeline(report.layers)),
        lut_bars=tuple(charts.lut_bars(report.layers, report.estimate.lut.value)),
        weights=tuple(charts.weight_histograms(report.layers)),
        activations=tuple(charts.activation_histograms(report.layers)),
        confusion=charts.confusion_view(report.confusion),
        exactness=tuple(exactness_lines(report)),
        before=report.software_before,
        after=report.software_after,
        accuracy=tuple(Fact(*item) for item in wording.accuracy_items(report.accuracy or {})),
        task=report.task.get("task_found", ""),
        held_out=wording.held_out_line(report.task),
        warnings=report.warnings,
        reasons=report.reasons,
        model=tuple(_model(report)),
        board=tuple(_board(report)),
        options=tuple(_options(report)),
        timings=tuple(Fact(key, f"{value:.2f} s") for key, value in report.timings_s.items()),
        sources=report.board.sources,
        version=report.fpgacomp,
    )


def _micro(text: str) -> str:
    """The micro sign that the terminal does without."""
    return text.replace(" us", " µs")


_OWN_NAMES = frozenset(metric.title for metric in METRICS.values())


def _tiles(report: Report) -> Iterator[Tile]:
    """Accuracy first, where labels were given; then how fast the design is."""
    estimate = report.estimate
    accuracy = report.accuracy or {}
    main = report.task.get("metric")
    for name, value in accuracy.items():
        if name not in wording.COUNTS and main in (None, name):
            samples = accuracy.get("samples")
            detail = f"on {wording.count(samples)} samples" if samples else ""
            ((title, text),) = wording.accuracy_items({name: value})
            yield Tile(title if title in _OWN_NAMES else f"{title} accuracy", text, detail)
    latency, interval = estimate.latency_cycles, estimate.interval_cycles
    yield Tile("latency", _micro(wording.duration(estimate.latency_us)))
    yield Tile("cycles of latency", wording.count(latency.value), wording.spread(latency))
    if interval.value > 0:
        yield Tile("frames per second", wording.quantity(estimate.frames_per_second))
    yield Tile("cycles between frames", wording.count(interval.value), wording.spread(interval))
    yield Tile("clock", f"{estimate.clock_mhz:g} MHz")


def _gauge(row: ResourceRow) -> Gauge:
    """Shell first, the design after it; the scale ends at the device or beyond the whisker."""
    beyond = 1.01 * (row.shell + row.used.high)  # leaves room for the whisker's end
    scale = 100 / (row.device if row.shell + row.used.high <= row.device else beyond)
    over = row.used.value > row.budget
    return Gauge(
        label=row.label,
        share=wording.percent(row.share),
        used=f"{wording.count(row.used.value)} of {wording.count(row.budget)}",
        spread=wording.spread(row.used),
        device=wording.count(row.device),
        shell_text=wording.count(row.shell),
        shell=_place(row.shell * scale),
        design=_place(row.used.value * scale),
        low=_place((row.shell + row.used.low) * scale),
        high=_place((row.shell + row.used.high) * scale),
        end=_place(row.device * scale),
        state="over" if over else "unsure" if row.used.high > row.budget else "ok",
    )


def _layers(
    report: Report, shown: tuple[str, ...], measured: tuple[str, ...]
) -> Iterator[LayerRow]:
    for layer in report.layers:
        amounts = [wording.count(layer.estimate.resources[key].value) for key in shown]
        amounts += [wording.measured_text(report, layer.name, key) for key in measured]
        yield LayerRow(
            name=layer.name,
            kind=layer.kind,
            shape=wording.shape_text(layer.shape),
            bits=wording.bits_text(layer),
            folding=wording.folding_text(layer.folding),
            amounts=tuple(amounts),
            exact=layer.exact,
        )


def _model(report: Report) -> Iterator[Fact]:
    model = report.model
    yield Fact("network", model.name)
    yield Fact("file", model.file)
    yield Fact("SHA-256", model.sha256)
    yield Fact("format", model.format)
    for name, shape in (*model.inputs.items(), *model.outputs.items()):
        side = "output" if name in model.outputs else "input"
        yield Fact(f"{side} {name}", wording.shape_text(shape))
    yield Fact("parameters", f"{model.parameters:,}")
    yield Fact("multiply-accumulates", f"{model.macs:,}")


def _board(report: Report) -> Iterator[Fact]:
    board = report.board
    yield Fact("board", f"{board.title} ({board.name})")
    yield Fact("part", board.part)
    yield Fact("family", board.family)
    yield Fact("host", board.host)
    yield Fact("memory", board.memory)
    yield Fact("code generator", report.backend)
    yield Fact("target", _micro(wording.target_text(report)))


def _options(report: Report) -> Iterator[Fact]:
    yield from _flat("", report.options)


def _flat(above: str, options: Mapping[str, object]) -> Iterator[Fact]:
    """Nested options as dotted names, sorted, one fact each."""
    for key in sorted(options, key=str):
        value = options[key]
        if isinstance(value, Mapping):
            yield from _flat(f"{above}{key}.", value)
        else:
            yield Fact(f"{above}{key}", "not given" if value is None else str(value))
