"""Which values in the network's own units an input tells apart, from the software side in ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

# Steps that move numbers, and so leave the range as it is.
_KEEPING = {"Cast", "Reshape", "Gather", "Transpose", "Identity"}
# What makes -1 and 1 of a number: every number counts, however large.
_BY_SIGN = {"Where", "GreaterOrEqual"}
_Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class InputRange:
    """What an input takes, in the network's units.

    Args:
        name: of the network's input.
        low, high: the ends; a value beyond one is taken as that end.
        step: distance of two values that are told apart; each value goes to one of the nearest.
        by_channel: whether channels differ; `low` and `high` are then the outermost, and `step` is
            the largest.
    """

    name: str
    low: float
    high: float
    step: float
    by_channel: bool


def input_ranges(before: onnx.ModelProto) -> dict[str, InputRange | None]:
    """The range of each input; None where it follows from no clipping, or from steps unknown here.

    Args:
        before: the software side in front of the hardware.
    """
    makers = {node.output[0]: node for node in before.graph.node if node.output}
    constants = {c.name: numpy_helper.to_array(c) for c in before.graph.initializer}
    found: dict[str, InputRange | None] = {value.name: None for value in before.graph.input}
    for output in before.graph.output:
        name, spans = _followed(output.name, makers, constants)
        if name in found:
            found[name] = spans
    return found


def _followed(
    tensor: str, makers: Mapping[str, onnx.NodeProto], constants: Mapping[str, Any]
) -> tuple[str, InputRange | None]:
    """From an integer input back to the network's input, with the range on the way.

    What lies behind the quantizer's Clip, on the way to the integers, rounds and renames.
    """
    ends: tuple[_Array, _Array] | None = None
    step, known = np.asarray(1.0), True
    while (node := makers.get(tensor)) is not None:
        given = [constants.get(name) for name in node.input[1:]]
        known = known and node.op_type not in _BY_SIGN
        if ends is None:
            if node.op_type == "Clip" and all(value is not None for value in given):
                ends = np.asarray(given[0], np.float64), np.asarray(given[1], np.float64)
        elif node.op_type not in _KEEPING:
            found = _undone(node.op_type, given, ends, step)
            known = known and found is not None
            ends, step = found or (ends, step)
        tensor = node.input[0]
    if ends is None or not known:
        return tensor, None
    low, high = np.minimum(*ends), np.maximum(*ends)
    differs = any(np.unique(part).size > 1 for part in (low, high, step))
    return tensor, InputRange(
        tensor, float(low.min()), float(high.max()), float(step.max()), bool(differs)
    )


def _undone(
    op: str, given: Sequence[Any], ends: tuple[_Array, _Array], step: _Array
) -> tuple[tuple[_Array, _Array], _Array] | None:
    """The ends and the step in front of an operator with constants; None where that is unknown."""
    if any(value is None for value in given) or not given:
        return None
    value = np.asarray(given[0], np.float64)
    match op:
        case "Div" | "Mul" if np.all(value != 0):
            factor = value if op == "Div" else 1 / value
            return (ends[0] * factor, ends[1] * factor), step * abs(factor)
        case "Add":
            return (ends[0] - value, ends[1] - value), step
        case "Max":
            return (np.maximum(ends[0], value), np.maximum(ends[1], value)), step
        case "Clip":
            top = np.asarray(given[1], np.float64)
            return (np.clip(ends[0], value, top), np.clip(ends[1], value, top)), step
        case _:
            return None
