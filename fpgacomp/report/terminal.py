"""The report on one screen of a terminal: verdict first, then why, in at most 40 lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rich.console import Console, OverflowMethod, RenderableType
from rich.table import Table
from rich.text import Text

from fpgacomp.ir.report import LayerReport, Report
from fpgacomp.report import wording
from fpgacomp.report.wording import ResourceRow

MAX_LINES = 40
_MAX_LAYERS = 12
_MAX_REMEDIES = 3
_MOODS = {"good": "bold green", "unsure": "bold yellow", "bad": "bold red"}
_BAR = 20
_ROOMY = 96  # columns from which the shapes are shown too
_Justify = Literal["left", "right"]
_RESOURCE_COLUMNS: tuple[_Justify, ...] = ("left", "left", "right", "left", "left")


def render(report: Report, console: Console) -> None:
    """Print the report; fits 40 lines for any network on 80 columns or more.

    Without colour or UTF-8 the same text comes in plain characters. What does not
    fit (more than 12 layers, long lists of warnings) is counted, and is in report.html.
    """
    for part in _screen(report, console):
        if isinstance(part, Text) and _ascii(console):
            part = _line(part.plain.encode(console.encoding, "replace").decode(console.encoding))
        console.print(part, highlight=False, markup=False, emoji=False)


def _screen(report: Report, console: Console) -> list[RenderableType]:
    """The airiest of the layouts that fit; the notes that do not fit are counted."""
    notes = _notes(report)
    tail: list[RenderableType] = []
    if report.folder:
        tail.append(_line(f"report: {report.folder.rstrip('/')}/report.html", "cyan"))
    rows = min(_MAX_LAYERS, len(report.layers))
    airy = _joined([*_sections(report, console, rows), notes + tail], gap=True)
    if _height(airy, console) <= MAX_LINES:
        return airy
    body = _joined(_sections(report, console, rows), gap=False)
    while rows > 2 and _height(body + tail, console) >= MAX_LINES:
        rows -= 1
        body = _joined(_sections(report, console, rows), gap=False)
    left = MAX_LINES - _height(body + tail, console)
    return body + _cut(notes, left, console) + tail


def _joined(sections: list[list[RenderableType]], *, gap: bool) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for section in filter(None, sections):
        parts += [_line("")] if gap and parts else []
        parts += section
    return parts


def _sections(report: Report, console: Console, rows: int) -> list[list[RenderableType]]:
    plain = _ascii(console)
    head = wording.headline(report)
    remedies = report.verdict.remedies[:_MAX_REMEDIES]
    speed = wording.speed_lines(report.estimate, wording.slowest_layer(report))
    exact = wording.exactness_lines(report)
    sections: list[list[RenderableType]] = [
        [
            _line(head.text, _MOODS[head.mood]),
            *(_line(f"  try: {text}") for text in remedies),
            _line(_subject(report), "dim"),
        ],
        [
            _line(_legend(report, plain), "dim"),
            _resources(report, plain),
            *(_line(text) for text in speed),
        ],
        [_exactness_line(text) for text in exact],
        [_layers(report, console.width, rows, plain), *_lighter(report, rows)],
        [_line(_split(report)), *_accuracy(report)],
    ]
    return [[_two_lines(part, console) for part in section] for section in sections]


def _two_lines(part: RenderableType, console: Console) -> RenderableType:
    """A text cut where it would take a third line; report.html has it whole."""
    if not isinstance(part, Text):
        return part
    lines = part.wrap(console, console.width)
    if len(lines) <= 2:
        return part
    end = Text(lines[1].plain.rstrip(), style=part.style)
    end.truncate(console.width - 4)
    return Text("\n").join([Text(lines[0].plain.rstrip(), style=part.style), end + " ..."])


def _lighter(report: Report, rows: int) -> list[RenderableType]:
    chosen = {layer.name for layer in _heaviest(report, rows)}
    rest = [layer for layer in report.layers if layer.name not in chosen]
    if not rest:
        return []
    lut = wording.count(sum(layer.estimate.lut.value for layer in rest))
    return [_line(f"... and {len(rest)} more layers, lighter, {lut} LUT together", "dim")]


def _accuracy(report: Report) -> list[RenderableType]:
    if not report.accuracy:
        return []
    items = wording.accuracy_items(report.accuracy)
    return [_line("accuracy: " + ", ".join(f"{key} {value}" for key, value in items))]


def _line(text: str, style: str = "") -> Text:
    """One paragraph; control characters of names and messages must not reach the terminal."""
    return Text("".join(c if c.isprintable() else " " for c in text), style=style)


def _exactness_line(text: str) -> Text:
    """Red where something differs, dim where nothing was run."""
    if text.startswith("not run"):
        return _line(text, "dim")
    return _line(text, "red" if text.startswith("first ") else "")


def _ascii(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")


def _height(parts: Iterable[RenderableType], console: Console) -> int:
    return sum(len(console.render_lines(part, pad=False)) for part in parts)


def _subject(report: Report) -> str:
    model, board = report.model, report.board
    return (
        f"{model.name} ({model.format}, {wording.quantity(model.parameters)} parameters, "
        f"{wording.quantity(model.macs)} MACs) on {board.part}, {report.backend} at "
        f"{report.estimate.clock_mhz:g} MHz for {wording.target_text(report)}"
    )


def _legend(report: Report, plain: bool) -> str:
    solid, middle, light = "#=-" if plain else "█▓░"
    stage = wording.STAGES[report.estimate.stage]
    return (
        f"predicted for {stage}, of what the shell leaves: {solid} low {middle} value {light} high"
    )


def _resources(report: Report, plain: bool) -> Table:
    table = _table()
    for justify in _RESOURCE_COLUMNS:
        table.add_column(justify=justify, no_wrap=True, overflow="crop")
    for row in wording.resource_rows(report):
        style = "red" if row.share > 1 else "yellow" if row.used.high > row.budget else "green"
        table.add_row(
            Text(row.label),
            Text(_bar(row, plain), style=style),
            Text(wording.percent(row.share), style=style),
            Text(f"{wording.count(row.used.value)} of {wording.count(row.budget)}"),
            Text(wording.spread(row.used), style="dim"),
        )
    return table


def _table(gap: int = 2) -> Table:
    return Table(
        box=None,
        show_header=False,
        padding=(0, gap, 0, 0),
        pad_edge=False,
        collapse_padding=True,
    )


def _bar(row: ResourceRow, plain: bool) -> str:
    """Solid up to low, lighter to the estimate, lightest to high; `>` past the budget."""
    solid, middle, light, empty = "#=-." if plain else "█▓░·"
    low, value, high = (
        max(0, round(min(row.of_budget(amount), 1.0) * _BAR))
        for amount in (row.used.low, row.used.value, row.used.high)
    )
    value, high = max(low, value), max(low, value, high)
    bar = solid * low + middle * (value - low) + light * (high - value) + empty * (_BAR - high)
    return bar[:-1] + ">" if row.of_budget(row.used.high) > 1 else bar


def _layers(report: Report, width: int, rows: int, plain: bool) -> Table:
    """One row per layer, the heaviest where there are more than `rows`, in network order."""
    roomy = width >= _ROOMY
    table = _table(2 if roomy else 1)
    table.show_header = True
    table.header_style = "dim"
    uram = report.estimate.uram.high > 0
    overflow: OverflowMethod = "crop" if plain else "ellipsis"  # the ellipsis is not ASCII
    for title, justify in _columns(roomy, uram):
        table.add_column(title, justify=justify, no_wrap=True, overflow=overflow)
    table.columns[0].max_width = 22 if roomy else 16
    table.columns[-1].max_width = 26 if roomy else 14
    longest = max((layer.estimate.cycles.value for layer in report.layers), default=0.0)
    for layer in _heaviest(report, rows):
        figures = layer.estimate
        counted = [figures.lut, figures.dsp, figures.bram18, *([figures.uram] if uram else [])]
        cells = [
            layer.name,
            layer.kind,
            *([wording.shape_text(layer.shape)] if roomy else []),
            wording.bits_text(layer),
            wording.count(figures.cycles.value),
            _share_bar(figures.cycles.value, longest, 6 if roomy else 4, plain),
            *(wording.count(figure.value) for figure in counted),
            wording.folding_text(layer.folding),
        ]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _columns(roomy: bool, uram: bool) -> list[tuple[str, _Justify]]:
    shape: list[tuple[str, _Justify]] = [("shape", "left")] if roomy else []
    ultra: list[tuple[str, _Justify]] = [("URAM", "right")] if uram else []
    return [
        ("layer", "left"),
        ("kind", "left"),
        *shape,
        ("bits w/in/acc" if roomy else "w/in/acc", "left"),
        ("cycles", "right"),
        ("time", "left"),
        ("LUT", "right"),
        ("DSP", "right"),
        ("BRAM", "right"),
        *ultra,
        ("folding", "left"),
    ]


def _share_bar(value: float, longest: float, characters: int, plain: bool) -> str:
    """This layer's cycles against the longest layer's."""
    length = round(characters * value / longest) if longest > 0 else 0
    return ("#" if plain else "█") * length


def _heaviest(report: Report, rows: int) -> list[LayerReport]:
    """The layers with the largest share of the time or of any resource's budget."""
    longest = max((layer.estimate.cycles.value for layer in report.layers), default=0.0)

    def weight(layer: LayerReport) -> float:
        shares = [layer.estimate.cycles.value / longest if longest > 0 else 0.0]
        for row in wording.resource_rows(report):
            total = row.used.value
            shares.append(getattr(layer.estimate, row.key).value / total if total > 0 else 0.0)
        return max(shares)

    ranked = sorted(report.layers, key=weight, reverse=True)[:rows]
    chosen = {layer.name for layer in ranked}
    return [layer for layer in report.layers if layer.name in chosen]


def _split(report: Report) -> str:
    before = ", ".join(report.software_before) or "nothing"
    after = ", ".join(report.software_after) or "nothing"
    return (
        f"software before: {before} | hardware: {len(report.layers)} layers | "
        f"software after: {after}"
    )


def _notes(report: Report) -> list[RenderableType]:
    warnings = [_line(f"warning: {text}", "yellow") for text in report.warnings]
    return [*warnings, *(_line(f"why: {text}", "dim") for text in report.reasons)]


def _cut(notes: list[RenderableType], lines: int, console: Console) -> list[RenderableType]:
    """As many whole notes as `lines` hold; the rest is counted in the last line."""
    if _height(notes, console) <= lines:
        return notes
    shown: list[RenderableType] = []
    for note in notes:
        if _height([*shown, note], console) > lines - 1:
            break
        shown.append(note)
    more = _line(f"... and {len(notes) - len(shown)} more notes in report.html", "dim")
    return [*shown, more] if lines > 0 else []
