"""Rewrite: nodes whose output equals their input go."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import EditableGraph, Node

_SAME_SHAPE = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Concat", "Sum"}


def remove_no_ops(graph: EditableGraph) -> None:
    """Remove Identity, Dropout, and casts, pads, slices, reshapes, sums that change nothing."""
    for node in list(graph.nodes):
        candidate = not node.domain and graph.known(node)
        if candidate and _changes_nothing(graph, node) and not graph.bypass(node):
            _keep_as_reshape(graph, node)


def _keep_as_reshape(graph: EditableGraph, node: Node) -> None:
    """Keep a node between two names that must both stay, such as an input that is an output."""
    target = np.asarray(graph.shape(node.output), np.int64)
    inputs = [node.inputs[0], graph.add_constant(f"{node.name}_shape", target)]
    name, outputs = node.name, node.outputs[:1]
    graph.replace(node, Node("Reshape", inputs, outputs, name, origin=node.origin))


def _changes_nothing(graph: EditableGraph, node: Node) -> bool:
    if not (node.inputs and node.inputs[0] and node.output):
        return False
    if node.op == "Dropout":
        return not any(graph.consumers(m) or m in graph.outputs for m in node.outputs[1:])
    before, after = graph.info[node.inputs[0]], graph.info[node.output]
    if before != after:
        return False
    match node.op:
        case "Identity" | "Cast":
            return True
        case "Concat" | "Sum" | "Min" | "Max" | "Mean":
            return len(node.inputs) == 1
        case op if op in _SAME_SHAPE:
            return True
        case "Slice":
            steps = graph.constant(node.input(4))
            return steps is None or bool(np.all(steps > 0))
        case "Pad":
            pads = graph.constant(node.input(1))
            return pads is not None and not np.any(pads)
        case "Transpose":
            perm = node.attributes.get("perm", list(range(len(before.shape)))[::-1])
            return bool(perm == sorted(perm))
        case "Add" | "Sub":
            return _is_all(graph, node.inputs[1], 0)
        case "Mul" | "Div":
            return _is_all(graph, node.inputs[1], 1)
    return False


def _is_all(graph: EditableGraph, name: str, value: int) -> bool:
    constant = graph.constant(name)
    return constant is not None and bool(np.all(constant == value))
