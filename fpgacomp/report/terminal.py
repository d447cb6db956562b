"""The report on one screen of a terminal: verdict first, then why, in at most 40 lines."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from fpgacomp.report import tables, wording
from fpgacomp.report.exactness import exactness_lines
from fpgacomp.report.next_steps import next_steps
from fpgacomp.results.report import Report

MAX_LINES = 40
_MAX_LAYERS = 12
_MAX_REMEDIES = 3
_MAX_STEPS = 2
_SPAN = "span: cycles from a layer's first word to its last, not its interval"
_MOODS = {"good": "bold green", "unsure": "bold yellow", "bad": "bold red"}


def render(report: Report, console: Console) -> None:
    """Print the report; fits 40 lines for any network on 80 columns or more.

    Without colour or UTF-8 the same text comes in plain characters. What does not
    fit (more than 12 layers, long lists of warnings) is counted, and is in report.html.
    """
    for part in _screen(report, console):
        if _ascii(console):
            part.plain = part.plain.encode(console.encoding, "replace").decode(console.encoding)
        console.print(part, highlight=False, markup=False, emoji=False)


def _screen(report: Report, console: Console) -> list[Text]:
    """The airiest of the layouts that fit; the notes that do not fit are counted."""
    notes = _notes(report)
    place = wording.folder_line(report)
    tail = [*_next(report), *([_line(place, "cyan")] if place else [])]
    rows = min(_MAX_LAYERS, len(report.layers))
    airy = _joined([*_sections(report, console, rows), notes + tail], gap=True)
    if _height(airy, console) <= MAX_LINES:
        return airy
    body = _joined(_sections(report, console, rows), gap=False)
    # The first note may say what the figures are worth: layers make room for it, and for the count.
    first = _height(notes[:1], console)
    while rows > 2 and _height(body + tail, console) + first >= MAX_LINES:
        rows -= 1
        body = _joined(_sections(report, console, rows), gap=False)
    left = MAX_LINES - _height(body + tail, console)
    return body + _cut(notes, left, console) + tail


def _next(report: Report) -> list[Text]:
    """What to do now; where the design does not fit, the verdict's remedies have said it."""
    if not report.verdict.fits and not report.exactness.mismatches:
        return []
    lines: list[Text] = []
    for step in next_steps(report)[:_MAX_STEPS]:
        lines.append(_line(f"next: {step.text}", "bold"))
        if step.command:  # on a line of its own, to be copied
            lines.append(_line(f"  {step.command}"))
    return lines


def _joined(sections: list[list[Text]], *, gap: bool) -> list[Text]:
    parts: list[Text] = []
    for section in filter(None, sections):
        parts += [_line("")] if gap and parts else []
        parts += section
    return parts


def _sections(report: Report, console: Console, rows: int) -> list[list[Text]]:
    plain = _ascii(console)
    head = wording.headline(report)
    remedies = report.verdict.remedies[:_MAX_REMEDIES]
    speed = wording.speed_lines(report.estimate, wording.slowest_layer(report))
    exact = exactness_lines(report)
    sections: list[list[Text]] = [
        [
            _line(head.text, _MOODS[head.mood]),
            *(_line(f"  try: {text}") for text in remedies),
            _line(_subject(report), "dim"),
        ],
        [_exactness_line(text) for text in exact],
        [
            _line(_legend(report, plain), "dim"),
            *_resources(report, console.width, plain),
            *(_line(text) for text in wording.prediction_lines(report)),
            *(_line(text) for text in [wording.area_line(report)] if text),
            *(_line(text) for text in speed),
        ],
        [*_layers(report, console.width, rows, plain), *_lighter(report, rows)],
        [_line(_split(report)), *_accuracy(report)],
    ]
    return [[_two_lines(part, console) for part in section] for section in sections]


def _two_lines(part: Text, console: Console) -> Text:
    """A text cut where it would take a third line; report.html has it whole."""
    if part.no_wrap:
        return part
    lines = part.wrap(console, console.width)
    if len(lines) <= 2:
        return part
    end = Text(lines[1].plain.rstrip(), style=part.style)
    end.truncate(console.width - 4)
    return Text("\n").join([Text(lines[0].plain.rstrip(), style=part.style), end + " ..."])


def _lighter(report: Report, rows: int) -> list[Text]:
    chosen = {layer.name for layer in tables.heaviest(report, rows)}
    rest = [layer for layer in report.layers if layer.name not in chosen]
    if not rest:
        return []
    lut = wording.count(sum(layer.estimate.lut.value for layer in rest))
    return [_line(f"... and {len(rest)} more layers, lighter, {lut} LUT together", "dim")]


def _accuracy(report: Report) -> list[Text]:
    if not report.accuracy:
        return []
    items = wording.accuracy_items(report.accuracy)
    found = [_line("accuracy: " + ", ".join(f"{key} {value}" for key, value in items))]
    if "task_found" in report.task:
        found.append(_line(f"task: {report.task['task_found']}"))
    if (held_out := wording.held_out_line(report.task)) is not None:
        found.append(_line(held_out, "yellow"))
    return found


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


def _height(parts: Iterable[Text], console: Console) -> int:
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
    stage = wording.stage_of(report.estimate)
    return (
        f"predicted for {stage}, of what the shell leaves: {solid} low {middle} value {light} high"
    )


def _resources(report: Report, width: int, plain: bool) -> list[Text]:
    """Green within the budget, yellow where only the estimate is, red beyond it."""
    lines = tables.resource_lines(report, width, plain=plain)
    return [
        _row(line, "red" if row.share > 1 else "yellow" if row.used.high > row.budget else "green")
        for line, row in zip(lines, wording.resource_rows(report))
    ]


def _layers(report: Report, width: int, rows: int, plain: bool) -> list[Text]:
    header, *lines = tables.layer_lines(report, width, rows, plain=plain)
    return [_line(_SPAN, "dim"), _row(header, "dim"), *(_row(line) for line in lines)]


def _row(text: str, style: str = "") -> Text:
    """A line of a table: on a terminal too narrow even for its figures it is cut, not wrapped."""
    return Text(text, style=style, no_wrap=True, overflow="crop")


def _split(report: Report) -> str:
    before = ", ".join(report.software_before) or "nothing"
    after = ", ".join(report.software_after) or "nothing"
    return (
        f"software before: {before} | hardware: {len(report.layers)} layers | "
        f"software after: {after}"
    )


def _notes(report: Report) -> list[Text]:
    warnings = [_line(f"warning: {text}", "yellow") for text in report.warnings]
    return [*warnings, *(_line(f"why: {text}", "dim") for text in report.reasons)]


def _cut(notes: list[Text], lines: int, console: Console) -> list[Text]:
    """As many whole notes as `lines` hold; the rest is counted in the last line."""
    if _height(notes, console) <= lines:
        return notes
    shown: list[Text] = []
    for note in notes:
        if _height([*shown, note], console) > lines - 1:
            break
        shown.append(note)
    more = _line(f"... and {len(notes) - len(shown)} more notes in report.html", "dim")
    return [*shown, more] if lines > 0 else []
