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
            f"  ties: {moved:,} of {summary['inputs']:,} input values are rounded otherwise in "
            f"float32, as they lie on the border between two integers"
        )
        console.print(
            f"  outputs: differ by at most {summary['outputs_differ']:.1e} of the largest, by "
            f"float32"
        )
    count = len(summary["int8"])
    console.print(f"  int8: {count} activation{'' if count == 1 else 's'}")
    if not count:
        console.print(
            "  beware: nothing is int8, so that an engine gains nothing; quantize to fewer bits "
            "(--activation-bits 7 --input-bits 7), as TensorRT has no unsigned 8-bit type"
        )
    for key, said in _SAID.items():
        if summary[key]:
            console.print(f"  {said}: {escape(', '.join(summary[key]))}")


def render_tflite(summary: Mapping[str, Any], console: Console) -> None:
    """A few lines: where the file is, in which kernels it is exact, and what it takes and gives.

    Args:
        summary: of `fpgacomp.flows.tflite.ExportedLite`.
    """
    console.print(f"[bold]{escape(str(summary['file']))}[/]")
    console.print(
        f"  exact: on {summary['samples']:,} samples, TFLite's {', '.join(summary['kernels'])} "
        f"kernels give every integer of the outputs as the integer graph does"
    )
    for name, zero in summary["input_zero_points"].items():
        added = f" plus {zero}" if zero > 0 else f" minus {-zero}" if zero else ""
        console.print(f"  input: {escape(name)} takes the hardware's integers{added}, as int8")
    console.print("  outputs: the hardware's integers, as int32")
    count = len(summary["int8"])
    console.print(f"  int8: {count} tensor{'' if count == 1 else 's'}")
    if summary["wide_products"]:
        console.print(
            f"  multiplied in float32, as their sums are outputs: "
            f"{escape(', '.join(summary['wide_products']))}"
        )
