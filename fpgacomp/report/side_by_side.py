"""What tools measured of a build beside its estimate, as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.markup import escape

from fpgacomp.results.side_by_side import MeasuredAmount, MeasuredBuild, MeasuredStage
from fpgacomp.results.tool_report import STAGES, Clocking

_SHOWN = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM", "uram": "URAM",
          "latency": "latency", "interval": "interval"}  # fmt: skip
_MOST_LEFT = 12
_HEADINGS = ("", "of", "measured", "estimated", "low..high", "ratio", "in range")


def lines(build: MeasuredBuild) -> Iterator[str]:
    """The whole comparison, for `rich`: every name is escaped."""
    yield f"[bold]{escape(build.folder)}[/]: {escape(build.engine)} for {escape(build.board)}"
    for stage in build.stages:
        yield from _stage(stage)


def _stage(stage: MeasuredStage) -> Iterator[str]:
    tools = ", ".join(" ".join(part for part in tool if part) for tool in stage.tools)
    yield ""
    yield f"[bold]{STAGES[stage.stage]}[/] ({escape(tools)})"
    yield from (f"  {escape(line)}" for line in _table(stage))
    if stage.clock is not None:
        yield f"  clock: {escape(clock_text(stage.clock))}"
    if stage.power_w is not None:
        yield f"  power: {stage.power_w:g} W on the chip, as the tool estimates it"
    yield from (f"  {escape(line)}" for line in _left(stage))
    yield from (f"  note: {escape(note)}" for note in stage.notes)


def _table(stage: MeasuredStage) -> Iterator[str]:
    rows: list[Sequence[str]] = [_HEADINGS]
    rows += [_cells("whole design", one) for one in stage.whole if _told(one)]
    for layer in stage.layers:
        rows += [_cells(layer.name, one) for one in layer.amounts if _told(one)]
    if len(rows) == 1:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    previous = None
    for row in rows:
        name = "" if row[0] == previous else row[0]
        previous = row[0]
        cells = (name, *row[1:])
        yield "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths))
        ).rstrip()


def _told(one: MeasuredAmount) -> bool:
    """Whether there is anything of it, as there is no UltraRAM in most designs."""
    return one.measured > 0 or (one.estimated is not None and one.estimated.high > 0)


def _cells(name: str, one: MeasuredAmount) -> tuple[str, ...]:
    known = one.estimated
    return (
        name,
        _SHOWN[one.quantity],
        f"{one.measured:,.0f}",
        "" if known is None else f"{known.value:,.0f}",
        "" if known is None else f"{known.low:,.0f}..{known.high:,.0f}",
        "" if one.ratio is None else f"{one.ratio:.2f}",
        {True: "yes", False: "NO", None: "-"}[one.within],
    )


def clock_text(clock: Clocking) -> str:
    """What is known of the clock, in one line."""
    parts = []
    if clock.achieved_ns is not None:
        parts.append(f"{clock.achieved_ns:.3f} ns ({1e3 / clock.achieved_ns:.1f} MHz) achieved"
                     if clock.achieved_ns > 0 else "achieved")  # fmt: skip
    if clock.target_ns is not None:
        parts.append(f"{clock.target_ns:.3f} ns wanted")
    if clock.worst_setup_ns is not None:
        parts.append(f"worst slack {clock.worst_setup_ns:g} ns")
    if clock.worst_hold_ns is not None:
        parts.append(f"of hold {clock.worst_hold_ns:g} ns")
    if clock.met is not None:
        parts.append("met" if clock.met else "NOT MET")
    return ", ".join(parts) + (f"; slowest: {clock.path}" if clock.path else "")


def _left(stage: MeasuredStage) -> Iterator[str]:
    """What works for no layer, the largest first; how many there are is always told."""
    if not stage.left:
        return
    ranked = sorted(stage.left, key=lambda one: -one[2].get("lut", 0.0))
    yield f"of no layer ({len(ranked)}):"
    for name, module, amounts in ranked[:_MOST_LEFT]:
        taken = ", ".join(
            f"{amount:,.0f} {_SHOWN[key]}" for key, amount in amounts.items() if amount
        )
        of = f" ({module})" if module and module != name else ""
        yield f"  {name}{of}: {taken or 'nothing counted'}"
    if len(ranked) > _MOST_LEFT:
        yield f"  and {len(ranked) - _MOST_LEFT} more, which --json lists"
