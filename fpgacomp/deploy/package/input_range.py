"""Which values in the network's own units an input tells apart, from the software side in ONNX."""

from __future__ import annotations

import onnx

from fpgacomp.deploy.program import program_of
from fpgacomp.runtime.input_range import InputRange, input_bounds
from fpgacomp.runtime.program import parse_program

__all__ = ["InputRange", "input_ranges"]


def input_ranges(before: onnx.ModelProto) -> dict[str, InputRange | None]:
    """The range of each input; None where it follows from no clipping, or from steps unknown here.

    It is what the device runtime states and counts by.

    Args:
        before: the software side in front of the hardware.
    """
    program = program_of(before)
    if program is None:
        return {value.name: None for value in before.graph.input}
    bounds = input_bounds(parse_program(program, "before"))
    return {name: None if found is None else found.range for name, found in bounds.items()}
