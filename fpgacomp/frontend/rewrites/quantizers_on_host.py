"""Rewrite: a last quantizer behind what only the host computes is written in standard operators."""

from __future__ import annotations

import numpy as np

from fpgacomp.frontend.host_tail import host_tail, needs_host
from fpgacomp.frontend.quantizers import IntegerFormat, whole_width
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QONNX_DOMAIN

_ROUND = {"ROUND": "Round", "FLOOR": "Floor", "CEIL": "Ceil"}


def quantizers_on_host(graph: EditableGraph) -> None:
    """Convert a Quant behind a Softmax, an Einsum and the like, where no layer follows.

    From the last to the first, so that each finds what lies behind it on the host already.
    """
    wanted = needs_host(graph)
    for node in reversed(graph.find("Quant", domain=QONNX_DOMAIN)):
        rounding = _ROUND.get(str(node.attributes["rounding_mode"]))
        constant = all(name in graph.constants for name in node.inputs[1:])
        if not rounding or not constant or node.name not in wanted:
            continue
        tail = host_tail(graph)
        if all(reader.name in tail for reader in graph.consumers(node.output)):
            _spell(graph, node, rounding)


def _spell(graph: EditableGraph, node: Node, rounding: str) -> None:
    """Write (clip(round(x / scale + zero)) - zero) * scale."""
    x, scale, zero, bits = node.inputs
    width = whole_width(graph.constants[bits])
    signed, narrow = bool(node.attributes["signed"]), bool(node.attributes["narrow"])
    # What is no width is left to whoever refuses it.
    if width is None or (signed and width == 1):
        return
    lo, hi = IntegerFormat(width, signed, narrow).range
    limits = [graph.add_constant(f"{node.name}_limit", np.float32(end)) for end in (lo, hi)]
    negative = graph.add_constant(f"{node.name}_back", -graph.constants[zero])
    shape = graph.shape(node.output)

    def step(op: str, *inputs: str) -> str:
        return graph.make(node, op, inputs, shape=shape).output

    position = step("Add", step("Div", x, scale), zero)
    level = step("Clip", step(rounding, position), *limits)
    last = Node("Mul", [step("Add", level, negative), scale], node.outputs, node.name)
    last.origin = node.origin
    graph.replace(node, last)
