"""Rewrite: what moves or compares codes does so with the real numbers that they stand for."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import FLOAT, EditableGraph, Node, TensorInfo

# Operators that give some of their first input's values, whatever their type.
_MOVES = frozenset(
    (
        *("MaxPool", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Identity"),
        *("Slice", "DepthToSpace", "SpaceToDepth", "Resize", "GlobalMaxPool"),
    )
)


def dequantize_before_moves(graph: EditableGraph) -> None:
    """Write Move(codes), DequantizeLinear as DequantizeLinear(codes), Move.

    ONNX Runtime's QOperator format pools and reshapes codes. From the last to the first, so that
    several in a row are passed.
    """
    for node in reversed(graph.find(*_MOVES)):
        if len(node.outputs) == 1 and node.output not in graph.outputs:
            _swap(graph, node)


def _swap(graph: EditableGraph, move: Node) -> None:
    readers = graph.consumers(move.output)
    if not readers or any(reader.op != "DequantizeLinear" for reader in readers):
        return
    first, *others = readers
    parameters = [_values(graph, reader) for reader in readers]
    scalar = all(value.size == 1 for given in parameters for value in given)
    if not scalar or any(given != parameters[0] for given in parameters[1:]):
        return
    codes = move.inputs[0]
    inputs = [codes, *first.inputs[1:]]
    real = graph.make(move, "DequantizeLinear", inputs, shape=graph.shape(codes)).output
    graph.set_input(move, 0, real)
    graph.info[move.output] = TensorInfo(FLOAT, graph.shape(move.output))
    for reader in (first, *others):
        graph.bypass(reader)


def _values(graph: EditableGraph, node: Node) -> tuple[np.ndarray, ...]:
    found = [graph.constant(name) for name in node.inputs[1:] if name]
    return tuple(value for value in found if value is not None)
