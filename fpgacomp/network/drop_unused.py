"""Removes the nodes and constants that no output depends on."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph


def drop_unused(graph: EditableGraph) -> None:
    """Remove nodes and constants that nobody reads; inputs stay, they are the
    network's interface.
    """
    for node in reversed(graph.nodes.copy()):
        if not any(name in graph.outputs or graph.consumers(name) for name in node.outputs):
            graph.remove(node)
    for name in list(graph.constants):
        if not graph.consumers(name) and name not in graph.outputs:
            del graph.constants[name]
            graph.info.pop(name, None)
