"""Rewrite: nodes of opsets 1 to 6 take the form of opset 7, the oldest that runtimes execute."""

from __future__ import annotations

import numpy as np
import onnx

from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.infer import infer_node

OPSET = 7
# From opset 7 on shapes broadcast as NumPy's do; before that, two attributes said how.
_BROADCASTING = frozenset(
    ("Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Greater", "Less", "Equal")
)
_OBSOLETE = ("consumed_inputs", "is_test")
_SELU = {"alpha": 1.6732, "gamma": 1.0507}  # defaults of opset 1, to four digits


def upgrade_old_opsets(graph: EditableGraph) -> None:
    """Bring a graph below opset 7 there; newer ones stay as they are.

    A constant that broadcasts from an axis on is given ones behind it, for which the rank of the
    other operand must be known: shapes are inferred node by node on the way.
    """
    opset = graph.opset
    if opset >= OPSET:
        return
    graph.opset = OPSET
    for node in list(graph.nodes):
        if not node.domain:
            for name in _OBSOLETE:
                node.attributes.pop(name, None)
            _upgrade(graph, node, opset)
        infer_node(graph, node)


def _upgrade(graph: EditableGraph, node: Node, opset: int) -> None:
    attributes = node.attributes
    match node.op:
        case op if op in _BROADCASTING:
            _broadcast(graph, node)
        case "PRelu":
            _from_axis(graph, node, 1)
        case "Gemm":
            attributes.pop("broadcast", None)
        case "Reshape" if "shape" in attributes:
            target = np.asarray(attributes.pop("shape"), np.int64)
            node.inputs[1:] = [""]
            graph.set_input(node, 1, graph.add_constant(f"{node.name}_shape", target))
        case "Concat" if opset < 4:
            attributes.setdefault("axis", 1)
        case "Pad" if "paddings" in attributes:
            attributes["pads"] = attributes.pop("paddings")
        case "Upsample" if "height_scale" in attributes:
            attributes["scales"] = [
                1.0, 1.0, attributes.pop("height_scale"), attributes.pop("width_scale", 1.0)
            ]  # fmt: skip
        case "Cast" if isinstance(attributes.get("to"), str):
            attributes["to"] = onnx.TensorProto.DataType.Value(attributes["to"].upper())
        case "Selu" if opset < 6:
            node.attributes = _SELU | attributes
        case "Split" if node.input(1):
            _split(graph, node)


def _broadcast(graph: EditableGraph, node: Node) -> None:
    axis = node.attributes.pop("axis", None)
    if node.attributes.pop("broadcast", 0) and axis is not None:
        _from_axis(graph, node, int(axis))


def _from_axis(graph: EditableGraph, node: Node, axis: int) -> None:
    """Give the second operand ones behind its own axes, which match the first's from `axis` on."""
    first, second = node.inputs[:2]
    if first not in graph.info or second not in graph.info:
        graph.report(node, "the shapes that it broadcasts are not known.",
                     "export the model with static shapes, in opset 7 or later.")  # fmt: skip
        return
    rank, size = len(graph.shape(first)), graph.shape(second)
    behind = rank - axis % rank - len(size)
    if behind <= 0 or np.prod(size) == 1:
        return
    shape = (*size, *(1,) * behind)
    value = graph.constant(second)
    if value is not None:
        graph.set_input(node, 1, graph.add_constant(f"{node.name}_wide", value.reshape(shape)))
        return
    axes = list(range(len(size), len(shape)))
    wide = graph.make(node, "Unsqueeze", [second], shape=shape, axes=axes)
    graph.set_input(node, 1, wide.output)


def _split(graph: EditableGraph, node: Node) -> None:
    """Make the sizes an attribute, which were an input in opset 1."""
    sizes = graph.constant(node.inputs[1])
    if sizes is not None:
        graph.set_input(node, 1, "")
        node.inputs.pop()
        node.attributes["split"] = [int(size) for size in sizes.ravel()]
