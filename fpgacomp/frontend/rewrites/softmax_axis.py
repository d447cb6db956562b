"""Rewrite: Softmax of opsets before 13, which flattened its input, states the axis it works on."""

from __future__ import annotations

from math import prod

from fpgacomp.network.editable import EditableGraph


def softmax_axis(graph: EditableGraph) -> None:
    """Convert Softmax over all axes from `axis` on: only one of them may be longer than 1."""
    for node in graph.find("Softmax", "LogSoftmax"):
        shape = graph.shape(node.inputs[0])
        axis = node.attributes["axis"] % len(shape)
        if graph.source_opset < 13 and prod(shape[axis:]) != shape[axis]:
            long = [i for i in range(axis, len(shape)) if shape[i] > 1]
            if len(long) > 1:
                why = f"in opset {graph.source_opset} it runs over several axes of {list(shape)}."
                graph.report(node, why, "put a Flatten in front, or export with opset 13.")
                continue
            axis = long[0]
        node.attributes = {"axis": axis}
