"""Rewrite: QuantizeLinear, Clip and DequantizeLinear become one Quant with the same real numbers.

QuantizeLinear rounds before it adds the zero point, a Quant afterwards, which differs on
ties and in float32's last digit. So the zero point z goes into the range: the integers
q - z lie in lo - z .. hi - z, a Quant without zero point, with a Clip in front where no
bit width has exactly that range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.frontend.quantizers import IntegerFormat
from fpgacomp.frontend.rewrites._weights import feeds_only_weights
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import FLOAT, EditableGraph, Node, TensorInfo
from fpgacomp.network.operators import QONNX_DOMAIN

_QDQ_FIX = "quantize with quant_format=QDQ and constant scales and zero points."


@dataclass(frozen=True)
class _Codes:
    """Where the integers of a DequantizeLinear come from, and between which they lie."""

    tensor: str
    lo: int
    hi: int


@dataclass(frozen=True)
class _Parameters:
    """Scale and zero point of one (De)QuantizeLinear, shaped to broadcast."""

    scale: AnyArray
    zero_point: AnyArray

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Parameters)
            and np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
        )


def convert_qdq(graph: EditableGraph) -> None:
    """Convert every pair, every integer constant and every integer input or output."""
    for node in graph.find("DequantizeLinear"):
        parameters = _parameters(graph, node)
        if parameters is not None:
            _dequantize(graph, node, parameters)
    for node in graph.find("QuantizeLinear"):
        parameters = _parameters(graph, node)
        if parameters is not None and node.output in graph.outputs:
            _integer_output(graph, node, parameters)
        elif parameters is not None and not graph.consumers(node.output):
            graph.remove(node)
    _integer_inputs_to_float(graph)


def _parameters(graph: EditableGraph, node: Node) -> _Parameters | None:
    scale, zero_point = graph.constant(node.input(1)), graph.constant(node.input(2))
    if (node.input(2) and zero_point is None) or scale is None:
        graph.report(node, "its scale or zero point is computed from the input.", _QDQ_FIX)
        return None
    if node.attributes.get("block_size"):
        graph.report(node, "it is quantized in blocks.", "quantize per tensor or per channel.")
        return None
    if scale.dtype != np.float32:
        graph.report(node, f"its scale is {scale.dtype}.", "convert the model to float32.")
        return None
    if zero_point is None:
        zero_point = np.zeros_like(scale)
    shape: tuple[int, ...] = ()
    sizes = graph.shape(node.inputs[0])
    axis = int(node.attributes.get("axis", 1)) % max(len(sizes), 1)
    channels = sizes[axis] if sizes else 1
    if scale.size not in (1, channels) or zero_point.size not in (1, scale.size):
        why = (
            f"it has {scale.size} scales and {zero_point.size} zero points for {channels} channels."
        )
        graph.report(node, why, "export the model again.", error=ModelError)
        return None
    zero_point = zero_point.reshape(() if zero_point.size == 1 else scale.shape)
    if scale.size > 1:
        rank = len(sizes)
        shape = tuple(-1 if i == axis else 1 for i in range(rank))
    return _Parameters(
        scale.reshape(shape), np.broadcast_to(zero_point, scale.shape).reshape(shape)
    )


def _dequantize(graph: EditableGraph, node: Node, parameters: _Parameters) -> None:
    codes = _trace(graph, node.inputs[0])
    if codes is None:
        why = "the integers it reads may lie in more than 16 bits or come from a type like float8."
        graph.report(node, why, _QDQ_FIX)
        return
    producer = graph.producer(codes.tensor)
    value = graph.constant(codes.tensor)
    if value is not None:
        _integer_constant(graph, node, parameters, value, codes)
    elif codes.tensor in graph.inputs:
        _integer_input(graph, node, parameters, codes)
    elif producer is not None and producer.op == "QuantizeLinear":
        if _parameters(graph, producer) != parameters:
            why = (
                f"its scale or zero point differs from that of {producer.origin}, which it undoes."
            )
            graph.report(node, why, "use the same scale and zero point in both.")
            return
        _quantize(graph, node, parameters, codes, producer.inputs[0])
    else:
        by = producer.op if producer is not None else "nothing"
        graph.report(node, f"the integers it reads are computed by {by}.", _QDQ_FIX)


def _trace(graph: EditableGraph, tensor: str) -> _Codes | None:
    """Follow Clip nodes back to the tensor of integers; None for types without a range."""
    dtype = _numpy_dtype(graph, tensor)
    if dtype is None or dtype.kind not in "iu":
        return None
    lo, hi = graph.ranges.get(tensor, (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)))
    while (node := graph.producer(tensor)) is not None and node.op == "Clip":
        lows, highs = graph.constant(node.input(1)), graph.constant(node.input(2))
        if (node.input(1) and lows is None) or (node.input(2) and highs is None):
            return None
        lo = max(lo, int(lows)) if lows is not None else lo
        hi = min(hi, int(highs)) if highs is not None else hi
        tensor = node.inputs[0]
    if node is not None and node.op == "QuantizeLinear" and node.input(2) in graph.ranges:
        narrow = graph.ranges[node.input(2)]
        lo, hi = max(lo, narrow[0]), min(hi, narrow[1])
    return _Codes(tensor, lo, hi)


_INTEGERS = {2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32}


def _numpy_dtype(graph: EditableGraph, tensor: str) -> np.dtype[Any] | None:
    kind = _INTEGERS.get(graph.info[tensor].dtype)
    return None if kind is None else np.dtype(kind)


def _integer_constant(
    graph: EditableGraph, node: Node, parameters: _Parameters, value: AnyArray, codes: _Codes
) -> None:
    """Keep a weight behind a Quant; turn anything else (a bias) into its float32 value."""
    centred = np.clip(value, codes.lo, codes.hi).astype(np.int64) - parameters.zero_point
    real = centred.astype(np.float32) * parameters.scale
    if codes.hi - codes.lo >= 1 << 16 or not feeds_only_weights(graph, node.output):
        graph.remove(node)
        graph.set_constant(node.output, real)
        return
    source = graph.add_constant(f"{node.output}_real", real)
    _quantize(graph, node, parameters, codes, source)


def _integer_input(
    graph: EditableGraph, node: Node, parameters: _Parameters, codes: _Codes
) -> None:
    """Make the input float32, holding the same integers; its real value is computed first."""
    name, shape = codes.tensor, graph.shape(codes.tensor)
    offset = graph.add_constant(f"{name}_offset", -parameters.zero_point.astype(np.float32))
    centred = graph.make(node, "Add", [name, offset], shape=shape)
    scale = graph.add_constant(f"{name}_scale", parameters.scale)
    real = graph.make(node, "Mul", [centred.output, scale], shape=shape)
    _quantize(graph, node, parameters, codes, real.output)


def _quantize(
    graph: EditableGraph, node: Node, parameters: _Parameters, codes: _Codes, source: str
) -> None:
    """Put (Clip and) Quant of the real tensor `source` in the place of a DequantizeLinear."""
    zero_point = parameters.zero_point.astype(np.int64)
    lo, hi = codes.lo - zero_point, codes.hi - zero_point
    integers = IntegerFormat.exactly(int(lo.min()), int(hi.max()))
    if integers is None or zero_point.min() != zero_point.max():
        integers = IntegerFormat.covering(int(lo.min()), int(hi.max()))
        source = _clip(graph, node, source, lo * parameters.scale, hi * parameters.scale)
        if not source:
            return
    quant = _quant_node(graph, node, source, parameters.scale, integers)
    quant.outputs = [node.output]
    graph.replace(node, quant)


def _quant_node(
    graph: EditableGraph, node: Node, source: str, scale: AnyArray, integers: IntegerFormat
) -> Node:
    inputs = [
        source,
        graph.add_constant(f"{node.name}_scale", scale),
        graph.add_constant(f"{node.name}_zero_point", np.float32(0)),
        graph.add_constant(f"{node.name}_bits", np.float32(integers.bits)),
    ]
    attributes = {
        "signed": int(integers.signed),
        "narrow": int(integers.narrow),
        "rounding_mode": "ROUND",
    }
    name = graph.unique(f"{node.origin}_Quant")
    return Node("Quant", inputs, [], name, QONNX_DOMAIN, attributes, node.origin)


def _clip(graph: EditableGraph, node: Node, source: str, lo: AnyArray, hi: AnyArray) -> str:
    """Return `source` clipped to lo..hi (real numbers); "" where that has to be refused."""
    limits = np.float32(lo), np.float32(hi)
    value = graph.constant(source)
    if value is not None:
        return graph.add_constant(f"{source}_clipped", np.clip(value, *limits))
    if limits[0].size > 1:
        why = "it has one zero point per channel, or an integer range that is no bit width."
        graph.report(node, why, "quantize activations per tensor.")
        return ""
    names = [graph.add_constant(f"{node.name}_limit", limit.reshape(())) for limit in limits]
    return graph.make(node, "Clip", [source, *names], shape=graph.shape(node.output)).output


def _integer_output(graph: EditableGraph, node: Node, parameters: _Parameters) -> None:
    """Make a network output of integers float32, holding the same integers.

    A Quant with the real scale, as on every other tensor, then the integers from it:
    a Quant of scale 1 rounds off what float32 lost in the division, then + zero point.
    """
    codes = _trace(graph, node.output)
    if codes is None or parameters.scale.size > 1:
        graph.report(node, "this integer output has no single scale and range.", _QDQ_FIX)
        return
    name, shape = node.output, graph.shape(node.output)
    zero_point = int(parameters.zero_point)
    lo, hi = codes.lo - zero_point, codes.hi - zero_point
    integers = IntegerFormat.exactly(lo, hi) or IntegerFormat.covering(lo, hi)
    source = node.inputs[0]
    if integers.range != (lo, hi):
        source = _clip(graph, node, source, lo * parameters.scale, hi * parameters.scale)
    real = _quant_node(graph, node, source, parameters.scale, integers)
    real.outputs = [graph.new_tensor(f"{name}_real", shape)]
    inverse = graph.add_constant(f"{name}_inverse", np.float32(1) / parameters.scale)
    steps = graph.new_tensor(f"{name}_steps", shape)
    whole = _quant_node(graph, node, steps, np.asarray(np.float32(1)), integers)
    whole.outputs = [graph.new_tensor(f"{name}_whole", shape)]
    offset = graph.add_constant(f"{name}_zero_point", np.float32(zero_point))
    graph.info[name] = TensorInfo(FLOAT, shape)
    graph.replace(
        node,
        real,
        Node("Mul", [real.output, inverse], [steps], graph.unique(f"{name}_Mul")),
        whole,
        Node("Add", [whole.output, offset], [name], graph.unique(f"{name}_Add")),
    )
    graph.warnings.append(f"The integer output {name} is given as float32 holding integers.")


def _integer_inputs_to_float(graph: EditableGraph) -> None:
    for name in graph.inputs:
        readers = graph.consumers(name)
        if graph.info[name].dtype in _INTEGERS and all(node.op == "Add" for node in readers):
            graph.info[name] = TensorInfo(FLOAT, graph.shape(name))
            graph.warnings.append(f"The integer input {name} is taken as float32 holding integers.")
