"""Words that the terminal and the HTML report share: numbers, verdict, exactness."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Literal

from fpgacomp.data.metrics import METRICS
from fpgacomp.data.percents import share_text
from fpgacomp.results.estimate import ENOUGH_DESIGNS, Estimate, Figure
from fpgacomp.results.report import Exactness, LayerReport, Report

LABELS: Mapping[str, str] = {
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "bram18": "BRAM18",
    "uram": "URAM",
}
_FOLDING = {
    "reuse_factor": "reuse",
    "parallelization": "pixels",
    "strategy": "",
    "pe": "PE",
    "simd": "SIMD",
}
COUNTS = frozenset({"samples", "labels", "vectors"})
_UP = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k"))


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """One resource of a design on a board.

    Args:
        key: one of RESOURCE_FIELDS.
        used: what the design takes.
        device: how much the device has.
        shell: how much of that the shell takes.
    """

    key: str
    used: Figure
    device: float
    shell: float

    @property
    def label(self) -> str:
        """The name that users read."""
        return LABELS[self.key]

    @property
    def budget(self) -> float:
        """What the shell leaves to the design."""
        return self.device - self.shell

    @property
    def share(self) -> float:
        """Share of the budget; infinite where the board has none of it."""
        return self.of_budget(self.used.value)

    def of_budget(self, amount: float) -> float:
        """An amount as a share of the budget; infinite where the board has none of it."""
        if self.budget > 0:
            return amount / self.budget
        return float("inf") if amount > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Headline:
    """The sentence that a report begins with.

    Args:
        mood: good; unsure where only the estimate's upper end does not fit; bad where the result
            must not be used as it is.
        text: the sentence.
    """

    mood: Literal["good", "unsure", "bad"]
    text: str


def count(value: float) -> str:
    """12345.2 -> 12,345; below ten with one decimal where it has one."""
    if abs(value) < 10 and value != round(value):
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:,.0f}"


def quantity(value: float) -> str:
    """1,234,567 -> 1.23 M; below 10,000 as it is, of what is small three digits."""
    for unit, letter in _UP:
        if abs(value) >= unit:
            scale = unit if unit != 1e4 else 1e3
            return f"{value / scale:.3g} {letter}"
    return f"{value:.3g}" if abs(value) < 10 else count(value)


def duration(microseconds: float) -> str:
    """Three digits in the unit that suits: 640 ns, 12.3 us, 4.5 ms, 1.2 s."""
    for unit, name in ((1e6, "s"), (1e3, "ms"), (1.0, "us")):
        if microseconds >= unit:
            return f"{microseconds / unit:.3g} {name}"
    return f"{microseconds * 1e3:.3g} ns"


def percent(share: float) -> str:
    """Whole percents for a resource; never rounds something above the budget into it."""
    if share == float("inf"):
        return "none on board"
    if 0 < share < 0.005:
        return "<1 %"
    if 1 < share < 1.005:
        return ">100 %"
    return f"{100 * share:,.0f} %"


def spread(figure: Figure, number: Callable[[float], str] = count) -> str:
    """low..high, or nothing where the figure is exact."""
    if figure.low == figure.high:
        return ""
    return f"{number(figure.low)}..{number(figure.high)}"


def shape_text(shape: tuple[int, ...]) -> str:
    """(8, 8, 16) -> 8x8x16."""
    return "x".join(map(str, shape))


def bits_text(layer: LayerReport) -> str:
    """weight/input/accumulator bits; a dash where the layer has none."""
    bits = (layer.weight_bits, layer.input_bits, layer.accumulator_bits)
    return "/".join("-" if width is None else str(width) for width in bits)


def folding_text(folding: Mapping[str, object]) -> str:
    """{'strategy': 'resource', 'reuse_factor': 8} -> reuse 8, resource."""
    ordered = sorted(folding.items(), key=lambda item: item[0] == "strategy")  # numbers first
    told = ((key, value) for key, value in ordered if (key, value) != ("parallelization", 1))
    return ", ".join(f"{_FOLDING.get(key, key)} {value}".strip() for key, value in told)


def resource_rows(report: Report) -> tuple[ResourceRow, ...]:
    """The resources that the board has or the design needs."""
    device, shell = report.board.resources, report.board.shell
    rows = (
        ResourceRow(name, figure, device[name], shell[name])
        for name, figure in report.estimate.resources.items()
    )
    return tuple(row for row in rows if row.device or row.used.high)


def stage_of(estimate: Estimate) -> str:
    """The tool whose result is predicted, and what its figures were fitted to."""
    basis = estimate.basis
    stage = basis.predicts
    if basis.calibrated:
        return f"{stage}, corrected for {basis.calibrated}"
    if basis.instances:
        return f"{stage}, fitted to {basis.instances} instances"
    if basis.designs is None:
        return stage
    if basis.designs == 0:
        return f"{stage} on other devices, by {basis.tool}"
    return f"{stage}, fitted to {basis.tool} of {basis.designs} designs"


def prediction_lines(report: Report) -> tuple[str, ...]:
    """Figures beside the estimate, and what each predicts, in a sentence each."""
    return tuple(
        f"{one.basis.predicts}: "
        + ", ".join(
            _ranged(figure, LABELS[name])
            for name, figure in one.resources.items()
            if figure.high or name in ("lut", "ff")
        )
        for one in report.predictions
    )


def _ranged(figure: Figure, label: str) -> str:
    """2,461 LUT (2,300..2,600)."""
    span = spread(figure)
    return f"{count(figure.value)} {label}" + (f" ({span})" if span else "")


def area_line(report: Report) -> str:
    """What a synthesis tool made of the design's instances, in one sentence; "" where none did."""
    area = report.area
    if area is None:
        return ""
    amounts = [
        f"{count(area.resources[name])} {LABELS[name]}"
        for name in LABELS
        if area.resources.get(name) or name in ("lut", "ff")
    ]
    if memory := area.resources.get("lutram"):
        amounts[0] += f" ({count(memory)} of them memory)"
    missing = f"; not counted: {', '.join(area.not_counted)}" if area.not_counted else ""
    return (
        f"measured by {area.tool} {area.version}, the sum of {area.units} instances: "
        f"{', '.join(amounts)}{missing}"
    )


def measured_keys(report: Report) -> tuple[str, ...]:
    """The resources of which a tool found some in the design; () where none was asked."""
    found = report.area.resources if report.area else {}
    return tuple(name for name in LABELS if found.get(name))


def measured_label(report: Report, key: str) -> str:
    """LUT by Yosys: the head of a column of what a tool found of each layer."""
    return f"{LABELS[key]} by {report.area.tool}" if report.area else LABELS[key]


def measured_text(report: Report, layer: str, key: str) -> str:
    """What a tool found of a layer; a dash where no instance works for it alone."""
    own = report.area.layers.get(layer) if report.area else None
    return "-" if own is None else count(own.get(key, 0.0))


def headline(report: Report) -> Headline:
    """Whether the design fits and whether its results are right, in one sentence."""
    title, wrong = report.board.title, list(_mismatches(report.exactness))
    if not report.verdict.fits:
        verdict = "DOES NOT FIT" if report.verdict.limiting_resource else "TOO SLOW ON"
        return Headline("bad", f"{verdict} {title}: {_shortfall(report)}.")
    rows = resource_rows(report)
    if wrong:
        text = f"FITS {title}, BUT GIVES WRONG RESULTS: {', '.join(wrong)}."
        return Headline("bad", text)
    if not report.certain:
        worst = max(rows, key=lambda row: row.of_budget(row.used.high))
        high = percent(worst.of_budget(worst.used.high))
        text = f"needs about {percent(worst.share)} of its free {worst.label}, at worst {high}"
        if report.estimate.basis.thin:
            text += (
                f"; {report.estimate.basis.designs} of the {ENOUGH_DESIGNS} designs that a certain "
                "verdict needs were measured on its device's family"
            )
        verdict = "MAY NOT FIT" if report.certainty == "doubtful" else "PROBABLY FITS"
        return Headline("unsure", f"{verdict} {title}: {text}.")
    tightest = max(rows, key=lambda row: row.share)
    exact = report.exactness.csim_mismatches == 0
    checked = "exact in simulation" if exact else "not simulated"
    text = f"{percent(tightest.share)} of its free {tightest.label}, less of all else"
    return Headline("good", f"FITS {title}: {text}; {checked}.")


def _shortfall(report: Report) -> str:
    """What the board lacks, or that no design is fast enough, and by how much."""
    limit, factor = report.verdict.limiting_resource, report.verdict.shortfall
    rows = {row.key: row for row in resource_rows(report)}
    if limit not in rows:
        what = f"{limit} is the limit" if limit else "no design is fast enough"
        if factor is None:
            return what
        return (
            f"{what}, missed {factor:,.3g} times over"
            if limit
            else f"{what}: the nearest is {count(factor)} times too slow"
        )
    row = rows[limit]
    times = row.share if factor is None else factor
    need = f"needs {count(row.used.value)} {row.label}"
    if times == float("inf"):
        return f"{need}, and the board has none free"
    return f"{need}, {times:.3g} times the {count(row.budget)} that are free"


def _mismatches(exactness: Exactness) -> Iterator[str]:
    """One phrase for each comparison that found different numbers."""
    if exactness.csim_mismatches:
        yield f"{exactness.csim_mismatches:,} wrong numbers in C-simulation"
    for found in exactness.further:
        if found.mismatches:
            yield f"{found.mismatches:,} wrong numbers in {found.title}"
    if exactness.network_mismatches:
        yield f"{exactness.network_mismatches:,} numbers that are not the network's"
    for peer in exactness.peers:
        if peer.mismatches:
            yield f"{peer.mismatches:,} wrong numbers in {peer.title}'s execution"


def speed_lines(estimate: Estimate, slowest: str | None) -> list[str]:
    """Latency and interval in cycles and time, and the frame rate that follows."""
    latency, interval = estimate.latency_cycles, estimate.interval_cycles
    by = f", set by {slowest}" if slowest else ""
    rate = ""
    if interval.value > 0:
        rate = f", {quantity(estimate.frames_per_second)} frames/s"
    return [
        f"latency  {_cycles(latency, estimate.clock_mhz)}",
        f"interval {_cycles(interval, estimate.clock_mhz)}{rate}{by}",
    ]


def _cycles(figure: Figure, clock_mhz: float) -> str:
    between = spread(replace(figure, low=floor(figure.low), high=ceil(figure.high)))
    bounds = f" ({between})" if between else ""
    return f"{count(figure.value)} cycles{bounds} = {duration(figure.value / clock_mhz)}"


def folder_line(report: Report) -> str | None:
    """Where the report lies, or where the evidence of a failure lies; None: nothing was written."""
    if report.folder is None:
        return None
    folder = report.folder.rstrip("/")
    if report.status == "ok":
        return f"report: {folder}/report.html"
    return f"evidence in {folder}: see {folder}/report.html"


def slowest_layer(report: Report) -> str | None:
    """Name of the layer with the longest interval, which bounds the rate; None where all is 1."""
    longest = max((layer.estimate.interval.value for layer in report.layers), default=0)
    slowest = [layer.name for layer in report.layers if layer.estimate.interval.value == longest]
    if longest <= 1:
        return None
    return slowest[0] if len(slowest) == 1 else f"{slowest[0]} and {len(slowest) - 1} more"


def accuracy_items(accuracy: Mapping[str, float]) -> list[tuple[str, str]]:
    """(what, figure): shares as percents, counts as counts, all else as numbers."""
    return [(figure_name(key), score_text(key, value)) for key, value in accuracy.items()]


def held_out_line(task: Mapping[str, str]) -> str | None:
    """What to think of figures on samples that the network may have been trained on."""
    if "held_out_of" not in task:
        return None
    return (
        f"these samples are held out of {task['held_out_of']} here: the figures are too good if "
        "the network was trained on all of it (see `fpgacomp split`)"
    )


def score_text(key: str, value: float) -> str:
    """A figure of an accuracy; of several outputs its key is OUTPUT.FIGURE."""
    if key in COUNTS:
        return count(value)
    metric = METRICS.get(key.rpartition(".")[2])
    if key == "score":
        metric = METRICS["mean"]
    return share_text(value) if metric is None else metric.text(value)


def figure_name(key: str) -> str:
    """What people read for the key of a figure; of several outputs it is OUTPUT.FIGURE."""
    output, _, figure = key.rpartition(".")
    if key == "score":
        return METRICS["mean"].title
    title = METRICS[figure].title if figure in METRICS else figure
    return f"{output} {title}" if output else title


def _bound(rate: float) -> str:
    """A rate that was asked for: with all its digits where they are few."""
    return quantity(rate) if rate >= 10_000 else f"{rate:,.6g}"


def target_text(report: Report) -> str:
    """The goal and its bounds: latency, at least 10,000 frames/s."""
    words: list[str] = [report.target.goal]
    if report.target.fps is not None:
        words.append(f"at least {_bound(report.target.fps)} frames/s")
    if report.target.latency_us is not None:
        words.append(f"at most {duration(report.target.latency_us)}")
    return ", ".join(words)
