"""Rewrite: a Transpose or Reshape behind a weight's quantizer moves into the weight itself."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from fpgacomp.frontend.rewrites._weights import weight_quantizer
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import EditableGraph, Node


def move_into_weights(graph: EditableGraph) -> None:
    """Rearrange the constant, and its per-channel parameters with it, before quantizing."""
    for node in graph.find("Transpose", "Reshape"):
        quantizer = weight_quantizer(graph, node.inputs[0])
        if quantizer is not None:
            _move(graph, node, quantizer)


def _move(graph: EditableGraph, node: Node, quantizer: Node) -> None:
    shape = graph.shape(quantizer.output)
    if node.op == "Transpose":
        perm = node.attributes.get("perm", list(range(len(shape)))[::-1])
        move: Callable[[AnyArray], AnyArray] = lambda x: np.ascontiguousarray(x.transpose(perm))  # noqa: E731
    else:
        target = graph.shape(node.output)
        move = lambda x: x.reshape(target)  # noqa: E731
    inputs = [_moved(graph, quantizer.inputs[0], shape, move)]
    inputs += [_moved(graph, name, shape, move) for name in quantizer.inputs[1:]]
    name = graph.unique(f"{quantizer.name}_{node.op}")
    graph.replace(
        node,
        Node(
            quantizer.op,
            inputs,
            [node.output],
            name,
            quantizer.domain,
            dict(quantizer.attributes),
            quantizer.origin,
        ),
    )
    if not graph.consumers(quantizer.output):
        graph.remove(quantizer)


def _moved(
    graph: EditableGraph, name: str, shape: tuple[int, ...], move: Callable[[AnyArray], AnyArray]
) -> str:
    value = graph.constants[name]
    if value.ndim == 0:
        return name
    if value.size == 1 and value.shape != shape:
        return graph.add_constant(name, value.reshape(()))  # broadcasts in any shape
    if value.shape == shape:
        return graph.add_constant(name, move(value))
    return graph.add_constant(name, _compress(move(np.broadcast_to(value, shape))))


def _compress(value: AnyArray) -> AnyArray:
    """Keep one entry of every axis along which all entries are equal."""
    for axis in range(value.ndim):
        first = value.take([0], axis=axis)
        if prod(value.shape) > 1 and np.array_equal(np.broadcast_to(first, value.shape), value):
            value = first
    return value
