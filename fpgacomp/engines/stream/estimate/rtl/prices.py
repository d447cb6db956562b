"""Prices of the instances of our SystemVerilog on the families that were measured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from fpgacomp.devices.device import Device
from fpgacomp.devices.resources import Resources
from fpgacomp.engines.shared.coefficients import LEAST
from fpgacomp.engines.shared.terms import RESOURCES, Terms
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.estimate.coefficients import load
from fpgacomp.engines.stream.estimate.rtl.measured import terms_of
from fpgacomp.engines.stream.estimate.rtl.modules import RULES, amount, tally
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.rtl.parts import CONTROL, RtlPart, fifo_part, operator_part
from fpgacomp.results.estimate import Figure

PATH = Path(__file__).with_name("costs.json")
# Additions that outputs share are counted one by one: circuits took 0.95 to 1.2 of the count.
_SHARED_SUMS = (0.85, 1.2)
# What all instances of a design share of the error.
_TOGETHER = (0.93, 1.08)
# A module of which no instance was measured: the fabric's costs, and a range to go with them.
_FABRIC: Mapping[str, Mapping[str, float]] = {"lut": {}, "ff": {}}
_UNKNOWN = {"lut": (0.6, 1.6), "ff": (0.85, 1.15)}
_COMMAND = re.compile(r"synth_(?P<tool>\w+)(?: -family (?P<family>\w+))?")
_LIKE = {"xcup": "xcu"}  # one map of LUTs and memories
ZERO = Figure.exact(0.0)
NOTHING = Resources.of(lambda _: ZERO)


def family_of(device: Device) -> str:
    """The family of Yosys' cells that a device belongs to; "" where Yosys maps to none."""
    found = _COMMAND.match(device.yosys)
    if found is None:
        return ""
    name = found["family"] or found["tool"]
    return _LIKE.get(name, name)


@lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def instances_of(device: Device) -> int:
    """How many instances the costs of a device's family come from; 0: none was measured."""
    found = _content()["families"].get(family_of(device), {})
    return int(found.get("instances", 0))


def rtl_shares(dataflow: Dataflow, device: Device) -> dict[str, Resources[Figure]]:
    """Layer -> what its operators and the FIFOs that they write to take; "" for no layer's.

    Args:
        dataflow: with the FIFO depths of the SystemVerilog (`fold.rtl_fifos`).
        device: of a family that was measured (`instances_of`).
    """
    found: dict[str, Resources[Figure]] = {"": price(_control(dataflow), device)}
    for index, operator in enumerate(dataflow.operators):
        own = _operator(operator, f"t{index}", device)
        for stream in operator.outputs:
            own += price(fifo_part(stream, operator.layer, device), device)
        found[operator.layer] = found.get(operator.layer, NOTHING) + own
    return found


def _operator(operator: Operator, tables: str, device: Device) -> Resources[Figure]:
    """An operator by its module; by the terms of its C++ where nobody counts the module."""
    made = operator_part(operator, tables, device)
    if made.module in RULES:
        return price(made, device)
    counted = made.counted
    if not counted:
        return load().priced(operator.terms(device.wide_port_bits), operator.cost_kind)
    return Resources.of(
        lambda name: (
            Figure.within(counted[name], _SHARED_SUMS, _TOGETHER) if name in counted else ZERO
        )
    )


def _control(dataflow: Dataflow) -> RtlPart:
    ends = [sum(isinstance(one, kind) for one in dataflow.operators) for kind in (Source, Sink)]
    return RtlPart("", CONTROL, {"INPUTS": ends[0], "OUTPUTS": ends[1]})


def _blocks(value: float, span: Sequence[float] | None) -> Figure:
    """Blocks of memory or DSP blocks, which are counted."""
    low, high = span or (1.0, 1.0)
    return Figure(value, value * low, value * high)


def price(part: RtlPart, device: Device) -> Resources[Figure]:
    """What an instance of a module of the library takes."""
    return priced(
        terms_of(tally(part, device)), part.module, _content()["families"][family_of(device)]
    )


def priced(terms: Terms, module: str, family: Mapping[str, Any]) -> Resources[Figure]:
    """What an instance of these terms takes.

    Args:
        module: of which it is an instance.
        family: costs and ranges, as `fit.family_content` has them.
    """
    costs, ranges = family["costs"].get(module, _FABRIC), family["ranges"].get(module, _UNKNOWN)

    def figure(name: str) -> Figure:
        if name not in RESOURCES:
            return ZERO
        if name not in costs:
            return _blocks(sum(terms.get(name, {}).values()), ranges.get(name))
        value = amount(costs[name], name, terms[name])
        low, high = ranges.get(name, (1.0, 1.0))
        found = Figure.within(value, (low, high), _TOGETHER)
        if not 0 < value < LEAST[name]:
            return found
        return Figure(value, found.low, max(found.high, LEAST[name] * high),
                      found.shared_low, found.shared_high)  # fmt: skip

    return Resources.of(figure)
