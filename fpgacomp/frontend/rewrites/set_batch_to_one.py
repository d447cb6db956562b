"""Rewrite: the batch becomes 1, whatever was frozen into the file."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import EditableGraph, TensorInfo

# Operators that read a shape with its batch axis, and the position of that input.
_SHAPE_INPUT = {"Reshape": 1, "Expand": 1, "Resize": 3}


def set_batch_to_one(graph: EditableGraph) -> None:
    """Make axis 0 of every input 1, and so the shapes that repeat the old batch.

    Reports inputs without a batch axis and dimensions that are not known.
    """
    frozen = set()
    for name in graph.inputs:
        info = graph.info[name]
        if len(info.shape) < 2:
            _report(graph, name, f"has shape {_text(info.shape)}, without a batch axis in front.")
            continue
        if info.shape[0] > 1:
            frozen.add(info.shape[0])
            graph.warnings.append(f"The batch size {info.shape[0]} frozen into {name} was made 1.")
        if any(size < 1 for size in info.shape[1:]):
            _report(graph, name, f"has a dimension that is not known: {_text(info.shape)}.")
        graph.info[name] = TensorInfo(info.dtype, (1, *info.shape[1:]))
    for size in sorted(frozen):
        _thaw_shapes(graph, size)


def _thaw_shapes(graph: EditableGraph, batch: int) -> None:
    """Take the old batch out of the shapes that nodes are given.

    A Reshape may have moved positions into the batch axis: [batch * T, C] becomes [T, C], the
    rows that belong to one sample.
    """
    computed = set(graph.inputs)
    for node in graph.nodes:
        if not computed.intersection(node.inputs):
            continue
        computed.update(node.outputs)
        place = _SHAPE_INPUT.get(node.op, 0) if not node.domain else 0
        target = graph.constant(node.input(place)) if place else None
        if target is None or target.ndim != 1 or not target.size:
            continue
        first = int(target[0])
        if first == batch or (node.op == "Reshape" and first > 0 and first % batch == 0):
            thawed = np.concatenate([[first // batch], target[1:]]).astype(np.int64)
            graph.set_input(node, place, graph.add_constant(f"{node.name}_shape", thawed))


def _report(graph: EditableGraph, name: str, why: str) -> None:
    fix = (
        "export the model with a fixed input shape whose first axis is the batch, such as [1, ...]."
    )
    graph.report_input(name, why, fix)


def _text(shape: tuple[int, ...]) -> str:
    return "[" + ", ".join(str(size) if size > 0 else "?" for size in shape) + "]"
