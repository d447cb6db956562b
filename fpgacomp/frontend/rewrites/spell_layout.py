"""Rewrite: a MultiThreshold states its data layout, as QONNX guesses it from the rank."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph
from fpgacomp.network.operators import QONNX_DOMAIN

_GUESS = {2: "NC", 3: "NWC", 4: "NCHW"}


def spell_layout(graph: EditableGraph) -> None:
    """Set `data_layout` where the file leaves it out; ranks beyond 4 have C at axis 1."""
    for node in graph.find("MultiThreshold", domain=QONNX_DOMAIN):
        if not node.attributes.get("data_layout"):
            rank = len(graph.shape(node.inputs[0]))
            node.attributes["data_layout"] = _GUESS.get(rank, "NC" + "X" * (rank - 2))
