"""Which values of an input the network tells apart, and how many of those given lie beyond them.

The quantizer of an input has a lowest and a highest integer; what lies beyond is taken as the
nearer end, as in the network itself. That is right, and seldom what was meant: the samples may not
be scaled as those were that the network was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Sequence, Tuple

import numpy as np

from .program import OPERATORS, HostProgram, HostStep

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    Constants = Mapping[str, Array]
_Ends = Tuple[Any, Any]
# Steps that move numbers, and so leave the range as it is.
_MOVING = ("Reshape", "Gather", "Transpose")
# What makes -1 and 1 of a number: every number counts, however large.
_BY_SIGN = ("Where", "GreaterOrEqual")


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


class InputBounds:
    """The range of an input, element by element.

    Args:
        range: the whole of it.
        low, high: [*shape], or one number: a value below or above lies beyond the range.
    """

    def __init__(self, range: InputRange, low: Array, high: Array) -> None:
        self.range, self._low, self._high = range, _one(low), _one(high)

    @property
    def ends(self) -> tuple[Any, Any]:
        """What `beyond` compares with: for each end an array [*shape], or one number."""
        return self._low, self._high

    def beyond(self, samples: Any) -> Array:
        """How many values of each sample lie beyond the range by more than half a step.

        What is nearer rounds to the end, wherever the range stops.

        Args:
            samples: [N, *shape], in the network's units.

        Returns:
            [N], int64.
        """
        values = np.asarray(samples)
        outside = (values < self._low) | (values > self._high)
        counts: Array = outside.reshape(len(values), -1).sum(axis=1, dtype=np.int64)
        return counts


def input_bounds(before: HostProgram) -> dict[str, InputBounds | None]:
    """The bounds of each input; None where they follow from no clipping, or from other steps.

    Args:
        before: the software side in front of the hardware.
    """
    makers = {step.output: step for step in before.steps}
    found: dict[str, list[_Followed]] = {name: [] for name in before.inputs}
    for output in before.outputs:
        with np.errstate(all="ignore"):
            followed = _followed(output, makers, before.constants)
        if followed is not None and followed.name in found:
            found[followed.name].append(followed)
    with np.errstate(all="ignore"):  # ends and steps that are none give no range
        return {
            name: _joined(before, parts) if parts and 0 not in before.inputs[name].shape else None
            for name, parts in found.items()
        }


@dataclass(frozen=True, eq=False)
class _Followed:
    """The way from an input to the integers that a quantizer makes of it.

    Args:
        name: of the input.
        moves: the steps that bring its elements into another order, in theirs.
        ends: lowest and highest value, in the network's units and the last order.
        step: distance of two values.
    """

    name: str
    moves: tuple[HostStep, ...]
    ends: _Ends
    step: Any


def _followed(
    tensor: str, makers: Mapping[str, HostStep], constants: Constants
) -> _Followed | None:
    """From an integer input back to the network's input, with the range on the way.

    What lies behind the quantizer's Clip, on the way to the integers, rounds and renames.
    """
    ends: _Ends | None = None
    size: Any = np.asarray(1.0)
    moves: list[HostStep] = []
    while tensor in makers:
        step = makers[tensor]
        given = [constants.get(name) for name in step.inputs[1:]]
        if step.op in _BY_SIGN:
            return None
        if step.op in _MOVING:
            moves.append(step)
        elif ends is None:
            if step.op == "Clip" and all(value is not None for value in given):
                ends = np.asarray(given[0], np.float64), np.asarray(given[1], np.float64)
        elif step.op != "Cast":
            undone = None if moves else _undone(step.op, given, ends, size)
            if undone is None:
                return None
            ends, size = undone
        if ends is None and moves:  # in an order that is none of the quantizer's
            return None
        tensor = step.inputs[0]
    if ends is None:
        return None
    low, high = np.minimum(*ends), np.maximum(*ends)
    return _Followed(tensor, tuple(reversed(moves)), (low, high), size)


def _undone(op: str, given: Sequence[Any], ends: _Ends, size: Any) -> tuple[_Ends, Any] | None:
    """The ends and the step in front of an operator with constants; None where that is unknown."""
    if any(value is None for value in given) or not given:
        return None
    value = np.asarray(given[0], np.float64)
    if op in ("Div", "Mul") and np.all(value != 0):
        factor = value if op == "Div" else 1 / value
        return (ends[0] * factor, ends[1] * factor), size * abs(factor)
    if op == "Add":
        return (ends[0] - value, ends[1] - value), size
    if op == "Max":
        return (np.maximum(ends[0], value), np.maximum(ends[1], value)), size
    if op == "Clip":
        top = np.asarray(given[1], np.float64)
        return (np.clip(ends[0], value, top), np.clip(ends[1], value, top)), size
    return None


def _joined(before: HostProgram, parts: Sequence[_Followed]) -> InputBounds | None:
    """The bounds within which every quantizer of an input tells its values apart, if any does."""
    name, spec = parts[0].name, before.inputs[parts[0].name]
    count = int(np.prod(spec.shape, dtype=np.int64))
    inner_low, inner_high = np.full(count, -np.inf), np.full(count, np.inf)
    low, high, sizes = inner_low.copy(), inner_high.copy(), np.zeros(count)
    for part in parts:
        place = np.arange(count).reshape((1, *spec.shape))
        for step in part.moves:
            given = [place, *(before.constants[one] for one in step.inputs[1:])]
            place = np.asarray(OPERATORS[step.op](given, step.attributes, step.spec))
        at = place.ravel()
        least, most, size = (
            np.broadcast_to(value, place.shape).ravel() for value in (*part.ends, part.step)
        )
        for bound, value, take in (
            (low, least, np.maximum), (high, most, np.minimum), (sizes, size, np.maximum),
            (inner_low, least - size / 2, np.maximum), (inner_high, most + size / 2, np.minimum),
        ):  # fmt: skip
            take.at(bound, at, value)
    known = np.isfinite(low) & np.isfinite(high)  # an element that nobody reads has no ends
    if not known.any():
        return None
    differs = any(np.unique(values[known]).size > 1 for values in (low, high, sizes))
    found = InputRange(
        name, float(low[known].min()), float(high[known].max()), float(sizes[known].max()), differs
    )
    return InputBounds(found, inner_low.reshape(spec.shape), inner_high.reshape(spec.shape))


def _one(bounds: Array) -> Any:
    """One number where all are the same, which is compared with faster."""
    first = bounds.ravel()[0]
    return float(first) if (bounds == first).all() else bounds
