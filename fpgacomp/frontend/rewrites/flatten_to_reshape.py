"""Rewrite: Flatten, Squeeze and Unsqueeze become Reshape, each with the shape it really has."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import EditableGraph


def flatten_to_reshape(graph: EditableGraph) -> None:
    """Give every Reshape a constant target without 0 and -1, the batch 1 in front."""
    for node in graph.find("Flatten", "Squeeze", "Unsqueeze", "Reshape"):
        target = np.asarray(graph.shape(node.output), np.int64)
        name = graph.add_constant(f"{node.name}_shape", target)
        if len(node.inputs) < 2:
            node.inputs.append("")
        node.op, node.attributes = "Reshape", {}
        graph.set_input(node, 1, name)
