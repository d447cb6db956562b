"""What a compression technique did, on one screen."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fpgacomp.data.metrics import METRICS

# Figures by layer whose columns are no figures of the layer but choices it had.
OF_ITS_OWN = {
    "weight_sensitivity": "rise of the loss where one layer's weights have so many bits",
    "activation_sensitivity": "rise of the loss where one activation has so many bits",
    "input_sensitivity": "rise of the loss where the input has so many bits",
    "candidates": "networks that were trained, of which the best within the budget was kept",
}


def render(
    summary: Mapping[str, Any], path: str, console: Console, *, replaced: bool = False
) -> None:
    """Scores before and after, figures per layer, warnings, notes, and what to do next.

    Args:
        summary: `CompressionResult.summary()`.
        path: the file that was written.
        replaced: whether it took the place of an older one, which another method may have made.
    """
    console.print(f"[bold]{summary['technique']}[/]  {_headline(summary)}", highlight=False)
    for line in _others(summary):
        console.print(escape(line), highlight=False)
    console.print(f"task: {escape(summary['task_found'])}", highlight=False)
    if summary["epochs"]:
        ended = "stopped after" if summary["interrupted"] else "trained"
        console.print(f"{ended} {summary['epochs']} epochs, kept epoch {summary['best_epoch']}")
    _details(summary["details"], console)
    for warning in summary["warnings"]:
        console.print(f"[yellow]warning[/]: {escape(warning)}")
    for note in summary["notes"]:
        console.print(f"[yellow]note[/]: {escape(note)}")
    wrote = f"replaced the {escape(path)} that was there" if replaced else f"wrote {escape(path)}"
    console.print(f"{wrote}; next: {escape(_next(summary, path))}", soft_wrap=True)


def _next(summary: Mapping[str, Any], path: str) -> str:
    """The command that goes on with the file; what the user has to put in is in capitals."""
    file = shlex.quote(path)
    if summary["quantized"]:
        return f"fpgacomp compile {file} --board BOARD --inputs TESTDATA"
    return f"fpgacomp quantize {file} --data DATA"


def _headline(summary: Mapping[str, Any]) -> str:
    """The score on the test samples, beside that of the network it is to be compared with."""
    metric = METRICS[summary["metric"]]
    before, after = summary["score_before"], summary["score"]
    whose = ("", "", "")
    if summary["teacher_score"] is not None:
        untrained = f"; {summary['before_is']}: {metric.text(before)}"
        before, whose = summary["teacher_score"], (": teacher", "student ", untrained)
    points = f"{100 * (after - before):+.2f} points, " if metric.is_share else ""
    return (
        f"test {metric.title}{whose[0]} {metric.text(before)} → {whose[1]}"
        f"[bold]{metric.text(after)}[/] ({points}{summary['test_samples']} samples){whose[2]}"
    )


def _others(summary: Mapping[str, Any]) -> Iterator[str]:
    """The figures beside the headline's, against the same network, a line for each output."""
    several = len(summary["scores"]) > 1
    for name, found in summary["scores"].items():
        known = (summary["teacher_scores"] or summary["scores_before"])[name]
        figures = [
            f"{METRICS[key].title} {METRICS[key].text(known[key])} → {METRICS[key].text(value)}"
            for key, value in found.items()
            if several or key != summary["metric"]
        ]
        yield f"{f'{name}: ' if several else ''}{', '.join(figures)}"


def _details(details: Mapping[str, Any], console: Console) -> None:
    """Figures by layer as one table, the others as lines."""
    tables = {name: value for name, value in details.items() if _by_layer(value)}
    for name, value in details.items():
        if name not in tables:
            console.print(f"{_words(name)}: {escape(_text(value))}", highlight=False)
    columns = {name: value for name, value in tables.items() if name not in OF_ITS_OWN}
    if columns:
        console.print(_table(columns))
    for name, title in OF_ITS_OWN.items():
        if name in tables:
            console.print(f"[bold]{title}[/]")
            console.print(_table({name: tables[name]}))


def _by_layer(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _table(columns: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row per layer; a column per figure, those of nested mappings side by side."""
    flat: dict[str, Mapping[str, Any]] = {}
    for name, by_layer in columns.items():
        nested = [value for value in by_layer.values() if isinstance(value, Mapping)]
        if not nested:
            flat[_words(name)] = by_layer
            continue
        for figure in dict.fromkeys(key for value in nested for key in value):
            flat[_words(figure)] = {
                layer: value[figure]
                for layer, value in by_layer.items()
                if isinstance(value, Mapping) and figure in value
            }
    table = Table("layer", *flat, box=None, header_style="bold")
    for layer in dict.fromkeys(layer for by_layer in flat.values() for layer in by_layer):
        cells = [_text(by_layer.get(layer, "")) for by_layer in flat.values()]
        table.add_row(escape(str(layer)), *map(escape, cells))
    return table


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)
