"""Tells which constants are weights, for the rewrites about quantized constants."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QONNX_DOMAIN, WEIGHT_QUANTIZERS

# Operators that only move values, and may stand between a weight's quantizer and its user.
_MOVES = {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"}
_WEIGHT_INPUT = {"Conv": (1,), "ConvTranspose": (1,), "Gemm": (0, 1), "MatMul": (0, 1)}


def reads_as_weight(node: Node, tensor: str) -> bool:
    """Return whether the node multiplies by this tensor."""
    places = [i for i, name in enumerate(node.inputs) if name == tensor]
    return all(place in _WEIGHT_INPUT.get(node.op, ()) for place in places)


def feeds_only_weights(graph: EditableGraph, tensor: str) -> bool:
    """Return whether every reader of this constant, through moves of values, multiplies by it."""
    readers = graph.consumers(tensor)
    if not readers or tensor in graph.outputs:
        return False
    return all(
        reads_as_weight(node, tensor)
        or (node.op in _MOVES and not node.domain and feeds_only_weights(graph, node.output))
        for node in readers
    )


def weight_quantizer(graph: EditableGraph, tensor: str) -> Node | None:
    """Return the Quant or BipolarQuant of a constant that writes this tensor, else None."""
    node = graph.producer(tensor)
    if node is None or node.domain != QONNX_DOMAIN or node.op not in WEIGHT_QUANTIZERS:
        return None
    return node if all(name in graph.constants for name in node.inputs) else None
