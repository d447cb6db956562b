"""Finds what lies behind a network's last integers and may stay on the host as it is."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import (
    HOST_AT_THE_END,
    HOST_EXTRAS,
    PRODUCTS,
    QUANTIZERS,
    is_canonical,
)

# Position of the input that names axes; the operators' attribute `axis` is one axis.
_AXES_INPUT = {"Slice": 3}


def host_tail(graph: EditableGraph) -> set[str]:
    """Return the names of the nodes behind which only nodes that the host computes lie.

    The host computes many samples at once: a node that mixes samples, by its axes or its
    shapes, is not among them.
    """
    tail: set[str] = set()
    behind = _behind_integers(graph)
    for node in reversed(graph.nodes):
        readers = [reader for tensor in node.outputs for reader in graph.consumers(tensor)]
        known = node.op in HOST_AT_THE_END and is_canonical(node.op, node.domain)
        on_host = known or _is_extra(graph, node)
        if on_host and node.name in behind and all(reader.name in tail for reader in readers):
            tail.add(node.name)
    return tail


def _behind_integers(graph: EditableGraph) -> set[str]:
    """Return the names of the nodes that depend on a quantizer or on a product."""
    names: set[str] = set()
    tensors: set[str] = set()
    for node in graph.nodes:
        makes_integers = node.op in QUANTIZERS or node.op in PRODUCTS
        if makes_integers or tensors.intersection(node.inputs):
            tensors.update(node.outputs)
            names.add(node.name)
    return names


def _is_extra(graph: EditableGraph, node: Node) -> bool:
    return (
        node.op in HOST_EXTRAS
        and not node.domain
        and graph.known(node)
        and all(graph.shape(tensor)[:1] == (1,) for tensor in node.outputs if tensor)
        and not _works_along_batch(graph, node)
    )


def _works_along_batch(graph: EditableGraph, node: Node) -> bool:
    """Return whether axis 0 is among the axes that an operator works along."""
    rank = len(graph.shape(node.inputs[0]))
    if node.op in ("Split", "Gather"):
        return int(node.attributes.get("axis", 0)) % rank == 0
    if node.op == "Slice" or node.op.startswith("Reduce"):
        axes = graph.constant(node.input(_AXES_INPUT.get(node.op, 1)))
        return axes is None or not axes.size or any(int(axis) % rank == 0 for axis in axes.flat)
    return False
