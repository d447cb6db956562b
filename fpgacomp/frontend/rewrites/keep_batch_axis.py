"""Rewrite: Reshapes that move positions into the batch axis, as Keras exports do, are undone."""

from __future__ import annotations

import numpy as np

from fpgacomp.frontend.rewrites._weights import weight_quantizer
from fpgacomp.network.editable import EditableGraph, Node, TensorInfo
from fpgacomp.network.operators import FUNCTIONS, QONNX_DOMAIN, WEIGHT_QUANTIZERS

# Operators that work on the last axis or on every element alone: an axis of 1 in front
# changes nothing for them, and constants broadcast from the right as before.
_INDIFFERENT = {"Add", "Mul", "Div", *FUNCTIONS, *WEIGHT_QUANTIZERS}


def keep_batch_axis(graph: EditableGraph) -> None:
    """Give all between [1, T, C] -> Reshape [T, C] and the next Reshape the shape [1, T, C]."""
    for node in graph.find("Reshape"):
        before, after = graph.shape(node.inputs[0]), graph.shape(node.output)
        if len(after) >= 2 and after[0] != 1 and before[:1] == (1,):
            region = _region(graph, node.output)
            if region is not None:
                _widen(graph, node, region)


def _region(graph: EditableGraph, start: str) -> set[str] | None:
    """Return all tensors up to the next Reshapes, or None where something else reads one."""
    region, waiting, inside = {start}, [start], []
    while waiting:
        tensor = waiting.pop()
        if tensor in graph.outputs:
            return None
        for reader in graph.consumers(tensor):
            if reader.op == "Reshape" and not reader.domain:
                continue
            if not _passes(graph, reader, tensor):
                return None
            inside.append(reader)
            if reader.output not in region:
                region.add(reader.output)
                waiting.append(reader.output)
    dynamic = {
        name
        for node in inside
        for name in node.inputs
        if name not in graph.constants and weight_quantizer(graph, name) is None
    }
    return region if dynamic <= region else None


def _passes(graph: EditableGraph, node: Node, tensor: str) -> bool:
    if node.domain not in ("", QONNX_DOMAIN) or not graph.known(node):
        return False
    if node.op == "MatMul":
        return node.inputs[0] == tensor and len(graph.shape(node.inputs[1])) == 2
    return node.op in _INDIFFERENT


def _widen(graph: EditableGraph, node: Node, region: set[str]) -> None:
    for name in region:
        info = graph.info[name]
        graph.info[name] = TensorInfo(info.dtype, (1, *info.shape))
    target = np.asarray(graph.shape(node.output), np.int64)
    graph.set_input(node, 1, graph.add_constant(f"{node.name}_shape", target))
