"""Rewrite: FINN's datatype annotations on weights and inputs become Quant nodes of scale 1."""

from __future__ import annotations

import re

import numpy as np

from fpgacomp.frontend.quantizers import IntegerFormat
from fpgacomp.frontend.rewrites._weights import reads_as_weight
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QONNX_DOMAIN


def quantize_declared_integers(graph: EditableGraph) -> None:
    """Give a weight or input that FINN declares INT4, TERNARY, BIPOLAR... the quantizer for it.

    Weights must hold values of the type. Integer weights without a declaration,
    in a network of MultiThresholds, get the narrowest type that holds them.
    """
    thresholds = any(node.op == "MultiThreshold" for node in graph.nodes)
    for name in list(graph.inputs):
        declared = _format(graph.annotations.get(name, ""))
        readers = graph.consumers(name)
        if declared is not None and not any(node.op == "Quant" for node in readers):
            _after_input(graph, name, declared)
    for name in list(graph.constants):
        readers = [node for node in graph.consumers(name) if _multiplies(graph, node, name)]
        if readers:
            declared = _format(graph.annotations.get(name, ""))
            if declared is None and thresholds:
                declared = _narrowest(graph.constants[name])
            if declared is not None:
                _before_readers(graph, name, declared, readers)


# The integers of a Quant, or the name of the quantizer that has only two (BipolarQuant).
_Format = IntegerFormat | str


def _multiplies(graph: EditableGraph, node: Node, name: str) -> bool:
    return graph.known(node) and not node.domain and reads_as_weight(node, name)


def _format(declared: str) -> _Format | None:
    if declared == "BIPOLAR":
        return "BIPOLAR"
    if declared == "BINARY":
        return IntegerFormat(1, signed=False, narrow=False)
    if declared == "TERNARY":
        return IntegerFormat(2, signed=True, narrow=True)
    match = re.fullmatch(r"(U?)INT(\d+)", declared)
    return IntegerFormat(int(match[2]), not match[1], False) if match else None


def _narrowest(values: np.ndarray) -> _Format | None:
    if values.size == 0 or not np.all(np.isfinite(values)) or np.any(values != np.rint(values)):
        return None
    if np.all(np.abs(values) == 1):
        return "BIPOLAR"
    return IntegerFormat.covering(int(values.min()), int(values.max()))


def _quantizer(graph: EditableGraph, origin: str, source: str, declared: _Format) -> Node:
    result = graph.new_tensor(f"{source}_quantized", graph.shape(source))
    one = graph.add_constant(f"{source}_scale", np.float32(1))
    if isinstance(declared, str):
        name = graph.unique(f"{source}_BipolarQuant")
        return Node("BipolarQuant", [source, one], [result], name, QONNX_DOMAIN, {}, origin)
    zero = graph.add_constant(f"{source}_zero_point", np.float32(0))
    bits = graph.add_constant(f"{source}_bits", np.float32(declared.bits))
    attributes = {
        "signed": int(declared.signed), "narrow": int(declared.narrow), "rounding_mode": "ROUND",
    }  # fmt: skip
    name = graph.unique(f"{source}_Quant")
    inputs = [source, one, zero, bits]
    return Node("Quant", inputs, [result], name, QONNX_DOMAIN, attributes, origin)


def _after_input(graph: EditableGraph, name: str, declared: _Format) -> None:
    readers = graph.consumers(name)
    if not readers:
        return
    quantizer = _quantizer(graph, readers[0].origin, name, declared)
    graph.redirect(name, quantizer.output, only=readers)
    graph.insert_before(graph.nodes[0], quantizer)
    said = graph.annotations[name]
    graph.warnings.append(f"The input {name} is declared {said}: it is rounded and clipped to it.")


def _before_readers(
    graph: EditableGraph, name: str, declared: _Format, readers: list[Node]
) -> None:
    values = graph.constants[name]
    lo, hi = (-1, 1) if isinstance(declared, str) else declared.range
    whole = np.all(values == np.rint(values)) and lo <= values.min() and values.max() <= hi
    if not whole or (isinstance(declared, str) and np.any(values == 0)):
        why = f"its weight {name} holds values outside its declared type {graph.annotations[name]}."
        graph.report(readers[0], why, "correct the datatype annotation, or the weight.")
        return
    quantizer = _quantizer(graph, readers[0].origin, name, declared)
    first = min(readers, key=graph.nodes.index)
    graph.redirect(name, quantizer.output, only=readers)
    graph.insert_before(first, quantizer)
