"""Puts Quant and BipolarQuant nodes into a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fpgacomp.frontend.calibrate.options import PtqOptions
from fpgacomp.frontend.calibrate.ranges import (
    QuantizerFormat,
    bipolar_scales,
    choose_weight_scales,
)
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QONNX_DOMAIN


def quantize_tensor(
    graph: EditableGraph, tensor: str, readers: Sequence[Node], scale: float, form: QuantizerFormat
) -> None:
    """Put a Quant behind `tensor` for these readers; everybody else keeps the float values."""
    quant = _quant(graph, tensor, np.asarray(scale), form, graph.shape(tensor))
    producer = graph.producer(tensor)
    if producer is None:
        graph.insert_before(graph.nodes[0], quant)
    else:
        graph.insert_after(producer, quant)
    graph.redirect(tensor, quant.output, only=readers)


def quantize_weight(graph: EditableGraph, node: Node, bits: int, options: PtqOptions) -> None:
    """Put a quantizer in front of the constant operand of a MatMul or Conv, if it has one."""
    position = next((i for i in (1, 0) if node.inputs[i] in graph.constants), None)
    if position is None:
        return
    name = node.inputs[position]
    weight = graph.constants[name]
    axis = _channel_axis(node, position, weight)
    rows = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
    if not options.per_channel_weights:
        rows = rows.reshape(1, -1)
    shape = [1] * weight.ndim
    shape[axis] = len(rows)
    if bits == 1:
        scale = bipolar_scales(rows, kind=options.scale).reshape(shape)
        inputs = [name, graph.add_constant(f"{name}_scale", scale)]
        quant = _node(graph, "BipolarQuant", inputs, f"{name}_quantized", weight.shape)
    else:
        form = QuantizerFormat(bits, signed=True, narrow=True)
        scale = choose_weight_scales(rows, form, kind=options.scale, method=options.ranges)
        quant = _quant(graph, name, scale.reshape(shape), form, weight.shape)
    graph.insert_before(node, quant)
    graph.set_input(node, position, quant.output)


def _channel_axis(node: Node, position: int, weight: AnyArray) -> int:
    """Return the axis of the output channels."""
    if node.op == "Conv":
        return 0
    return weight.ndim - 1 if position == 1 else weight.ndim - 2


def _quant(
    graph: EditableGraph, tensor: str, scale: AnyArray, form: QuantizerFormat, shape: Sequence[int]
) -> Node:
    if scale.size == 1:
        scale = scale.reshape(())
    inputs = [
        tensor,
        graph.add_constant(f"{tensor}_scale", scale.astype(np.float32)),
        graph.add_constant(f"{tensor}_zero_point", np.float32(form.zero_point)),
        graph.add_constant(f"{tensor}_bits", np.float32(form.bits)),
    ]
    node = _node(graph, "Quant", inputs, f"{tensor}_quantized", shape)
    node.attributes = {
        "signed": int(form.signed),
        "narrow": int(form.narrow),
        "rounding_mode": "ROUND",
    }
    return node


def _node(
    graph: EditableGraph, op: str, inputs: list[str], output: str, shape: Sequence[int]
) -> Node:
    tensor = graph.new_tensor(output, shape)
    return Node(op, inputs, [tensor], graph.unique(f"{op}_{inputs[0]}"), QONNX_DOMAIN)
