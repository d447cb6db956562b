"""Rewrite: a Clip from 0 upwards becomes a Relu."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import EditableGraph

_MAX = np.finfo(np.float32).max


def relu_from_clip(graph: EditableGraph) -> None:
    """Give each Clip both limits; turn one that is 0 below and open above into Relu."""
    for node in graph.find("Clip"):
        limits = (-_MAX, _MAX)
        for index, limit in enumerate(limits, start=1):
            while len(node.inputs) <= index:
                node.inputs.append("")
            if not node.input(index):
                name = graph.add_constant(f"{node.name}_limit", np.float32(limit))
                graph.set_input(node, index, name)
        lo, hi = graph.constant(node.inputs[1]), graph.constant(node.inputs[2])
        if lo is not None and hi is not None and lo == 0 and hi >= _MAX:
            for index in (2, 1):
                graph.set_input(node, index, "")
                node.inputs.pop()
            node.op = "Relu"
