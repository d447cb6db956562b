"""One node of a network as the reference executor sees it: attributes decoded, opset known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.attributes import Attributes

Operands = list[AnyArray | None]


def float32(value: float) -> float:
    """Return a decimal constant as ONNX stores it: attributes and their defaults are float32."""
    return float(np.float32(value))


@dataclass(frozen=True)
class ReferenceNode:
    """A node and what its execution depends on beside its operands.

    Args:
        proto: the node itself.
        attributes: name -> Python value, strings decoded.
        opset: the version of the standard operators in this model.
        batched: the first operand carries samples along axis 0, so that a target
            shape that starts with 1 keeps them.
    """

    proto: onnx.NodeProto
    attributes: Attributes
    opset: int
    batched: bool

    @property
    def name(self) -> str:
        """The node's name, or its output's where it has none."""
        return str(self.proto.name or self.proto.output[0])

    def get(self, attribute: str, default: Any = None) -> Any:
        """Return an attribute's value, or the default where the node does not state it."""
        return self.attributes.get(attribute, default)

    def number(self, attribute: str, default: float) -> float:
        """Return a float attribute, or the default rounded to float32 as ONNX stores it."""
        return float(self.attributes.get(attribute, float32(default)))

    def unsupported(self, why: str) -> UnsupportedLayer:
        """Return the error that names this node."""
        return UnsupportedLayer(
            self.name, why, "bring the network into canonical form with `fpgacomp check` first."
        )


def operand(operands: Operands, index: int) -> AnyArray:
    """Return the operand, which must be there."""
    value = operands[index]
    if value is None:
        raise ValueError(f"operand {index} is missing")
    return value


def optional(operands: Operands, index: int) -> AnyArray | None:
    """Return the operand, or None where it is left out."""
    return operands[index] if index < len(operands) else None
