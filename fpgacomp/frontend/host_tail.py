"""Finds what lies behind a network's last integers and may stay on the host as it is."""

from __future__ import annotations

from collections.abc import Callable

from fpgacomp.frontend.rewrites._weights import weight_quantizer
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import (
    HOST_AT_THE_END,
    HOST_EXTRAS,
    HOST_ONLY,
    PRODUCTS,
    QUANTIZERS,
    is_canonical,
)

# Position of the input that names axes; the operators' attribute `axis` is one axis.
_AXES_INPUT = {"Slice": 3}


# What hardware computes, and the host where something that hardware does not do lies before it.
_EITHER = frozenset((*PRODUCTS, "MaxPool", "AveragePool", "GlobalAveragePool", "Resize"))
# Rewrites make layers of these; no other extra operator is ever computed by hardware.
_NEVER_HARDWARE = (HOST_EXTRAS | HOST_ONLY) - {
    *("Pad", "Neg", "Sub", "Div", "Max", "Min", "Mean", "Sum"),
    *("ReduceMax", "ReduceMean", "ReduceSum", "GlobalMaxPool"),
}


def host_tail(
    graph: EditableGraph, not_carried: Callable[[EditableGraph, Node], bool] | None = None
) -> set[str]:
    """Return the names of the nodes behind which only nodes that the host computes lie.

    The host computes many samples at once: a node that mixes samples, by its axes or its
    shapes, is not among them.

    Args:
        graph: the network.
        not_carried: whether no hardware computes a node in this form; by default that is told
            by its operator alone.
    """
    tail: set[str] = set()
    behind = _behind_integers(graph)
    wanted = needs_host(graph, not_carried)
    for node in reversed(graph.nodes):
        readers = [reader for tensor in node.outputs for reader in graph.consumers(tensor)]
        known = node.op in HOST_AT_THE_END and is_canonical(node.op, node.domain)
        on_host = known or _is_extra(graph, node)
        on_host = on_host or (node.name in wanted and _runs_on_host(graph, node))
        if on_host and node.name in behind and all(reader.name in tail for reader in readers):
            tail.add(node.name)
    return tail


def needs_host(
    graph: EditableGraph, not_carried: Callable[[EditableGraph, Node], bool] | None = None
) -> set[str]:
    """Return the names of the nodes that hardware does not compute, or that read their result."""
    names: set[str] = set()
    tensors: set[str] = set()
    for node in graph.nodes:
        refused = not_carried(graph, node) if not_carried else node.op in _NEVER_HARDWARE
        if refused or tensors.intersection(node.inputs):
            tensors.update(node.outputs)
            names.add(node.name)
    return names


def _runs_on_host(graph: EditableGraph, node: Node) -> bool:
    """Return whether ONNX Runtime computes a layer for many samples at once."""
    if node.op not in _EITHER or node.domain or not graph.known(node):
        return False
    if node.op == "Resize" and not node.input(2):  # sizes would state the batch
        return False
    if node.op in PRODUCTS and not _of_two_activations(graph, node):
        return False
    return all(graph.shape(tensor)[:1] == (1,) for tensor in node.outputs if tensor)


def _behind_integers(graph: EditableGraph) -> set[str]:
    """Return the names of the nodes that depend on a quantizer or on a product."""
    names: set[str] = set()
    tensors: set[str] = set()
    for node in graph.nodes:
        has_weights = node.op in PRODUCTS and not _of_two_activations(graph, node)
        makes_integers = node.op in QUANTIZERS or has_weights
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
    if node.op == "Einsum":
        return not _of_two_activations(graph, node) or not _keeps_first_letter(
            str(node.attributes.get("equation", ""))
        )
    if node.op in ("Split", "Gather", "GatherElements", "Hardmax", "LpNormalization"):
        default = -1 if node.op in ("Hardmax", "LpNormalization") else 0
        return int(node.attributes.get("axis", default)) % rank == 0
    if node.op == "LayerNormalization":
        return int(node.attributes.get("axis", -1)) % rank == 0
    if node.op == "CumSum":
        axes = graph.constant(node.inputs[1])
        return axes is None or int(axes.flat[0]) % rank == 0
    if node.op == "Slice" or node.op.startswith("Reduce"):
        axes = graph.constant(node.input(_AXES_INPUT.get(node.op, 1)))
        return axes is None or not axes.size or any(int(axis) % rank == 0 for axis in axes.flat)
    return False


def _of_two_activations(graph: EditableGraph, node: Node) -> bool:
    """Return whether a product has no weights, which belong into hardware, and keeps the batch."""
    weights = any(
        name in graph.constants or weight_quantizer(graph, name) is not None for name in node.inputs
    )
    known = all(name in graph.info for name in node.inputs)
    return known and not weights and all(len(graph.shape(name)) > 2 for name in node.inputs)


def _keeps_first_letter(equation: str) -> bool:
    """Return whether all sides of an Einsum have one first axis, the batch."""
    sides, _, result = equation.replace(" ", "").partition("->")
    first = {side[:1] for side in (*sides.split(","), result)}
    return len(first) == 1 and first != {""} and "." not in equation
