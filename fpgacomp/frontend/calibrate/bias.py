"""Moves the mean error that quantization leaves at each layer into that layer's bias.

Banner et al. 2019 (arXiv 1810.05723, section 4) and Nagel et al. 2019 (arXiv 1906.04721,
section 4.2): E[y_float] - E[y_quantized] per output channel, layer after layer, each on
the layers before it as already corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fpgacomp.frontend.calibrate.run import Runner
from fpgacomp.ir.types import AnyArray, NamedArrays
from fpgacomp.network.editable import EditableGraph, Node

SAMPLES = 512  # samples that run: their mean error is known to a few per cent of itself


def correct_biases(
    graph: EditableGraph,
    float_graph: EditableGraph,
    weighted: Sequence[Node],
    feeds: NamedArrays,
) -> None:
    """Correct every MatMul and Conv with constant weights, in the order they run.

    Args:
        graph: quantized; its biases are changed.
        float_graph: the same network before, tensors of the same names.
    """
    few = {name: _spread(values) for name, values in feeds.items()}
    wanted = [(node, node.output, _channel_axis(graph, node)) for node in weighted]
    float_means = _channel_means(float_graph, [(t, axis) for _, t, axis in wanted], few)
    for node, tensor, axis in wanted:
        error = float_means[tensor] - _channel_means(graph, [(tensor, axis)], few)[tensor]
        _add_to_bias(graph, node, error, axis)


def _spread(values: AnyArray) -> AnyArray:
    """Return at most SAMPLES samples, evenly spread over all."""
    if len(values) <= SAMPLES:
        return values
    chosen: AnyArray = values[np.linspace(0, len(values) - 1, SAMPLES).astype(int)]
    return chosen


def _channel_axis(graph: EditableGraph, node: Node) -> int:
    return 1 if node.op == "Conv" else len(graph.shape(node.output)) - 1


def _channel_means(
    graph: EditableGraph, tensors: Sequence[tuple[str, int]], feeds: NamedArrays
) -> dict[str, AnyArray]:
    sums: dict[str, Any] = {tensor: 0.0 for tensor, _ in tensors}
    counts = dict.fromkeys(sums, 0)
    for chunk in Runner(graph, list(sums)).chunks(feeds):
        for tensor, axis in tensors:
            values = np.moveaxis(chunk[tensor], axis, -1)
            values = values.reshape(-1, values.shape[-1]).astype(np.float64)
            sums[tensor] = sums[tensor] + values.sum(axis=0)
            counts[tensor] += len(values)
    return {tensor: sums[tensor] / counts[tensor] for tensor in sums}


def _add_to_bias(graph: EditableGraph, node: Node, error: AnyArray, axis: int) -> None:
    """Add the correction to the bias Add that follows, else put a new one there."""
    shape = [1] * len(graph.shape(node.output))
    shape[axis] = len(error)
    correction = error.reshape(shape)
    follower = graph.only_consumer(node.output)
    if follower is not None and follower.op == "Add" and not follower.domain:
        position = next((i for i in (0, 1) if follower.inputs[i] in graph.constants), None)
        if position is not None:
            bias = graph.constants[follower.inputs[position]] + correction
            corrected = graph.add_constant(f"{node.output}_bias", bias.astype(np.float32))
            graph.set_input(follower, position, corrected)
            return
    bias_name = graph.add_constant(f"{node.output}_bias", correction.astype(np.float32))
    readers = graph.consumers(node.output)
    if node.output in graph.outputs:
        return  # the network's output keeps its name and gets no correction
    add = graph.make(node, "Add", [node.output, bias_name], after=True)
    graph.redirect(node.output, add.output, only=readers)
