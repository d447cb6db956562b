"""Rewrite: Sub, Neg, Sum, Max, Min and Div by a power of two become Add, Mul and Clip."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fpgacomp.frontend.rewrites.divisors import has_exact_reciprocal
from fpgacomp.network.editable import EditableGraph, Node

_LIMITS = np.finfo(np.float32)


def subtract_to_add(graph: EditableGraph) -> None:
    """Convert them, the constant second."""
    for node in graph.find("Sub", "Div", "Neg", "Sum", "Add", "Mul", "Max", "Min"):
        _rewrite(graph, node)
        if node.op in ("Add", "Mul") and node.inputs[0] in graph.constants:
            node.inputs.reverse()


def _rewrite(graph: EditableGraph, node: Node) -> None:
    values = [graph.constant(name) for name in node.inputs]
    match node.op, values:
        case "Neg", _:
            node.inputs.append("")
            _constant_second(graph, node, "Mul", np.float32(-1))
        case "Sub", [None, value] if value is not None:
            _constant_second(graph, node, "Add", -value)
        case "Sub", _:
            _negate_second(graph, node)
        case "Div", [None, value] if value is not None and has_exact_reciprocal(value):
            _constant_second(graph, node, "Mul", np.float32(1) / value)
        case "Sum", [_, _]:
            node.op = "Add"
        case "Sum", [_, _, _, *_]:
            _chain(graph, node)
        case (("Max" | "Min"), [a, b]) if (a is None) != (b is None):
            _clip(graph, node, 0 if a is None else 1)


def _constant_second(graph: EditableGraph, node: Node, op: str, value: npt.ArrayLike) -> None:
    node.op = op
    graph.set_input(node, 1, graph.add_constant(f"{node.name}_constant", value))


def _negate_second(graph: EditableGraph, node: Node) -> None:
    """Write a - b as a + (-1) * b, which is exact."""
    minus = graph.add_constant(f"{node.name}_minus", np.float32(-1))
    negated = graph.make(node, "Mul", [node.inputs[1], minus])
    node.op = "Add"
    graph.set_input(node, 1, negated.output)


def _chain(graph: EditableGraph, node: Node) -> None:
    """Write a Sum of many as Adds from the left, the order ONNX Runtime adds in."""
    total = node.inputs[0]
    for name in node.inputs[1:-1]:
        shape = np.broadcast_shapes(graph.shape(total), graph.shape(name))
        total = graph.make(node, "Add", [total, name], shape=shape).output
    last = Node("Add", [total, node.inputs[-1]], node.outputs, node.name, origin=node.origin)
    graph.replace(node, last)


def _clip(graph: EditableGraph, node: Node, dynamic: int) -> None:
    """Write Max(x, c) or Min(x, c) with one number c as a Clip."""
    value = graph.constants[node.inputs[1 - dynamic]]
    if value.size != 1 or graph.shape(node.inputs[dynamic]) != graph.shape(node.output):
        return
    limits = [value.min(), _LIMITS.max] if node.op == "Max" else [_LIMITS.min, value.max()]
    names = [graph.add_constant(f"{node.name}_limit", np.float32(limit)) for limit in limits]
    inputs = [node.inputs[dynamic], *names]
    graph.replace(node, Node("Clip", inputs, node.outputs, node.name, origin=node.origin))
