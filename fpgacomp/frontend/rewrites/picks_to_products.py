"""Rewrite: Split, Slice and Gather in the middle of a network become products with one-hot weights.

Hardware has no layer that picks values, but a Conv whose weights are 0 and 1 does so exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fpgacomp.frontend.host_tail import host_tail
from fpgacomp.network.editable import EditableGraph, Node


def picks_to_products(graph: EditableGraph) -> None:
    """Convert those with constant places that do not stay on the host.

    Channels are picked by a Conv of size 1, or by a MatMul where they are the last axis; rows and
    columns of an image by a Conv per channel.
    """
    tail = host_tail(graph)
    for node in graph.find("Split", "Slice", "Gather"):
        rank = len(graph.shape(node.inputs[0]))
        if node.name in tail or node.inputs[0] in graph.constants or rank not in (2, 3, 4):
            continue
        match node.op:
            case "Split":
                _split(graph, node)
            case "Gather":
                _gather(graph, node)
            case "Slice":
                _slice(graph, node)


def _split(graph: EditableGraph, node: Node) -> None:
    shape = graph.shape(node.inputs[0])
    axis = int(node.attributes.get("axis", 0)) % len(shape)
    sizes = [graph.shape(name)[axis] for name in node.outputs]
    if not _picks(graph, node, axis):
        return
    starts = np.cumsum([0, *sizes])
    parts = [
        _picked(graph, node, output, axis, np.arange(start, start + size))
        for output, start, size in zip(node.outputs, starts, sizes)
        if output
    ]
    graph.replace(node, *parts)


def _gather(graph: EditableGraph, node: Node) -> None:
    shape, places = graph.shape(node.inputs[0]), graph.constant(node.inputs[1])
    axis = int(node.attributes.get("axis", 0)) % len(shape)
    if places is None:
        return
    places = places.astype(np.int64) % shape[axis]
    if places.ndim == 1 and _picks(graph, node, axis):
        graph.replace(node, _picked(graph, node, node.output, axis, places))
    elif places.ndim == 0 and axis > 0:
        _gather_one(graph, node, axis, int(places))


def _gather_one(graph: EditableGraph, node: Node, axis: int, place: int) -> None:
    """Convert x[:, 0], where the axis goes as well. Of an axis of size 1 nothing is picked."""
    shape = graph.shape(node.inputs[0])
    kept, picked = node.inputs[0], []
    if shape[axis] > 1:
        sizes = [1 if number == axis else size for number, size in enumerate(shape)]
        kept = graph.new_tensor(f"{node.name}_place", sizes, graph.info[node.output].dtype)
        if axis == 1:
            picked = [_picked(graph, node, kept, axis, [place])]
        else:
            cuts = [range(size) for size in shape]
            cuts[axis] = range(place, place + 1)
            picked = [_cropped(graph, node, kept, cuts)]
    target = graph.add_constant(f"{node.name}_shape", np.array(graph.shape(node.output), np.int64))
    name = graph.unique(f"{node.name}_reshape")
    graph.replace(
        node, *picked, Node("Reshape", [kept, target], [node.output], name, origin=node.origin)
    )


def _slice(graph: EditableGraph, node: Node) -> None:
    cuts = _cuts(graph, node)
    if cuts is None:
        return
    shape = graph.shape(node.inputs[0])
    moved = [axis for axis, cut in enumerate(cuts) if len(cut) != shape[axis] or cut.step != 1]
    if len(moved) == 1 and _picks(graph, node, moved[0]):
        places = np.asarray(cuts[moved[0]])
        graph.replace(node, _picked(graph, node, node.output, moved[0], places))
    elif moved and min(moved) > 1 and all(cut.step > 0 for cut in cuts):
        graph.replace(node, _cropped(graph, node, node.output, cuts))


def _cuts(graph: EditableGraph, node: Node) -> list[range] | None:
    """Return the places that a Slice keeps on every axis; None where they are not constant."""
    shape = graph.shape(node.inputs[0])
    values = [graph.constant(name) if name else None for name in node.inputs[1:]]
    if any(name and value is None for name, value in zip(node.inputs[1:], values)):
        return None
    values += [None] * (4 - len(values))
    starts, ends, axes, steps = values
    if starts is None or ends is None:
        return None
    axes = np.arange(len(starts)) if axes is None else axes
    steps = np.ones(len(starts), np.int64) if steps is None else steps
    cuts = [range(size) for size in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps):
        size = shape[axis]
        cuts[axis % len(shape)] = range(size)[slice(int(start), int(end), int(step))]
    return cuts


def _picks(graph: EditableGraph, node: Node, axis: int) -> bool:
    """Return whether places along an axis can be picked by a product over it."""
    rank = len(graph.shape(node.inputs[0]))
    is_column = node.op == "Slice" and rank == 4 and axis == 3
    return axis in (1, rank - 1) and not is_column


def _picked(
    graph: EditableGraph, node: Node, output: str, axis: int, places: Sequence[int] | np.ndarray
) -> Node:
    """Return the product that picks these places along the channels."""
    shape = graph.shape(node.inputs[0])
    weight = np.zeros((len(places), shape[axis]), np.float32)
    weight[np.arange(len(places)), places] = 1
    name = graph.unique(f"{node.name}_pick")
    if axis == len(shape) - 1:
        table = graph.add_constant(f"{name}_weight", np.ascontiguousarray(weight.T))
        return Node("MatMul", [node.inputs[0], table], [output], name, origin=node.origin)
    rank = len(shape) - 2
    table = graph.add_constant(f"{name}_weight", weight.reshape(*weight.shape, *[1] * rank))
    return _conv(node, table, output, name, [1] * rank, [1] * rank, 1)


def _cropped(graph: EditableGraph, node: Node, output: str, cuts: list[range]) -> Node:
    """Return a Conv per channel whose window begins and ends where the Slice does."""
    shape = graph.shape(node.inputs[0])
    before = [cut.start for cut in cuts[2:]]
    behind = [size - 1 - cut[-1] for size, cut in zip(shape[2:], cuts[2:])]
    kernel = [first + last + 1 for first, last in zip(before, behind)]
    weight = np.zeros((shape[1], 1, *kernel), np.float32)
    one_hot = np.zeros(kernel, np.float32)
    one_hot[tuple(before)] = 1
    weight[:, 0] = one_hot
    name = graph.unique(f"{node.name}_crop")
    table = graph.add_constant(f"{name}_weight", weight)
    strides = [cut.step for cut in cuts[2:]]
    return _conv(node, table, output, name, kernel, strides, shape[1])


def _conv(
    node: Node, table: str, output: str, name: str, kernel: list[int], strides: list[int],
    group: int,
) -> Node:  # fmt: skip
    rank = len(kernel)
    attributes = {
        "kernel_shape": kernel, "strides": strides, "dilations": [1] * rank, "group": group,
        "pads": [0] * (2 * rank),
    }  # fmt: skip
    return Node("Conv", [node.inputs[0], table], [output], name, "", attributes, node.origin)
