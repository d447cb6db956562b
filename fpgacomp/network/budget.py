"""How much memory a network may ask for; whatever asks for more is refused before it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod

BUDGET_BYTES = 4 << 30
"""Memory that the tensors of one network may take."""

BYTES_PER_WEIGHT = 64
"""Memory that work on one constant takes at its peak, for each of its values: the value in
float64, its scale, zero point and code, and what computing them keeps for a moment."""

BYTES_PER_ACTIVATION = 16
"""Memory that work on one activation takes for each value of a sample: its position, and a copy."""


def constant_problem(name: str, shape: Sequence[int]) -> str:
    """Return why a constant of this shape is refused: "" or one sentence."""
    return _problem("constant", name, shape, BYTES_PER_WEIGHT)


def activation_problem(name: str, shape: Sequence[int]) -> str:
    """Return why an activation of this shape is refused: "" or one sentence."""
    if 0 in shape:
        return f"tensor {name} of shape {_dims(shape)} holds no values at all."
    return _problem("tensor", name, shape, BYTES_PER_ACTIVATION)


def total_problem(shapes: Mapping[str, Sequence[int]], names: Iterable[str]) -> tuple[str, str]:
    """Add up activations that are in memory together.

    Args:
        shapes: of the tensors, by name, batch included.
        names: of the tensors to add up.

    Returns:
        The name of the largest tensor, and why the network is refused: "" or one sentence.
    """
    sizes = {name: abs(prod(shapes[name])) for name in names if name in shapes}
    largest = max(sizes, key=lambda name: sizes[name], default="")
    needed = sum(sizes.values()) * BYTES_PER_ACTIVATION
    if needed <= BUDGET_BYTES:
        return largest, ""
    why = (
        f"tensor {largest} of shape {_dims(shapes[largest])} and all others take about "
        f"{_gigabytes(needed)} to work on; the budget is {_gigabytes(BUDGET_BYTES)}."
    )
    return largest, why


def _problem(kind: str, name: str, shape: Sequence[int], bytes_per_value: int) -> str:
    size = abs(prod(shape))
    needed = size * bytes_per_value
    if needed <= BUDGET_BYTES:
        return ""
    return (
        f"{kind} {name} of shape {_dims(shape)} takes about {_gigabytes(needed)} to work on; "
        f"the budget is {_gigabytes(BUDGET_BYTES)}."
    )


def _dims(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one value"


def _gigabytes(size: int) -> str:
    return f"{size / (1 << 30):,.1f} GB"
