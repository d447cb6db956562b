"""What `fpgacomp calibrate` says of a calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

_SHOWN = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM"}


def render(summary: Mapping[str, Any], console: Console) -> None:
    """A line for each resource, and what else is to be known.

    Args:
        summary: of `fpgacomp.flows.calibrate.Calibrated`.
    """
    version = summary["version"] or "(version not told)"
    builds = len(summary["sources"])
    console.print(
        f"[bold]{escape(summary['tool'])} {escape(version)}[/], {escape(summary['stage'])}: "
        f"{builds} builds of the engine {escape(summary['engine'])}",
        highlight=False,
    )
    for resource, shown in _SHOWN.items():
        if (known := summary["corrections"].get(resource)) is not None:
            console.print(f"  {shown}: {_told(known)}", highlight=False, soft_wrap=True)
    for note in summary["notes"]:
        console.print(f"  note: {escape(note)}", highlight=False, soft_wrap=True)
    if summary["file"] is not None:
        file = escape(summary["file"])
        console.print(f"use it: fpgacomp estimate MODEL --board BOARD --backend "
                      f"{escape(summary['engine'])} --tool-calibration {file}",
                      highlight=False, soft_wrap=True)  # fmt: skip


def _told(known: Mapping[str, Any]) -> str:
    factors = dict(known["factors"])
    common = factors.pop("all")
    error = f"{known['before']:.1%} off"
    text = f"{error}, no factor helps builds that were left out"
    if common != 1.0 or factors:
        left = f"{error} before, {known['after']:.1%} after"
        text = f"x{common:.3g}, on builds that were left out {left}"
    if factors:
        text += "; " + ", ".join(f"{escape(kind)} x{value:.3g}" for kind, value in factors.items())
    if known["low"] is None:
        return (
            f"{text}; its range stays, as 8 builds are needed for one ({known['builds']} state it)"
        )
    return f"{text}; range x{known['low']:.3g} to x{known['high']:.3g} of {known['builds']} builds"
