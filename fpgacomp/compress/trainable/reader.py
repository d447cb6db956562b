"""The network under construction while an ONNX graph is read, and what its rules share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.trainable.float_graph import FloatGraph
from fpgacomp.compress.trainable.names import UniqueNames, from_onnx_name
from fpgacomp.errors import FpgacompError, UnsupportedLayer
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import Node

_WEIGHTED = ("Conv", "Gemm", "MatMul", "BatchNormalization")


class ShapeUnknown(Exception):
    """The shape of a tensor is unknown, because a node in front of it was refused."""


def refuse(node: Node, why: str, fix: str) -> UnsupportedLayer:
    """The error to raise for a node."""
    label = node.file_name or f"{node.op} making {node.output}"
    return UnsupportedLayer(label, why, fix)


@dataclass
class Reader:
    """The network that is being built while an ONNX graph is read.

    Args:
        source: the ONNX graph that is read.
        values: the torch node that makes each ONNX tensor.
        reserved: names of the layers with weights, by the tensor that they make.
        onnx_names: by the name of each node in the file, that of the module that does its work.
    """

    source: FloatGraph
    root: nn.Module = field(default_factory=nn.Module)
    graph: fx.Graph = field(default_factory=fx.Graph)
    names: UniqueNames = field(default_factory=UniqueNames)
    values: dict[str, fx.Node] = field(default_factory=dict)
    problems: list[FpgacompError] = field(default_factory=list)
    reserved: dict[str, str] = field(default_factory=dict)
    onnx_names: dict[str, str] = field(default_factory=dict)

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Shape of a tensor, batch included."""
        if tensor not in self.source.graph.info:
            raise ShapeUnknown(tensor)
        return self.source.graph.shape(tensor)

    def constant(self, node: Node, position: int, role: str) -> AnyArray:
        """The constant that this input must be."""
        name = node.input(position)
        if name not in self.source.constants:
            raise refuse(node, f"its {role} is not constant.", f"give it a constant {role}.")
        return self.source.constants[name]

    def parameter(self, node: Node, attribute: str, position: int) -> AnyArray | None:
        """What older operator sets hold as an attribute and newer ones as an input."""
        if attribute in node.attributes:
            return np.asarray(node.attributes[attribute])
        return self.constant(node, position, attribute) if node.input(position) else None

    def data(self, node: Node) -> list[str]:
        """The inputs that are computed."""
        return [name for name in node.inputs if name and name not in self.source.constants]

    def emit(self, node: Node, module: nn.Module, *inputs: fx.Node, part: str = "") -> fx.Node:
        """Append a module.

        Args:
            node: whose work it does, for its name.
            inputs: what it takes; by default what the node's first input is.
            part: what is added to the name where a node becomes several modules.
        """
        name = self._name(node, part)
        self.root.add_module(name, module)
        if node.file_name and not part:
            self.onnx_names.setdefault(node.file_name, name)
        return self.graph.call_module(name, inputs or (self.values[node.inputs[0]],))

    def reserve(self) -> None:
        """Give layers with weights their names before the others that are called like them."""
        for node in self.source.graph.nodes:
            if node.op in _WEIGHTED:
                wish = from_onnx_name(node.file_name, node.op, node.input(1))
                self.reserved[node.outputs[0]] = self.names.unique(wish)

    def _name(self, node: Node, part: str) -> str:
        reserved = self.reserved.get(node.outputs[0])
        if reserved and not part:
            return reserved
        if reserved:
            return self.names.unique(f"{reserved}_{part}")
        wish = from_onnx_name(node.file_name, node.op)
        if part:
            return self.names.unique(f"{wish}_{part}")
        return self.names.unique(wish, f"{wish}_{node.op.lower()}")

    def bind(self, node: Node, value: fx.Node) -> None:
        """Say what makes the node's first output."""
        self.values[node.outputs[0]] = value

    def only_use(self, value: fx.Node, tensor: str) -> nn.Module | None:
        """The module that makes this tensor, if nothing but the present node reads it."""
        others = self.source.graph.only_consumer(tensor) is None
        if others or value.op != "call_module" or value.users:
            return None
        return self.root.get_submodule(str(value.target))


def tensor(values: AnyArray) -> Tensor:
    """A constant as float32."""
    return torch.from_numpy(np.array(values, dtype=np.float32))


def ints(values: AnyArray | None) -> list[int]:
    """A constant as a list of integers."""
    return [] if values is None else [int(v) for v in np.asarray(values).flatten()]


def same(size: list[int]) -> int | tuple[int, ...]:
    """Shorten a size to a single number where all its numbers are equal."""
    return size[0] if len(set(size)) == 1 else tuple(size)
