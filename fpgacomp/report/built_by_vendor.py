"""What `fpgacomp build` says of a bitstream by the vendor's tools, or of the scripts for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_PATH_LINES = 60  # of the report of a worst path, which has some hundred

Line = tuple[str, str]  # text and style


def lines(summary: Mapping[str, Any]) -> Iterator[Line]:
    """One screen: what was made, its timing, what to do next.

    Args:
        summary: of `fpgacomp.flows.build.BuildResult`, with a report of a vendor's toolchain.
    """
    board, clock = summary["board"], summary["clock_mhz"]["wanted"]
    what = f"{board['title']} ({board['part']}) at {clock:g} MHz, from {summary['source']}"
    if summary["status"] == "scripts":
        yield f"SCRIPTS for {what}: no tool has run.", "bold green"
    elif summary.get("brought"):
        yield f"BROUGHT for {what}: fpgacomp did not build it.", "bold green"
    elif summary["met"]:
        yield f"BUILT for {what}.", "bold green"
    else:
        yield f"TOO SLOW for {what}: there is no bitstream.", "bold red"
    if summary.get("brought"):
        yield from _brought(summary["brought"], summary["tools"])
    elif summary["tools"]:
        tools = ", ".join(f"{name} {release}" for name, release in summary["tools"].items())
        yield f"{tools}, in {summary['seconds']:,.0f} s", ""
    if (set_mhz := summary["clock_mhz"].get("set", clock)) != clock:
        yield (
            f"beware: made for a clock of {set_mhz:g} MHz, and the design was compiled for "
            f"{clock:g} MHz"
        ), "yellow"  # fmt: skip
    yield from _timing(summary)
    yield from _registers(summary["map"])
    yield from _measured(summary)
    yield "", ""
    if summary["status"] == "scripts":
        yield "next: copy the folder to a machine with the tools, and type there:", "bold"
        yield f"  cd {shlex.quote(summary['folder'])}", ""
        for step in summary["steps"]:
            for command in step["command"].splitlines():
                yield f"  {command}", ""
        yield "then bring back what they made:", "bold"
        place = Path(summary["folder"])
        made = place / summary["makes"]
        words = ["fpgacomp", "build", str(place.parent), "--bitstream", str(made)]
        if made.suffix != ".xclbin":  # which says of its clock what is to be known
            words += ["--timing", str(place / "reports/timing.rpt")]
        yield f"  {shlex.join(words)}", ""
        yield f"scripts: {summary['folder']} (README.md)", "cyan"
    elif summary["met"]:
        yield f"bitstream: {summary['folder']}/{summary['bitstream']} (report.json)", "cyan"
    else:
        yield f"try: {summary['remedy']}", "yellow"
        yield f"evidence: {summary['folder']} (report.json)", "cyan"


def _timing(summary: Mapping[str, Any]) -> Iterator[Line]:
    slacks = summary["slack_ns"]
    if slacks is None:
        return
    hold = "not stated" if slacks["hold"] is None else f"{slacks['hold']:g} ns"
    yield f"worst slack  setup {slacks['setup']:g} ns, hold {hold}", ""
    if (slacks["pulses"] or 0) < 0:
        yield f"pulse widths are missed by {-slacks['pulses']:g} ns in all", "yellow"
    for kind, path in summary["worst_paths"].items():
        yield f"worst path of {kind}:", "bold"
        for text in path.splitlines()[:_PATH_LINES]:
            yield f"  {text}", "dim"


def _brought(brought: Mapping[str, Any], tools: Mapping[str, str]) -> Iterator[Line]:
    """What was brought, what of it was checked, and what could not be."""
    for path, file in brought["files"].items():
        yield f"{path}  from {file['name']}, SHA-256 {file['sha256']}", ""
    by = "".join(f" by {name} {release}" for name, release in tools.items())
    if brought["made"] or by:
        yield f"made{by}, {brought['made'] or 'at an unknown time'}, as the file says", ""
    yield f"checked      {'; '.join(brought['checked'])}", ""
    for sentence in brought["unchecked"]:
        yield f"not checked  {sentence}", "yellow"


def _registers(places: list[Mapping[str, Any]] | None) -> Iterator[Line]:
    for one in places or ():
        yield f"{one['offset']:#010x}  {one['title']}", ""


def _measured(summary: Mapping[str, Any]) -> Iterator[Line]:
    """Where the tools' reports went, or why not."""
    if summary.get("imported"):
        yield "measured: the tools' reports are in DIR/measured beside the estimate", ""
    if why := summary.get("not_imported"):
        yield f"measured: the tools' reports were not imported: {why}", "yellow"
