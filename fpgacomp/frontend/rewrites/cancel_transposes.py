"""Rewrite: neighbouring Transposes, and neighbouring Reshapes, become one or none."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph, Node


def cancel_transposes(graph: EditableGraph) -> None:
    """Let the second of two read the first one's input; remove what then moves nothing."""
    for node in graph.find("Transpose", "Reshape"):
        first = graph.producer(node.inputs[0])
        if first is not None and first.op == node.op and not first.domain:
            _join(graph, first, node)
    for node in graph.find("Transpose"):
        if node.attributes["perm"] == sorted(node.attributes["perm"]):
            graph.bypass(node)
    for node in graph.find("Reshape"):
        if graph.shape(node.inputs[0]) == graph.shape(node.output):
            graph.bypass(node)


def _join(graph: EditableGraph, first: Node, second: Node) -> None:
    if second.op == "Transpose":
        inner = _perm(graph, first)
        second.attributes["perm"] = [inner[axis] for axis in _perm(graph, second)]
    graph.set_input(second, 0, first.inputs[0])
    if not graph.consumers(first.output) and first.output not in graph.outputs:
        graph.remove(first)


def _perm(graph: EditableGraph, node: Node) -> list[int]:
    rank = len(graph.shape(node.inputs[0]))
    return list(node.attributes.get("perm", list(range(rank))[::-1]))
