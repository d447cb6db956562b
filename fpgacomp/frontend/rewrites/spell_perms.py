"""Write the permutation of every Transpose out."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph


def spell_perms(graph: EditableGraph) -> None:
    """A Transpose without `perm` reverses the axes."""
    for node in graph.find("Transpose"):
        rank = len(graph.shape(node.inputs[0]))
        node.attributes.setdefault("perm", list(range(rank))[::-1])
