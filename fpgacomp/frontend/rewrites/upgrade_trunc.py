"""Rewrite: the first version of QONNX's Trunc (five inputs) becomes the second (six)."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QONNX_DOMAIN

# Version 1 does not clip; no accumulator of a network reaches this.
_NO_CLIP_BITS = np.float32(32)


def upgrade_trunc(graph: EditableGraph) -> None:
    """Write Trunc version 1 as version 2 and a Mul by a power of two, both exact.

    Version 1 is mode(round(x / scale) / 2**t) * scale with t = input bits - output
    bits; version 2 multiplies by its own output scale, here scale * 2**t, and clips.
    """
    for node in graph.find("Trunc", domain=QONNX_DOMAIN):
        if len(node.inputs) == 5:
            _upgrade(graph, node)
    graph.domains[QONNX_DOMAIN] = 2


def _upgrade(graph: EditableGraph, node: Node) -> None:
    x, scale, zero_point, *widths = node.inputs
    values = [graph.constant(name) for name in (scale, zero_point, *widths)]
    if any(value is None for value in values) or np.any(values[1]):
        why = "it is the first version of Trunc, with a zero point or a bit width from the input."
        graph.report(node, why, "export the model again with a current Brevitas (Trunc version 2).")
        return
    scale_value, _, bits_in, bits_out = (np.asarray(value, np.float32) for value in values)
    factor = np.exp2(bits_in - bits_out).astype(np.float32)
    truncated = graph.new_tensor(f"{node.name}_truncated", graph.shape(node.output))
    output_scale = graph.add_constant(f"{node.name}_scale", scale_value * factor)
    width = graph.add_constant(f"{node.name}_bits", _NO_CLIP_BITS)
    back = graph.add_constant(f"{node.name}_back", np.float32(1) / factor)
    inputs = [x, scale, zero_point, widths[0], output_scale, width]
    trunc = Node("Trunc", inputs, [truncated], node.name, QONNX_DOMAIN, node.attributes)
    trunc.origin = node.origin
    name = graph.unique(f"{node.name}_Mul")
    mul = Node("Mul", [truncated, back], [node.output], name, origin=node.origin)
    graph.replace(node, trunc, mul)
