"""Rewrite: QONNX's channels-last operators become ONNX's, between two Transposes each."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph, Node

_DOMAIN = "qonnx.custom_op.channels_last"


def channels_first(graph: EditableGraph) -> None:
    """Replace Conv, MaxPool, AveragePool and BatchNormalization of QONNX's channels-last domain.

    What is between the Transposes of two neighbours computes element by element, so that they
    cost nothing in hardware. A Conv's weight is [out, *window, in] there.
    """
    nodes = [node for node in graph.nodes if node.domain == _DOMAIN]
    spatial = next(
        (
            len(node.attributes["kernel_shape"])
            for node in nodes
            if "kernel_shape" in node.attributes
        ),
        2,
    )
    to_first = [0, spatial + 1, *range(1, spatial + 1)]
    to_last = [0, *range(2, spatial + 2), 1]
    for node in nodes:
        node.domain = ""
        moved = 2 if node.op == "Conv" else 1
        for index in range(moved):
            graph.set_input(node, index, _transposed(graph, node, node.inputs[index], to_first))
        inner = graph.unique(f"{node.output}_channels_first")
        outer = node.output
        graph.rename_output(node, inner, old=outer)
        graph.insert_after(node, _transpose(graph, node, inner, outer, to_last))


def _transposed(graph: EditableGraph, node: Node, tensor: str, perm: list[int]) -> str:
    output = graph.unique(f"{tensor}_channels_first")
    graph.insert_before(node, _transpose(graph, node, tensor, output, perm))
    return output


def _transpose(graph: EditableGraph, of: Node, source: str, output: str, perm: list[int]) -> Node:
    name = graph.unique(f"{output}_Transpose")
    return Node("Transpose", [source], [output], name, "", {"perm": perm}, of.origin)
