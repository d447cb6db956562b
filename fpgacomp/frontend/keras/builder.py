"""Builds the ONNX graph of a Keras model node by node, keeping track of each tensor's layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.errors import FpgacompError, UnsupportedLayer
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QONNX_DOMAIN


@dataclass(frozen=True)
class KerasTensor:
    """A tensor of the Keras model and the ONNX tensor that holds its values.

    Args:
        name: of the ONNX tensor.
        shape: as Keras has it, channels last, no batch axis.
        first: whether the ONNX tensor has its channels at axis 1 instead.
    """

    name: str
    shape: tuple[int, ...]
    first: bool = False

    @property
    def channels(self) -> int:
        """Length of the channel axis."""
        return self.shape[-1]

    @property
    def onnx_shape(self) -> tuple[int, ...]:
        """Shape of the ONNX tensor without the batch axis."""
        return (self.shape[-1], *self.shape[:-1]) if self.first else self.shape


@dataclass
class KerasGraphWriter:
    """The ONNX graph under construction, for one batch size.

    Args:
        batch: size of axis 0 of every tensor.
    """

    batch: int
    graph: EditableGraph
    layer: str = ""
    problems: list[FpgacompError] = field(default_factory=list)

    def refuse(self, why: str, fix: str) -> UnsupportedLayer:
        """Return the error to raise for the layer being converted."""
        return UnsupportedLayer(self.layer, why, fix)

    def constant(self, hint: str, value: npt.ArrayLike) -> str:
        """Add a constant (real numbers become float32) and return its name."""
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        return self.graph.add_constant(f"{self.layer}/{hint}", array)

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        shape: tuple[int, ...],
        *,
        first: bool = False,
        domain: str = "",
        **attributes: Any,
    ) -> KerasTensor:
        """Append a node and return its output; `shape` is the output's, as Keras has it."""
        name = self.graph.unique(f"{self.layer}/{op}")
        value = KerasTensor(f"{name}_out", shape, first)
        tensor = self.graph.new_tensor(value.name, (self.batch, *value.onnx_shape))
        value = KerasTensor(tensor, shape, first)
        self.graph.append(Node(op, list(inputs), [tensor], name, domain, attributes, name))
        return value

    def weight_node(self, op: str, inputs: Sequence[str], shape: Sequence[int], **kw: Any) -> str:
        """Append a quantizer over constants and return the name of its output."""
        name = self.graph.unique(f"{self.layer}/weight_{op}")
        tensor = self.graph.new_tensor(f"{name}_out", shape)
        self.graph.append(Node(op, list(inputs), [tensor], name, QONNX_DOMAIN, kw, name))
        return tensor

    def same(
        self, op: str, x: KerasTensor, *extra: str, domain: str = "", **attributes: Any
    ) -> KerasTensor:
        """Append an elementwise node, which keeps shape and layout, and return its output."""
        return self.node(op, [x.name, *extra], x.shape, first=x.first, domain=domain, **attributes)

    def channels_first(self, x: KerasTensor) -> KerasTensor:
        """Return the tensor with its channels at axis 1, by a Transpose where they are last."""
        if x.first or len(x.shape) == 1:
            return x
        rank = len(x.shape) + 1
        perm = [0, rank - 1, *range(1, rank - 1)]
        return self.node("Transpose", [x.name], x.shape, first=True, perm=perm)

    def channels_last(self, x: KerasTensor) -> KerasTensor:
        """Return the tensor with its channels last, by a Transpose where they are at axis 1."""
        if not x.first:
            return x
        rank = len(x.shape) + 1
        return self.node("Transpose", [x.name], x.shape, perm=[0, *range(2, rank), 1])

    def permuted(self, x: KerasTensor, order: Sequence[int]) -> KerasTensor:
        """Return x, channels last, with its axes in another order (0 is the one after the batch).

        Nothing is appended where the order stays.
        """
        if list(order) == list(range(len(x.shape))):
            return x
        shape = tuple(x.shape[axis] for axis in order)
        perm = [0, *(axis + 1 for axis in order)]
        return self.node("Transpose", [x.name], shape, perm=perm)

    def per_channel(self, x: KerasTensor, values: AnyArray) -> AnyArray:
        """Return one number per channel, shaped to broadcast against x in its layout."""
        if not x.first:
            return values
        return values.reshape(1, -1, *[1] * (len(x.shape) - 1))

    def spatial(self, x: KerasTensor) -> tuple[int, ...]:
        """Return the lengths of the tensor's spatial axes."""
        return x.shape[:-1]
