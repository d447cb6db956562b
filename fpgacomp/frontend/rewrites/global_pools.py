"""Rewrite: reductions over all spatial axes become GlobalAveragePool or a MaxPool of full size."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import EditableGraph, Node


def global_pools(graph: EditableGraph) -> None:
    """Convert ReduceMean, ReduceSum (times the count) and ReduceMax, channels first or last."""
    for node in graph.find("ReduceMean", "ReduceSum", "ReduceMax"):
        axes = _spatial_axes(graph, node)
        if axes is not None:
            _reduce(graph, node, axes)
    for node in graph.find("GlobalMaxPool"):
        node.op = "MaxPool"
        _full_kernel(graph, node)


def _spatial_axes(graph: EditableGraph, node: Node) -> list[int] | None:
    """Return the reduced axes where they are all but the batch and one other."""
    rank = len(graph.shape(node.inputs[0]))
    given = graph.constant(node.input(1))
    if given is None or rank < 3:
        return None
    axes = sorted(int(axis) % rank for axis in given)
    return axes if 0 not in axes and len(axes) == rank - 2 else None


def _reduce(graph: EditableGraph, node: Node, axes: list[int]) -> None:
    x, shape = node.inputs[0], graph.shape(node.inputs[0])
    (channel,) = set(range(1, len(shape))) - set(axes)
    if channel != 1:
        perm = [0, channel, *axes]
        shape = tuple(shape[axis] for axis in perm)
        x = graph.make(node, "Transpose", [x], shape=shape, perm=perm).output
    pooled = (1, shape[1], *[1] * len(axes))
    op = "MaxPool" if node.op == "ReduceMax" else "GlobalAveragePool"
    last = graph.make(node, op, [x], shape=pooled)
    if op == "MaxPool":
        _full_kernel(graph, last)
    if node.op == "ReduceSum":
        count = graph.add_constant(f"{node.name}_count", np.float32(np.prod(shape[2:])))
        last = graph.make(node, "Mul", [last.output, count])
    target = graph.shape(node.output)
    if target != pooled:
        name = graph.add_constant(f"{node.name}_shape", np.asarray(target, np.int64))
        last = graph.make(node, "Reshape", [last.output, name], shape=target)
    graph.remove(node)
    graph.rename_output(last, node.output)


def _full_kernel(graph: EditableGraph, node: Node) -> None:
    kernel = list(graph.shape(node.inputs[0])[2:])
    rank = len(kernel)
    ones, zeros = [1] * rank, [0] * (2 * rank)
    node.attributes = {
        "kernel_shape": kernel, "strides": ones, "dilations": list(ones), "pads": zeros,
        "ceil_mode": 0,
    }  # fmt: skip
