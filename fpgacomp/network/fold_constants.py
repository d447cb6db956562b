"""Infers all shapes and folds, in one walk, whatever does not depend on a graph input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.network.budget import activation_problem, constant_problem, total_problem
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.evaluate import evaluate
from fpgacomp.network.infer import infer_node

_SMALLER = "give the network smaller tensors, or split it."
# Quantizers of constants stay: in front of a weight they say how it is stored.
_KEPT = {"QuantizeLinear", "DequantizeLinear"}


def fold_constants(
    graph: EditableGraph, *, before_folding: Callable[[Node], None] | None = None
) -> None:
    """Put constants in the place of nodes, computed in the network's own precision.

    A shape is known once the walk has passed its producer, so a Shape, and the
    Gather, Concat and Reshape chain behind it, fold in the same walk. What cannot be
    computed is kept as a problem of its node.

    Args:
        before_folding: sees each node that computes from constants, before it goes.
    """
    for name in graph.inputs:
        why = activation_problem(name, graph.shape(name))
        if why:
            graph.report_input(name, why, _SMALLER)
            return
    for node in list(graph.nodes):
        inferred = infer_node(graph, node)
        if not node.domain and node.op == "Shape" and node.inputs[0] in graph.info:
            _become(graph, node, [_shape_value(graph, node)])
        elif inferred and not node.domain and node.op == "Size":
            size = np.prod(graph.shape(node.inputs[0]), dtype=np.int64)
            _become(graph, node, [np.asarray(size)])
        elif _foldable(graph, node):
            if before_folding is not None:
                before_folding(node)
            _fold(graph, node)
    _check_total(graph)


def _check_total(graph: EditableGraph) -> None:
    written = [name for node in graph.nodes for name in node.outputs]
    shapes = {name: info.shape for name, info in graph.info.items()}
    largest, why = total_problem(shapes, [*graph.inputs, *written])
    writer = graph.producer(largest)
    if why and writer is not None:
        graph.report(writer, why, _SMALLER, error=ModelError)
        graph.disable(writer)
    elif why:
        graph.report_input(largest, why, _SMALLER)


def _foldable(graph: EditableGraph, node: Node) -> bool:
    given = [name for name in node.inputs if name]
    constant = bool(given) and all(name in graph.constants for name in given)
    if not constant or node.domain or node.op in _KEPT:
        return False
    # A Clip of integer codes tells the bit width of a QCDQ weight.
    return not (node.op == "Clip" and graph.constants[given[0]].dtype in (np.int8, np.uint8))


def _fold(graph: EditableGraph, node: Node) -> None:
    shapes = [graph.shape(name) for name in node.outputs if name in graph.info]
    too_large = [why for shape in shapes if (why := constant_problem(node.output, shape))]
    if too_large:
        graph.report(node, f"its {too_large[0]}", "give the network a smaller constant.")
        for name in node.outputs:
            graph.info.pop(name, None)  # what reads it is not to blame
        return
    values = [graph.constant(name) if name else None for name in node.inputs]
    try:
        with np.errstate(all="ignore"):
            results = evaluate(node, values, graph.opset)
    except Exception as error:  # whatever ONNX Runtime raises for an operator it cannot run
        reason = str(error).splitlines()[0]
        graph.report(
            node, f"its value cannot be computed: {reason}.", "check the export of this node."
        )
        return
    _become(graph, node, results)


def _become(graph: EditableGraph, node: Node, values: list[np.ndarray]) -> None:
    graph.remove(node)
    for name, value in zip(node.outputs, values):
        if name:
            graph.set_constant(name, value)


def _shape_value(graph: EditableGraph, node: Node) -> np.ndarray:
    shape = graph.shape(node.inputs[0])
    start, end = node.attributes.get("start", 0), node.attributes.get("end", len(shape))
    return np.asarray(shape[start:end], np.int64)
