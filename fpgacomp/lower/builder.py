"""Collects the layers of the integer graph while the network is walked."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import onnx

from fpgacomp.errors import FpgacompError, UnsupportedLayer
from fpgacomp.ir.infer import ChannelRange, LayerT, channel_range, unknown_output, with_output
from fpgacomp.ir.layers import Layer, Reshape, Tensor
from fpgacomp.ir.types import FloatArray, IntArray, Ints, Reals
from fpgacomp.ir.verify import MAX_BITS
from fpgacomp.lower.value import Sum, Value
from fpgacomp.network.attributes import shape_of, to_array
from fpgacomp.network.lowered import LabelView, TensorView


class NetworkIndex:
    """The canonical network for reading: its nodes, its constants, and who reads what."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.model = model
        self.nodes: tuple[onnx.NodeProto, ...] = tuple(graph.node)
        self.initializers = {i.name: i for i in graph.initializer}
        self.inputs = {i.name: shape_of(i) for i in graph.input if i.name not in self.initializers}
        self.input_types = {i.name: i.type.tensor_type.elem_type for i in graph.input}
        self.outputs = tuple(o.name for o in graph.output)
        self.producer = {name: node for node in self.nodes for name in node.output}
        self.consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)

    def constant(self, name: str) -> FloatArray | None:
        """Return an initializer as float64, or None where the tensor is none."""
        found = self.initializers.get(name)
        return None if found is None else to_array(found).astype(np.float64)


def node_name(node: onnx.NodeProto) -> str:
    """Return what error messages call a node: its operator with its name or its first output."""
    return f"{node.op_type} {node.name!r}" if node.name else f"{node.op_type} -> {node.output[0]!r}"


def unsupported(node: onnx.NodeProto, why: str, fix: str) -> UnsupportedLayer:
    """Return the error that names this node."""
    return UnsupportedLayer(node_name(node), why, fix)


class GraphBuilder:
    """The growing graph, the values of the network's tensors, and the problems met on the way."""

    def __init__(self, source: NetworkIndex) -> None:
        self.source = source
        self.values: dict[str, Value] = {}
        self.weights: dict[str, IntegerWeights] = {}
        self.layers: list[Layer] = []
        self.views: dict[str, TensorView] = {}
        self.labels: dict[str, LabelView] = {}
        self.problems: list[FpgacompError] = []
        self._names: set[str] = set()
        self._counts: dict[str, int] = {}
        self._reshaped: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    def unique(self, wish: str) -> str:
        """Return a C identifier near the wish that no layer has yet."""
        base = re.sub(r"[^A-Za-z0-9]+", "_", wish).strip("_") or "layer"
        if not base[0].isalpha():
            base = f"t{base}"
        name, count = base, 1
        while name.lower() in self._names:
            count += 1
            name = f"{base}_{count}"
        self._names.add(name.lower())
        return name

    def numbered(self, stem: str) -> str:
        """Return the next free name of this kind: conv1, conv2, ..."""
        self._counts[stem] = self._counts.get(stem, 0) + 1
        return f"{stem}{self._counts[stem]}"

    def add(self, layer: LayerT) -> Tensor:
        """Append a layer under a unique name and return its output, its shape and
        range inferred.
        """
        name = self.unique(layer.name)
        named = replace(layer, name=name, output=replace(layer.output, name=name))
        complete = with_output(named)
        bits = complete.output.type.bits
        if bits > MAX_BITS:
            raise UnsupportedLayer(
                name, f"its results need {bits} bits; at most {MAX_BITS} are built.",
                "quantize its inputs or its weights to fewer bits.",
            )  # fmt: skip
        self.layers.append(complete)
        return complete.output

    def range_of(self, tensor: Tensor) -> ChannelRange:
        """Return the lowest and highest integer of each channel, [C] each."""
        layer = next(layer for layer in self.layers if layer.output.name == tensor.name)
        low, high = channel_range(layer)
        channels = (tensor.channels,)
        return np.broadcast_to(low, channels), np.broadcast_to(high, channels)

    def reshaped(self, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the tensor under another shape; the same Reshape serves all who ask."""
        if tensor.shape == shape:
            return tensor
        key = (tensor.name, shape)
        if key not in self._reshaped:
            name = f"{tensor.name}_flat" if len(shape) == 1 else f"{tensor.name}_shaped"
            layer = Reshape(name=name, output=unknown_output(name, shape), input=tensor)
            self._reshaped[key] = self.add(layer)
        return self._reshaped[key]

    def flat(self, value: Value) -> Value:
        """Return the value as one vector of channels (a Reshape where the source
        is not one yet).
        """
        if len(value.source_shape) == 1:
            return value
        flat = value.flattened()
        if isinstance(value.source, Tensor):
            return replace(flat, source=self.reshaped(value.source, flat.source_shape))
        if isinstance(value.source, Sum):
            raise ValueError("a sum cannot be flattened before it is an integer tensor")
        return flat

    def view(self, tensor: Tensor, name: str, value: Value, *, quantized: bool) -> None:
        """Note what an integer tensor stands for in the network (the first meaning counts)."""
        if tensor.name in self.views:
            return
        self.views[tensor.name] = TensorView(
            onnx_name=name,
            order=Ints(value.order),
            scale=Reals(value.chain.scale),
            offset=Reals(value.chain.offset),
            quantized=quantized,
            proof="proved" if quantized else "checked",
        )


class IntegerWeights:
    """A constant as integers times a scale: real = integers * scale, elementwise broadcast."""

    def __init__(self, integers: IntArray, scale: FloatArray) -> None:
        self.integers = integers
        self.scale = np.broadcast_to(scale, integers.shape)
