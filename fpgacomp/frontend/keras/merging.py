"""Converts Keras layers that join several tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.shaping import repeated

Merge = Callable[[KerasGraphWriter, list[KerasTensor], Any], KerasTensor]


def _folded(op: str, b: KerasGraphWriter, inputs: list[KerasTensor], layer: Any) -> KerasTensor:
    """Join the inputs from the left, two at a time."""
    total = inputs[0]
    for other in inputs[1:]:
        total = _joined(b, op, total, other)
    return total


def _average(b: KerasGraphWriter, inputs: list[KerasTensor], layer: Any) -> KerasTensor:
    total = _folded("Add", b, inputs, layer)
    return b.same("Div", total, b.constant("count", np.float32(len(inputs))))


def _joined(b: KerasGraphWriter, op: str, x: KerasTensor, other: KerasTensor) -> KerasTensor:
    """Append the node for two tensors; where one has a single position, that is repeated."""
    shape = np.broadcast_shapes(x.shape, other.shape)
    x, other = _repeated_to(b, op, x, shape), _repeated_to(b, op, other, shape)
    other = b.channels_first(other) if x.first else b.channels_last(other)
    return b.same(op, x, other.name)


def _repeated_to(
    b: KerasGraphWriter, op: str, x: KerasTensor, shape: tuple[int, ...]
) -> KerasTensor:
    if x.shape == shape:
        return x
    if len(x.shape) != len(shape) or x.channels != shape[-1] or len(shape) not in (2, 3):
        raise b.refuse(
            f"{op} of shapes {x.shape} and {shape} would repeat channels.",
            "give both sides the same number of channels.",
        )
    return repeated(b, x, tuple(wide // n for n, wide in zip(x.shape[:-1], shape)))


def _concatenate(b: KerasGraphWriter, inputs: list[KerasTensor], layer: Any) -> KerasTensor:
    rank = len(inputs[0].shape)
    axis = int(layer.axis) % (rank + 1)
    if axis == 0:
        raise b.refuse("Concatenate over the batch.", "join samples in software.")
    first = axis == rank and all(x.first for x in inputs)
    parts = inputs if first else [b.channels_last(x) for x in inputs]
    shape = list(parts[0].shape)
    shape[axis - 1] = sum(x.shape[axis - 1] for x in parts)
    return b.node(
        "Concat", [x.name for x in parts], tuple(shape), first=first, axis=1 if first else axis
    )


MERGES: dict[str, Merge] = {
    "Add": partial(_folded, "Add"),
    "Average": _average,
    "Concatenate": _concatenate,
    "Maximum": partial(_folded, "Max"),
    "Minimum": partial(_folded, "Min"),
    "Multiply": partial(_folded, "Mul"),
    "Subtract": partial(_folded, "Sub"),
}
