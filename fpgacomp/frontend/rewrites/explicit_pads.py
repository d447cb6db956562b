"""Rewrite: Conv and the pools state their attributes: kernel, strides, dilations, pads."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph, Node

_DROPPED = {"auto_pad", "storage_order"}


def explicit_pads(graph: EditableGraph) -> None:
    """Turn auto_pad into pads, and write out every attribute that has a default."""
    for node in graph.find("Conv", "MaxPool", "AveragePool"):
        _write_out(graph, node)


def _write_out(graph: EditableGraph, node: Node) -> None:
    attributes = node.attributes
    if node.op == "Conv":
        attributes.setdefault("kernel_shape", list(graph.shape(node.inputs[1])[2:]))
        attributes.setdefault("group", 1)
    rank = len(attributes["kernel_shape"])
    attributes.setdefault("strides", [1] * rank)
    if node.op != "AveragePool":
        attributes.setdefault("dilations", [1] * rank)
    auto = attributes.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        attributes["pads"] = _same_pads(graph, node, upper=auto == "SAME_UPPER")
    elif auto == "VALID":
        attributes["pads"] = [0] * (2 * rank)
    attributes.setdefault("pads", [0] * (2 * rank))
    for name in _DROPPED & set(attributes):
        del attributes[name]


def _same_pads(graph: EditableGraph, node: Node, *, upper: bool) -> list[int]:
    """ONNX operator Conv, attribute auto_pad: output = ceil(input / stride), the odd one out
    at the end for SAME_UPPER, at the beginning for SAME_LOWER."""
    kernel, strides = node.attributes["kernel_shape"], node.attributes["strides"]
    dilations = node.attributes.get("dilations", [1] * len(kernel))
    begin, end = [], []
    for size, k, stride, dilation in zip(
        graph.shape(node.inputs[0])[2:], kernel, strides, dilations
    ):
        total = max(((size - 1) // stride) * stride + (k - 1) * dilation + 1 - size, 0)
        small, large = total // 2, total - total // 2
        begin.append(small if upper else large)
        end.append(large if upper else small)
    return begin + end
