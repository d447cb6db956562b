"""FINN's Thresholding node of an activation."""

from __future__ import annotations

from typing import Any, assert_never

import numpy as np

from fpgacomp.engines.finn.levels import Levels, padded
from fpgacomp.engines.finn.tensors import Canvas, Wire
from fpgacomp.engines.finn.types import finn_type
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.ir.types import IntArray, IntType


def thresholding_node(
    canvas: Canvas, op: Activate, levels: Levels, source: Wire, output: Wire, fifo: dict[str, Any]
) -> None:
    """Add the node: y = ActVal + number of thresholds <= x, or -1 and +1 where BIPOLAR.

    Args:
        source: the input in FINN's coding, falling channels already negated.
    """
    thresholds, bias = _thresholds(op, levels, source, output)
    # Input and thresholds are compared in one signedness.
    lowest = -1 if source.type.startswith("INT") else 0
    stored = finn_type(IntType(min(lowest, int(thresholds.min())), max(1, int(thresholds.max()))))
    constant = canvas.constant(f"{op.name}_thresholds", thresholds, thresholds.shape, stored)
    canvas.node(
        "Thresholding", op.name, [source.name, constant], [output],
        NumChannels=output.channels, PE=op.input.lanes, numSteps=thresholds.shape[1],
        inputDataType=source.type, weightDataType=stored, outputDataType=output.type,
        ActVal=bias, numInputVectors=output.vectors, **_memory(op.memory), **fifo,
    )  # fmt: skip


def _thresholds(op: Activate, levels: Levels, source: Wire, output: Wire) -> tuple[IntArray, int]:
    """Thresholds of FINN's integers, and ActVal."""
    thresholds = levels.thresholds
    never = levels.signed_input(op.function.input.type).hi + 1
    if source.gain == 2:  # of sums to thresholds of counts
        thresholds, never = -((source.offset - thresholds) // 2), -((source.offset - never) // 2)
    if output.type == "BIPOLAR":
        return thresholds, 0
    if op.function.output.type.bipolar:  # -1 and +1 in two bits: both thresholds at the one step
        thresholds = np.repeat(thresholds, 2, axis=1)
    bits = max(2, output.range.bits)
    return padded(thresholds, output.range.lo, bits, never), output.range.lo


def _memory(memory: Memory) -> dict[str, int]:
    """FINN's RTL thresholding takes a memory by the depth from which it is used."""
    never = 1 << 30
    match memory:
        case "auto":
            return {}
        case "lutram":
            return {"depth_trigger_bram": never, "depth_trigger_uram": never}
        case "bram":
            return {"depth_trigger_bram": 1, "depth_trigger_uram": never}
        case "uram":
            return {"depth_trigger_bram": never, "depth_trigger_uram": 1}
        case _:
            assert_never(memory)
