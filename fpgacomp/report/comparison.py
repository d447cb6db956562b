"""Shows a comparison of networks on the terminal and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fpgacomp.data.metrics import METRICS, Metric
from fpgacomp.report import wording
from fpgacomp.report.comparison_best import fronts, warnings
from fpgacomp.report.plain_json import json_text
from fpgacomp.results.certainty import DOUBTFUL
from fpgacomp.results.comparison import (
    MEASURES,
    Attack,
    BoardFigures,
    Candidate,
    Comparison,
    DisturbedScore,
    Footprint,
    Scores,
    pareto_front,
)
from fpgacomp.results.estimate import Figure

ATTACKS: dict[Attack, str] = {
    "noise": "noise",
    "brightness": "bright",
    "gradient": "FGSM",
    "transfer": "transfer",
}
_NOTHING = "-"


@dataclass(frozen=True)
class Section:
    """A table in words; the first column is the number, the second the name of a network.

    Args:
        header: a column's title; a line break where it may take two lines.
        rows: a row per network.
    """

    title: str
    detail: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def to_json(comparison: Comparison) -> str:
    """One JSON document with sorted, stable keys (added, never renamed); null: not known."""
    document = {
        "fpgacomp": comparison.fpgacomp,
        "test": asdict(comparison.test),
        "board": comparison.board,
        "seed": comparison.seed,
        "transfer_from": comparison.transfer_from,
        "models": [_model(c, comparison.test.metric) for c in comparison.candidates],
        "pareto": {name: pareto_front(comparison.candidates, name) for name in MEASURES},
        "score_floor": comparison.floor,
        "best": {name: pareto_front(comparison.above_floor(), name) for name in MEASURES},
        "below_floor": [candidate.name for candidate in comparison.below_floor()],
        "warnings": list(warnings(comparison)),
    }
    return json_text(document, indent=2)


def _model(candidate: Candidate, metric: str) -> dict[str, object]:
    scores = candidate.scores
    return {
        "name": candidate.name,
        "file": candidate.file,
        "format": candidate.format,
        "accuracy": None if scores is None else scores.figure("accuracy"),
        "macro_f1": None if scores is None else scores.figure("macro_f1"),
        "score": None if scores is None else scores.score,
        "scores": {} if scores is None else {n: dict(f) for n, f in scores.figures.items()},
        "robustness": [] if scores is None else [_robust(d, metric) for d in scores.disturbed],
        "cost": None if candidate.footprint is None else _footprint(candidate.footprint),
        "estimate": None if candidate.board is None else _estimate(candidate.board),
        "notes": candidate.notes,
    }


def _robust(item: DisturbedScore, metric: str) -> dict[str, object]:
    return {**asdict(item), "accuracy": item.score if metric == "accuracy" else None}


def _footprint(footprint: Footprint) -> dict[str, object]:
    return {
        "parameters": footprint.parameters,
        "weights": footprint.weights,
        "nonzero_weights": footprint.nonzero,
        "sparsity": footprint.sparsity,
        "weight_bytes": footprint.weight_bytes,
        "file_bytes": footprint.file_bytes,
        "macs": footprint.macs,
        "bops": footprint.bops,
        "bops_with_additions": footprint.bops_with_additions,
        "layers": [asdict(layer) for layer in footprint.layers],
    }


def _estimate(board: BoardFigures) -> dict[str, object]:
    return {
        "fits": board.fits,
        "certain": board.certain,
        "certainty": board.certainty,
        "limiting_resource": board.limiting_resource,
        "backend": board.backend,
        "clock_mhz": board.clock_mhz,
        "latency_us": _figure(board.latency_us),
        "frames_per_second": _finite(board.frames_per_second),
        "resources": {name: _figure(figure) for name, figure in board.resources.items()},
    }


def _figure(figure: Figure) -> dict[str, float | None]:
    ends = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {key: _finite(value) for key, value in ends.items()}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def sections(comparison: Comparison) -> Iterator[Section]:
    """The tables that terminal and page show alike."""
    yield _answers(comparison)
    if any(candidate.footprint is not None for candidate in comparison.candidates):
        yield _costs(comparison)
    if comparison.board is not None:
        yield _boards(comparison)


def _answers(comparison: Comparison) -> Section:
    columns, figures = _columns(comparison), _figures(comparison)
    metric = METRICS[comparison.test.metric]
    rows = []
    for number, candidate in enumerate(comparison.candidates, 1):
        scores = candidate.scores
        cells = ["not scored", *[_NOTHING] * (len(figures) - 1 + len(columns))]
        if scores is not None:
            found = {(item.attack, item.strength): item for item in scores.disturbed}
            cells = [_figure_of(scores, *place, metric) for place in figures]
            cells += [_disturbed(found.get(column), metric) for column in columns]
        rows.append((str(number), candidate.name, *cells))
    titles = [_figure_title(key, metric) for _, key in figures]
    header = ("#", "network", *titles, *(_title(*column) for column in columns))
    unit = "in %, " if metric.is_share else ""
    detail = f"{unit}on {comparison.test.samples:,} test samples of {comparison.test.name}"
    return Section("Answers", detail, header, tuple(rows))


def _figures(comparison: Comparison) -> list[tuple[str, str]]:
    """Output and key of the figures that are shown: the score ("", "") first, then what is behind.

    Of one output all its figures, of several the most telling one of each.
    """
    outputs = next((c.scores.figures for c in comparison.candidates if c.scores is not None), {})
    if len(outputs) == 1:
        ((name, found),) = outputs.items()
        return [("", ""), *((name, key) for key in found if key != comparison.test.metric)]
    return [("", ""), *((name, next(iter(found))) for name, found in outputs.items())]


def _figure_title(key: str, metric: Metric) -> str:
    title = METRICS[key].title if key else metric.title
    return title.replace(" ", "\n", 1)


def _figure_of(scores: Scores, output: str, key: str, metric: Metric) -> str:
    if not key:
        return points(scores.score) if metric.is_share else metric.text(scores.score)
    only = len(scores.figures) == 1
    found = next(iter(scores.figures.values())) if only else scores.figures.get(output, {})
    if key not in found:
        return _NOTHING
    return points(found[key]) if METRICS[key].is_share else METRICS[key].text(found[key])


def _columns(comparison: Comparison) -> list[tuple[Attack, float]]:
    """Attacks and strengths that any network was put to, weakest first."""
    seen = {
        (item.attack, item.strength)
        for candidate in comparison.candidates
        if candidate.scores is not None
        for item in candidate.scores.disturbed
    }
    return sorted(seen, key=lambda column: (list(ATTACKS).index(column[0]), column[1]))


def _title(attack: Attack, strength: float) -> str:
    sign = "+" if attack == "brightness" else ""
    return f"{ATTACKS[attack]}\n{strength:{sign}g}"


def _disturbed(item: DisturbedScore | None, metric: Metric) -> str:
    if item is None:
        return _NOTHING
    if item.score is None:
        return "no\ngradient"
    return points(item.score) if metric.is_share else metric.text(item.score)


def points(share: float) -> str:
    """A share in percent, two decimals, no sign."""
    return f"{100 * share:.2f}"


def _costs(comparison: Comparison) -> Section:
    header = (
        "#", "network", "format", "bits\nw/a", "para-\nmeters", "not\nzero", "weight\nbytes",
        "file\nbytes", "MACs", "BOPs",
    )  # fmt: skip
    rows = []
    for number, candidate in enumerate(comparison.candidates, 1):
        footprint = candidate.footprint
        cells = [candidate.format or _NOTHING, *[_NOTHING] * 7]
        if footprint is not None:
            cells[1:] = [
                bits_text(footprint),
                wording.count(footprint.parameters),
                f"{100 * (1 - footprint.sparsity):.0f} %",
                wording.count(footprint.weight_bytes),
                wording.quantity(footprint.file_bytes),
                wording.quantity(footprint.macs),
                wording.quantity(footprint.bops),
            ]
        rows.append((str(number), candidate.name, *cells))
    return Section("Size and work", "of one sample, before any board", header, tuple(rows))


def bits_text(footprint: Footprint) -> str:
    """Bits of weights and inputs over the layers: 2-8/2-8."""
    if not footprint.layers:
        return _NOTHING
    kinds = (
        [x.weight_bits for x in footprint.layers],
        [x.activation_bits for x in footprint.layers],
    )
    return "/".join(
        f"{min(bits)}-{max(bits)}" if min(bits) < max(bits) else str(bits[0]) for bits in kinds
    )


def _boards(comparison: Comparison) -> Section:
    header = (
        "#", "network", "fits", "LUT", "FF", "DSP", "BRAM18", "latency", "range", "frames/s",
    )  # fmt: skip
    rows = []
    for number, candidate in enumerate(comparison.candidates, 1):
        board = candidate.board
        why = "quantize\nfirst" if candidate.format == "float" else "see note"
        cells = [why, *[_NOTHING] * 7]
        if board is not None:
            cells = [
                _fits(board),
                *(
                    wording.count(board.resources[name].value)
                    for name in ("lut", "ff", "dsp", "bram18")
                ),
                wording.duration(board.latency_us.value),
                wording.spread(board.latency_us, wording.duration).replace("..", "..\n"),
                wording.quantity(board.frames_per_second),
            ]  # fmt: skip
        rows.append((str(number), candidate.name, *cells))
    return Section("Board", f"estimated for {comparison.board_title}", header, tuple(rows))


def _fits(board: BoardFigures) -> str:
    """Yes, probably, doubtful, or no and what runs out."""
    if board.fits:
        return {"certain": "yes", "probable": "probably"}.get(board.certainty or "", "doubtful")
    short = wording.LABELS.get(board.limiting_resource or "", "")
    return f"no: {short}".removesuffix(": ")


def notes(comparison: Comparison) -> Iterator[str]:
    """What failed, was assumed or is not known, each behind the network's name."""
    yield from comparison.test.notes
    for candidate in comparison.candidates:
        told = list(candidate.notes)
        if candidate.scores is not None:
            told += [item.note for item in candidate.scores.disturbed if item.score is None]
        yield from (f"{candidate.name}: {note}" for note in dict.fromkeys(told) if note)


def legend(comparison: Comparison) -> Iterator[str]:
    """How the disturbed samples were made and operations counted."""
    attacks = {attack for attack, _ in _columns(comparison)}
    test = comparison.test
    if attacks:
        yield (
            f"Strengths are shares of the range of the training samples, {test.low:g} to "
            f"{test.high:g}; disturbed samples stay inside it."
        )
    if "noise" in attacks:
        yield f"noise: Gaussian, standard deviation, seed {comparison.seed}."
    if "brightness" in attacks:
        yield "bright: added to every value."
    if "gradient" in attacks:
        yield (
            "FGSM: one step along the sign of the network's own gradient (Goodfellow et al. "
            f"2015){_through(comparison)}."
        )
    if comparison.transfer_from is not None:
        yield f"transfer: the samples that FGSM made from {comparison.transfer_from}."
    words = {_fits(c.board) for c in comparison.candidates if c.board is not None}
    if "probably" in words:
        yield "probably: the estimate fits, and its high end does not; synthesis tells."
    if "doubtful" in words:
        yield (
            f"doubtful: the estimate fits, and its high end takes over {DOUBTFUL:g} times what is "
            "free."
        )
    if not comparison.at_one_pace:
        yield (
            f"{comparison.board}: each network's own fastest design; --fps compares what they "
            "take at one pace."
        )
    yield (
        "Weight bytes: packed at their bits, or as a codebook and indices where that is smaller."
    )
    yield (
        "BOPs: MACs x weight bits x input bits x share of weights that are not zero (van Baalen "
        "et al. 2020); 32 bits where nothing quantizes."
    )


def _through(comparison: Comparison) -> str:
    """For which networks the gradient passes quantizers as if they were not there."""
    names = [
        candidate.name
        for candidate in comparison.candidates
        if candidate.scores is not None
        and any("straight-through" in item.note for item in candidate.scores.disturbed)
    ]
    return f"; straight-through for {', '.join(names)}" if names else ""


def render(comparison: Comparison, console: Console) -> None:
    """Print the tables, the fronts, and the notes; names wrap, figures are never cut."""
    for section in sections(comparison):
        _print(console, f"{section.title} ({section.detail})", "bold")
        console.print(_table(section, console), emoji=False)
        console.print()
    if comparison.test.task_found:
        _print(console, f"task: {comparison.test.task_found}")
    for text in fronts(comparison):
        _print(console, text)
    for text in warnings(comparison):
        _print(console, f"warning: {text}", "yellow")
    for text in legend(comparison):
        _print(console, text, "dim")
    for text in notes(comparison):
        _print(console, f"note: {text}", "yellow")


def _table(section: Section, console: Console) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for place, title in enumerate(section.header):
        if place == 1:
            table.add_column(title, overflow="fold", min_width=8)
        else:
            table.add_column(title, justify="right", no_wrap=True)
    for row in section.rows:
        table.add_row(*_texts(row, console))
    return table


def _texts(row: Sequence[str], console: Console) -> list[Text]:
    return [Text(_printable(cell, console)) for cell in row]


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(_printable(text, console), style=style), highlight=False, emoji=False)


def _printable(text: str, console: Console) -> str:
    """Without control characters, and in what the terminal can show."""
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return clean.encode(console.encoding, "replace").decode(console.encoding)
