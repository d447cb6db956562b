"""The network under construction while an ONNX graph is read, and what its rules share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.trainable.names import UniqueNames, from_onnx_name
from fpgacomp.compress.trainable.onnx_graph import Array, OnnxGraph, OnnxNode
from fpgacomp.errors import FpgacompError, UnsupportedLayer

_WEIGHTED = ("Conv", "Gemm", "MatMul", "BatchNormalization")


class ShapeUnknown(Exception):
    """The shape of a tensor is unknown, because a node in front of it was refused."""


def refuse(node: OnnxNode, why: str, fix: str) -> UnsupportedLayer:
    """Make the error that a rule raises for a node.

    Args:
        node: the node.
        why: what cannot be read.
        fix: what to do about it.
    """
    return UnsupportedLayer(node.label, why, fix)


@dataclass
class Reader:
    """The network that is being built while an ONNX graph is read.

    Args:
        source: the ONNX graph that is read.
        values: the torch node that makes each ONNX tensor.
        reserved: names of the layers with weights, by the tensor that they make.
    """

    source: OnnxGraph
    root: nn.Module = field(default_factory=nn.Module)
    graph: fx.Graph = field(default_factory=fx.Graph)
    names: UniqueNames = field(default_factory=UniqueNames)
    values: dict[str, fx.Node] = field(default_factory=dict)
    problems: list[FpgacompError] = field(default_factory=list)
    reserved: dict[str, str] = field(default_factory=dict)

    def shape(self, tensor: str) -> tuple[int, ...]:
        """The shape of a tensor, the batch axis included."""
        if tensor not in self.source.shapes:
            raise ShapeUnknown(tensor)
        return self.source.shapes[tensor]

    def constant(self, node: OnnxNode, position: int, role: str) -> Array:
        """The constant that an input of a node must be.

        Args:
            node: the node.
            position: of the input.
            role: what the input is, for the message.

        Raises:
            UnsupportedLayer: the input is computed.
        """
        name = node.input(position)
        if name not in self.source.constants:
            raise refuse(node, f"its {role} is not constant.", f"give it a constant {role}.")
        return self.source.constants[name]

    def parameter(self, node: OnnxNode, attribute: str, position: int) -> Array | None:
        """A parameter that older operator sets hold as an attribute, and newer ones as an input."""
        if attribute in node.attributes:
            return np.asarray(node.attributes[attribute])
        return self.constant(node, position, attribute) if node.input(position) else None

    def data(self, node: OnnxNode) -> list[str]:
        """Names of the inputs of a node that are computed."""
        return [name for name in node.inputs if name and name not in self.source.constants]

    def emit(self, node: OnnxNode, module: nn.Module, *inputs: fx.Node, part: str = "") -> fx.Node:
        """Append a module.

        Args:
            node: whose work it does, for its name.
            inputs: what it takes; by default what the node's first input is.
            part: what is added to the name where a node becomes several modules.
        """
        name = self._name(node, part)
        self.root.add_module(name, module)
        return self.graph.call_module(name, inputs or (self.values[node.inputs[0]],))

    def reserve(self) -> None:
        """Reserve the names of layers with weights, so that others do not take them."""
        for node in self.source.nodes:
            if node.op in _WEIGHTED:
                wish = from_onnx_name(node.name, node.op, node.input(1))
                self.reserved[node.outputs[0]] = self.names.unique(wish)

    def _name(self, node: OnnxNode, part: str) -> str:
        reserved = self.reserved.get(node.outputs[0])
        if reserved and not part:
            return reserved
        if reserved:
            return self.names.unique(f"{reserved}_{part}")
        wish = from_onnx_name(node.name, node.op)
        if part:
            return self.names.unique(f"{wish}_{part}")
        return self.names.unique(wish, f"{wish}_{node.op.lower()}")

    def bind(self, node: OnnxNode, value: fx.Node) -> None:
        """Record which node of the network computes the first output of an ONNX node."""
        self.values[node.outputs[0]] = value

    def only_use(self, value: fx.Node, tensor: str) -> nn.Module | None:
        """The module that computes a tensor, if only the present ONNX node reads it."""
        if self.source.uses[tensor] > 1 or value.op != "call_module" or value.users:
            return None
        return self.root.get_submodule(str(value.target))


def tensor(values: Array) -> Tensor:
    """Copy a constant into a float32 tensor."""
    return torch.from_numpy(np.array(values, dtype=np.float32))


def ints(values: Array | None) -> list[int]:
    """List the integers of a constant; none where there is no constant."""
    return [] if values is None else [int(v) for v in np.asarray(values).flatten()]


def same(size: list[int]) -> int | tuple[int, ...]:
    """Shorten a size to a single number where all its numbers are equal."""
    return size[0] if len(set(size)) == 1 else tuple(size)
