"""Rewrite: pools with ceil_mode become pools with more padding at the end."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph, Node


def floor_mode_pools(graph: EditableGraph) -> None:
    """Pad instead of ceil_mode: padding never wins a MaxPool, and an average need not count it."""
    for node in graph.find("MaxPool", "AveragePool"):
        indices = node.outputs[1] if len(node.outputs) > 1 else ""
        if not graph.consumers(indices) and indices not in graph.outputs:
            del node.outputs[1:]
        ceil = node.attributes.get("ceil_mode", 0)
        node.attributes["ceil_mode"] = 0
        if node.op == "AveragePool":
            _count_of_pads(node)
        if ceil:
            _extend(graph, node)


def _count_of_pads(node: Node) -> None:
    """State count_include_pad, as 0 where there are no pads to count."""
    node.attributes.setdefault("count_include_pad", 0)
    if not any(node.attributes["pads"]):
        node.attributes["count_include_pad"] = 0


def _extend(graph: EditableGraph, node: Node) -> None:
    attributes = node.attributes
    rank = len(attributes["kernel_shape"])
    dilations = attributes.get("dilations", [1] * rank)
    pads = list(attributes["pads"])
    sizes, results = graph.shape(node.inputs[0])[2:], graph.shape(node.output)[2:]
    for axis in range(rank):
        reach = (attributes["kernel_shape"][axis] - 1) * dilations[axis] + 1
        needed = (results[axis] - 1) * attributes["strides"][axis] + reach
        pads[rank + axis] = max(needed - sizes[axis] - pads[axis], pads[rank + axis])
    if pads != attributes["pads"] and attributes.get("count_include_pad"):
        attributes["ceil_mode"] = (
            1  # check_rules reports it: the overhang is not counted, but pads are
        )
        return
    attributes["pads"] = pads
