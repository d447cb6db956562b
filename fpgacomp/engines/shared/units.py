"""Reads the instances of an emitted top module back from its text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from fpgacomp.engines.engine import HardwareUnit

# As hls_templates/rtl/top.sv.j2 writes them: a parameter and a port a line.
_INSTANCE = re.compile(
    r"^  (?P<module>\w+) #\(\n(?P<parameters>(?: {6}\.\w+\(.*\),?\n)*)  \) (?P<name>\w+) \($",
    re.MULTILINE,
)
_PARAMETER = re.compile(r"^ {6}\.(?P<name>\w+)\((?P<value>.*)\),?$", re.MULTILINE)
_PREFIX = "u_"  # of the instances of FIFOs, before the name of their stream


def units_of(
    top: str, parts: Mapping[str, str], *, ignored: Collection[str] = ()
) -> tuple[HardwareUnit, ...]:
    """The instances of a top module, in their order.

    Args:
        top: its SystemVerilog.
        parts: name of an operator's instance or of a stream -> the layer that it works for.
        ignored: parameters that only a simulation reads.
    """
    return tuple(
        HardwareUnit(
            name=found["name"],
            module=found["module"],
            parameters=tuple(
                (one["name"], one["value"])
                for one in _PARAMETER.finditer(found["parameters"])
                if one["name"] not in ignored
            ),
            layer=parts.get(found["name"], parts.get(found["name"].removeprefix(_PREFIX), "")),
        )
        for found in _INSTANCE.finditer(top)
    )
