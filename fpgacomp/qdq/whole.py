"""Joins the software side with the quantized hardware to one network in the model's own units."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from fpgacomp.errors import ModelError
from fpgacomp.ir.graph import Graph
from fpgacomp.network.lowered import integer_name
from fpgacomp.qdq.network import answer_name

OLDEST_OPSET = 13  # axes of a ReduceSum as an input, and a scale per tensor
_CAST_KINDS = {TensorProto.DOUBLE: TensorProto.FLOAT}


def opset_of(after: onnx.ModelProto) -> int:
    """The version of the standard operators that the software side behind the hardware is in.

    Raises:
        ModelError: it is older than the quantized network can be written in, or is not said.
    """
    said = [o.version for o in after.opset_import if o.domain in ("", "ai.onnx")]
    opset: int = said[0] if said else 0
    if opset < OLDEST_OPSET:
        raise ModelError(
            "the operators behind the hardware",
            f"are those of opset {opset}, and a quantized network needs {OLDEST_OPSET} or later.",
            f"export the model again with opset {OLDEST_OPSET} or later.",
        )
    return opset


def in_float32(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that computes in float32 what the software side computes in float64.

    TensorRT has no float64, and a network is trained and deployed in float32 everywhere else. An
    input on the border between two integers may then go to the other one.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        if tensor.data_type == TensorProto.DOUBLE:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for node in copy.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to":
                attribute.i = _CAST_KINDS.get(attribute.i, attribute.i)
    return copy


def joined(
    graph: Graph, before: onnx.ModelProto, core: onnx.ModelProto, after: onnx.ModelProto
) -> onnx.ModelProto:
    """The network from its own inputs to its own outputs, batch N.

    Args:
        graph: the integer graph that `core` computes.
        before, after: the software side in float32.
        core: the hardware; see `quantized_network`.
    """
    front, middle, end = (
        compose.add_prefix(part, f"{name}_", rename_inputs=False, rename_outputs=False)
        for name, part in (("before", before), ("hardware", core), ("after", after))
    )
    # The software side behind reads an output under the name of its integers.
    answers = {integer_name(t.name): answer_name(t.name) for t in graph.outputs}
    for node in end.graph.node:
        node.input[:] = [answers.get(name, name) for name in node.input]
    parts = (front, middle, end)
    borders = {value.name for value in (*middle.graph.input, *middle.graph.output)}
    nodes = _without_detours([node for part in parts for node in part.graph.node], borders)
    content = helper.make_graph(
        nodes, graph.name, front.graph.input, end.graph.output,
        initializer=[tensor for part in parts for tensor in part.graph.initializer],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset_of(after))]
    return helper.make_model(content, opset_imports=opsets, ir_version=8, producer_name="fpgacomp")


def _without_detours(nodes: list[onnx.NodeProto], borders: set[str]) -> list[onnx.NodeProto]:
    """Leave out casts of whole floats to int64 and back, between software and hardware.

    Args:
        borders: the integers that cross between the two.
    """
    whole = {
        node.output[0]: node.input[0]
        for node in nodes
        if node.op_type == "Cast" and node.output[0] in borders
    }
    same = {
        node.output[0]: whole[node.input[0]]
        for node in nodes
        if node.op_type == "Cast" and node.input[0] in whole and _target(node) == TensorProto.FLOAT
    }
    kept = [node for node in nodes if node.output[0] not in same]
    for node in kept:
        node.input[:] = [_origin(name, same) for name in node.input]
    read = {name for node in kept for name in node.input}
    return [node for node in kept if node.output[0] not in whole or node.output[0] in read]


def _origin(name: str, same: Mapping[str, str]) -> str:
    while name in same:
        name = same[name]
    return name


def _target(node: onnx.NodeProto) -> int:
    kind: int = next(attribute.i for attribute in node.attribute if attribute.name == "to")
    return kind
