"""Rewrite: every Transpose states its permutation."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph


def spell_perms(graph: EditableGraph) -> None:
    """Write out the reversed axes that a Transpose without `perm` means."""
    for node in graph.find("Transpose"):
        rank = len(graph.shape(node.inputs[0]))
        node.attributes.setdefault("perm", list(range(rank))[::-1])
