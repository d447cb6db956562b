"""Rewrite: ONNX Runtime's own activation functions become those of our domain, or standard ones."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import FPGACOMP_DOMAIN

_MICROSOFT = "com.microsoft"
_GELUS = {"Gelu": "Gelu", "BiasGelu": "Gelu", "FastGelu": "GeluTanh"}


def microsoft_activations(graph: EditableGraph) -> None:
    """Convert Gelu, BiasGelu, FastGelu and QuickGelu, which its optimizer writes into a file."""
    for node in list(graph.nodes):
        if node.domain == _MICROSOFT and node.op in _GELUS:
            _gelu(graph, node)
        elif node.domain == _MICROSOFT and node.op == "QuickGelu":
            _quick_gelu(graph, node)


def _gelu(graph: EditableGraph, node: Node) -> None:
    x = node.inputs[0]
    if node.input(1):
        x = _before(graph, node, "Add", [x, node.inputs[1]])
    op, name = _GELUS[node.op], node.name
    graph.replace(node, Node(op, [x], node.outputs, name, FPGACOMP_DOMAIN, origin=node.origin))


def _quick_gelu(graph: EditableGraph, node: Node) -> None:
    """Write x * Sigmoid(alpha * x)."""
    x = node.inputs[0]
    alpha = np.float32(node.attributes.get("alpha", 1.702))
    scaled = _before(graph, node, "Mul", [x, graph.add_constant(f"{node.name}_alpha", alpha)])
    gate = _before(graph, node, "Sigmoid", [scaled])
    graph.replace(node, Node("Mul", [x, gate], node.outputs, node.name, origin=node.origin))


def _before(graph: EditableGraph, node: Node, op: str, inputs: list[str]) -> str:
    """Add a node in front of another, before any shape is known, and return its output."""
    name = graph.unique(f"{node.name}_{op}")
    made = Node(op, inputs, [graph.unique(f"{name}_out")], name, origin=node.origin)
    return graph.insert_before(node, made).output
