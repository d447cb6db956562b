"""Rewrite: a quantizer of a constant that is no weight (a bias, a slope) becomes its result."""

from __future__ import annotations

import numpy as np

from fpgacomp.frontend.quantizers import ROUNDING, IntegerFormat, bipolar_quant, quant, whole_width
from fpgacomp.frontend.rewrites._weights import feeds_only_weights, weight_quantizer
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.fold_constants import fold_constants


def fold_quantized_constants(graph: EditableGraph) -> None:
    """Fold such quantizers exactly as float32 executes them, then what became constant by it."""
    folded = False
    for node in list(graph.nodes):
        if weight_quantizer(graph, node.output) is node and graph.known(node):
            folded |= _fold(graph, node)
    if folded:
        fold_constants(graph)


def _fold(graph: EditableGraph, node: Node) -> bool:
    value = None if feeds_only_weights(graph, node.output) else quantized(graph, node)
    if value is None:
        return False
    graph.remove(node)
    graph.set_constant(node.output, value)
    return True


def quantized(graph: EditableGraph, node: Node) -> AnyArray | None:
    """The float32 value of a Quant or BipolarQuant of a constant; None where it is malformed."""
    x, *parameters = (graph.constants[name].astype(np.float32) for name in node.inputs)
    if node.op == "BipolarQuant":
        return bipolar_quant(x, parameters[0])
    scale, zero_point, bits = parameters
    rounding = str(node.attributes["rounding_mode"])
    width = whole_width(bits)
    if width is None or rounding not in ROUNDING:
        return None
    attributes = node.attributes
    integers = IntegerFormat(width, bool(attributes["signed"]), bool(attributes["narrow"]))
    return quant(x, scale, zero_point, integers, rounding)
