"""Rewrite: every node takes the form of opset 18, where attributes of older opsets are inputs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fpgacomp.network.editable import EditableGraph, Node

CANONICAL_OPSET = 18
_FLOAT_LIMITS = (float(np.finfo(np.float32).min), float(np.finfo(np.float32).max))
# Attributes that later opsets dropped, or that mean nothing in inference.
_OBSOLETE = {"consumed_inputs", "is_test", "momentum"}


def modernize_opset(graph: EditableGraph) -> None:
    """Bring all nodes of the default domain to one opset; no shape is needed for it."""
    for node in list(graph.nodes):
        if node.domain:
            continue
        for name in _OBSOLETE & set(node.attributes):
            del node.attributes[name]
        _modernize(graph, node)
    graph.opset = CANONICAL_OPSET


def _modernize(graph: EditableGraph, node: Node) -> None:
    match node.op:
        case "Squeeze" | "Unsqueeze":
            _to_input(graph, node, "axes", 1)
        case op if op.startswith("Reduce"):
            _to_input(graph, node, "axes", 1)
        case "Clip":
            _clip(graph, node)
        case "Dropout":
            node.attributes.clear()
        case "Upsample":
            _upsample(graph, node)
        case "Resize" if graph.opset < 11:
            _resize_like_opset_10(graph, node)
        case "Softmax" | "LogSoftmax":
            node.attributes.setdefault("axis", 1 if graph.opset < 13 else -1)
        case "Pad":
            _to_input(graph, node, "pads", 1)
            _to_input(graph, node, "value", 2, np.float32)
        case "Slice":
            for index, name in enumerate(("starts", "ends", "axes"), start=1):
                _to_input(graph, node, name, index)
        case "TopK":
            if "k" in node.attributes:
                node.attributes["k"] = [node.attributes["k"]]
            _to_input(graph, node, "k", 1)
        case "Split":
            _to_input(graph, node, "split", 1)
            if not node.input(1):
                node.attributes.setdefault("num_outputs", len(node.outputs))


def _append_input(graph: EditableGraph, node: Node, index: int, tensor: str) -> None:
    while len(node.inputs) <= index:
        node.inputs.append("")
    graph.set_input(node, index, tensor)


def _to_input(
    graph: EditableGraph,
    node: Node,
    attribute: str,
    index: int,
    dtype: npt.DTypeLike = np.int64,
) -> None:
    if attribute in node.attributes:
        value = np.asarray(node.attributes.pop(attribute), dtype)
        _append_input(graph, node, index, graph.add_constant(f"{node.name}_{attribute}", value))


def _clip(graph: EditableGraph, node: Node) -> None:
    """Make both limits scalar inputs, float's own limits where the file gives none."""
    for index, (attribute, limit) in enumerate(zip(("min", "max"), _FLOAT_LIMITS), start=1):
        if graph.opset < 11:
            node.attributes.setdefault(attribute, limit)
        _to_input(graph, node, attribute, index, np.float32)


def _upsample(graph: EditableGraph, node: Node) -> None:
    if "scales" in node.attributes:
        _to_input(graph, node, "scales", 1, np.float32)
    _resize_like_opset_10(graph, node)


def _resize_like_opset_10(graph: EditableGraph, node: Node) -> None:
    """Convert Upsample and the first Resize: output i reads input floor(i / scale)."""
    scales = node.input(1)
    graph.set_input(node, 1, "")
    _append_input(graph, node, 2, scales)
    node.op = "Resize"
    node.attributes = {
        "mode": node.attributes.get("mode", "nearest"),
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    }
