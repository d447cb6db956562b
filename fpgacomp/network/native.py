"""What a node must keep so that ONNX's own shape inference can be asked about it.

That inference is native code, which trusts a file: a stride of 0 is divided by, a missing axis is
read behind the end of a list, and the whole process ends without an exception. What it does not
look at itself is looked at here first. The rules come from running it on random nodes of every
operator (tests/network/test_native.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fpgacomp.network.editable import Node

Shape = tuple[int, ...]
LARGEST = 2**31 - 1  # ONNX multiplies such numbers in 64 bits

# Operators with a sliding window, and the input that holds the window's weights or indices, which
# has as many axes as the first one.
WINDOWED = {
    "AveragePool": None, "Conv": 1, "ConvInteger": 1, "ConvTranspose": 1, "DeformConv": 1,
    "LpPool": None, "MaxPool": None, "MaxUnpool": 1, "QLinearConv": 3,
}  # fmt: skip
# Attributes with so many numbers for each axis of a window.
_PER_AXIS = {"kernel_shape": 1, "strides": 1, "dilations": 1, "output_padding": 1, "pads": 2}
_COUNTS = ("kernel_shape", "strides", "dilations", "group", "offset_group", "output_shape",
           "blocksize", "num_outputs", "hidden_size", "pooled_shape")  # fmt: skip
_RECURRENT = frozenset(("LSTM", "GRU", "RNN"))


def unsound(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    """Why ONNX must not be asked about a node; None where it may be.

    Args:
        shapes: of each input, None for one that is absent.
    """
    asked = _Asked(node, shapes)
    if node.op == "SplitToSequence":  # divides by the length that it is given
        return "it makes a sequence, and only tensors are read."
    for rule in (_numbers, _counts, _window, _recurrent, _split, _axes):
        if why := rule(asked):
            return why
    return None


@dataclass(frozen=True)
class _Asked:
    """A node with the shapes of its inputs."""

    node: Node
    shapes: Sequence[Shape | None]

    def rank(self, index: int) -> int | None:
        """Number of axes of an input; None where it is absent."""
        shape = self.shapes[index] if index < len(self.shapes) else None
        return None if shape is None else len(shape)

    def integers(self, name: str) -> list[int]:
        """The integers of an attribute; none where it is absent or holds something else."""
        value = self.node.attributes.get(name)
        values = value if isinstance(value, list | tuple) else [value]
        return [number for number in values if isinstance(number, int)]


def _numbers(asked: _Asked) -> str | None:
    for name in asked.node.attributes:
        if any(abs(number) > LARGEST for number in asked.integers(name)):
            return f"its attribute {name} has a number beyond {LARGEST:,}."
    return None


def _counts(asked: _Asked) -> str | None:
    for name in _COUNTS:
        numbers = asked.integers(name)
        if numbers and min(numbers) < 1:
            return f"its attribute {name} has the number {min(numbers)}, but counts from 1 on."
    if max(asked.integers("blocksize"), default=1) ** 2 > LARGEST:
        return "its attribute blocksize is larger than any image."
    return None


def _window(asked: _Asked) -> str | None:
    node = asked.node
    if node.op == "MaxRoiPool":
        wrong = asked.rank(0) != 4 or len(asked.integers("pooled_shape")) != 2
        return "it does not pool images to a size of two numbers." if wrong else None
    if node.op not in WINDOWED:
        return None
    weight = WINDOWED[node.op]
    spatial = (asked.rank(0) or 0) - 2
    lengths = {**_PER_AXIS, "output_shape": 1} if node.op == "ConvTranspose" else _PER_AXIS
    fits = (
        spatial > 0
        and (weight is None or asked.rank(weight) == spatial + 2)
        and all(len(asked.integers(a)) == n * spatial
                for a, n in lengths.items() if a in node.attributes)
    )  # fmt: skip
    if fits:
        return None
    told = ", ".join(str(list(shape)) for shape in asked.shapes if shape is not None)
    return f"its window does not have as many axes as its input ({told})."


def _recurrent(asked: _Asked) -> str | None:
    if asked.node.op in _RECURRENT and any(asked.rank(index) != 3 for index in range(3)):
        return "its input and its weights do not have three axes each."
    return None


def _split(asked: _Asked) -> str | None:
    wanted, given = asked.integers("num_outputs"), len(asked.node.outputs)
    if asked.node.op == "Split" and wanted and wanted[0] != given:
        return f"its attribute num_outputs is {wanted[0]}, but it has {given}."
    return None


def _axes(asked: _Asked) -> str | None:
    """Axes that the operator's input or output does not have."""
    node, rank = asked.node, asked.rank(0) or 0
    match node.op:
        case "LayerNormalization":
            name, low, high = "axis", -rank, rank
        case "OneHot":
            name, low, high = "axis", -rank - 1, rank + 1
            depth = asked.shapes[1] if len(asked.shapes) > 1 else None
            if depth not in ((), (1,)):
                return "its depth is not one number."
        case "GatherND":
            name, low, high = "batch_dims", 0, min(rank, asked.rank(1) or 0)
        case _:
            return None
    if all(low <= axis < high for axis in asked.integers(name) or [max(low, 0)]):
        return None
    return f"its attribute {name} is outside {low} to {high - 1}."
