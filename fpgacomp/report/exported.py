"""What `fpgacomp export` says of the file that it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

_SAID = {
    "wide": "float, as their integers do not fit int8",
    "wide_products": "multiplied in float, as weights or inputs do not fit int8",
    "tables": "a table, as no factor and offset give their steps",
}


def render(summary: Mapping[str, Any], console: Console) -> None:
    """A few lines: where the file is, whether it is exact, and what of it is no int8.

    Args:
        summary: of `fpgacomp.flows.export.Exported`.
    """
    console.print(f"[bold]{escape(str(summary['file']))}[/]")
    console.print(
        f"  exact: on {summary['samples']:,} samples, ONNX Runtime gives every integer of the "
        f"outputs as the integer graph does"
    )
    moved = summary["inputs_moved_by_float32"]
    if moved is not None:
        console.print(
            f"  ties: {moved:,} of {summary['inputs']:,} input values lie on the border between "
            f"two integers, and float32 rounds them otherwise than float64"
        )
        console.print(
            f"  outputs: differ by at most {summary['outputs_differ']:.1e} of the largest, by "
            f"float32"
        )
    console.print(f"  int8: {len(summary['int8'])} activations")
    for key, said in _SAID.items():
        if summary[key]:
            console.print(f"  {said}: {escape(', '.join(summary[key]))}")
