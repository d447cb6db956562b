"""The slowest path in the words of the design, as plain values for report.json."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import Any

from fpgacomp.bitstream.open.names import CellNames, DesignPlace
from fpgacomp.bitstream.open.timing import CriticalPath

_STEPS = 40  # of a path that are kept


def slowest_path(path: CriticalPath, names: CellNames) -> dict[str, Any]:
    """What report.json says of a path.

    Returns:
        Delay and its parts; `from` and `to`, the registers at its ends; `through`, the operators
        that it passes, in order; the first steps with signal, operator, layer and line each; and
        how many of all its steps have a line.
    """
    places = [names.place(step.cell) for step in path.steps]
    lines = [
        names.own_line(step.sources) or place.source
        for step, place in zip(path.steps, places, strict=True)
    ]
    known = (place for place in places if place.operator)
    steps = [
        {
            "kind": step.kind, "cell": step.cell, "delay_ns": step.delay_ns, "source": line,
            "signal": place.signal, "operator": place.operator, "layer": place.layer,
        }
        for step, place, line in zip(path.steps, places, lines, strict=True)
    ]  # fmt: skip
    return {
        "start": path.start, "end": path.end, "delay_ns": path.delay_ns,
        "logic_ns": path.logic_ns, "routing_ns": path.routing_ns, "length": len(steps),
        "from": asdict(places[0]) if places else None,
        "to": asdict(places[-1]) if places else None,
        "through": [
            {"operator": operator, "module": module, "layer": layer, "steps": len(list(group))}
            for (operator, module, layer), group in groupby(known, key=_passed)
        ],
        "steps_with_source": sum(bool(line) for line in lines),
        "steps": steps[:_STEPS],
    }  # fmt: skip


def _passed(place: DesignPlace) -> tuple[str, str, str]:
    return place.operator, place.module, place.layer
