"""What a compression technique did, on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

# Figures by layer whose columns are no figures of the layer but choices it had.
OF_ITS_OWN = {
    "weight_sensitivity": "rise of the loss where one layer's weights have so many bits",
    "activation_sensitivity": "rise of the loss where one activation has so many bits",
    "input_sensitivity": "rise of the loss where the input has so many bits",
    "candidates": "networks that were trained, of which the best within the budget was kept",
}


def render(summary: Mapping[str, Any], path: str, console: Console) -> None:
    """Accuracy before and after, figures per layer, notes, and what to do next.

    Args:
        summary: `CompressionResult.summary()`.
        path: the file that was written.
    """
    before, after = summary["accuracy_before"], summary["accuracy"]
    points = 100 * (after - before)
    console.print(
        f"[bold]{summary['technique']}[/]  test accuracy {before:.2%} → [bold]{after:.2%}[/] "
        f"({points:+.2f} points, {summary['test_samples']} samples)",
        highlight=False,
    )
    if summary["epochs"]:
        ended = "stopped after" if summary["interrupted"] else "trained"
        console.print(f"{ended} {summary['epochs']} epochs, kept epoch {summary['best_epoch']}")
    _details(summary["details"], console)
    for note in summary["notes"]:
        console.print(f"[yellow]note[/]: {escape(note)}")
    verb = "compile" if summary["quantized"] else "quantize"
    console.print(f"wrote {escape(path)}; next: fpgacomp {verb} {escape(path)} ...")


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
