"""Rewrite: an integer input that is cast to float becomes a float input behind a Quant of its
range.
"""

from __future__ import annotations

import numpy as np

from fpgacomp.frontend.quantizers import IntegerFormat
from fpgacomp.network.editable import FLOAT, EditableGraph, Node, TensorInfo
from fpgacomp.network.operators import QONNX_DOMAIN

_DTYPES = {2: "uint8", 3: "int8", 4: "uint16", 5: "int16"}  # by ONNX type


def float_inputs(graph: EditableGraph) -> None:
    """Convert inputs of 8 or 16 bits that nothing but a Cast to float32 reads."""
    for name in graph.inputs:
        kind = _DTYPES.get(graph.info[name].dtype)
        casts = graph.consumers(name)
        if kind is None or not casts or name in graph.outputs:
            continue
        if all(node.op == "Cast" and node.attributes.get("to") == FLOAT for node in casts):
            graph.info[name] = TensorInfo(FLOAT, graph.shape(name))
            limits = np.iinfo(np.dtype(kind))
            integers = IntegerFormat.covering(int(limits.min), int(limits.max))
            for cast in casts:
                _quantize(graph, cast, integers)
            graph.warnings.append(f"The integer input {name} is taken as float32 holding integers.")


def _quantize(graph: EditableGraph, cast: Node, integers: IntegerFormat) -> None:
    values = (np.float32(1), np.float32(0), np.float32(integers.bits))
    parameters = [graph.add_constant(f"{cast.name}_parameter", value) for value in values]
    attributes = {"signed": int(integers.signed), "narrow": 0, "rounding_mode": "ROUND"}
    inputs = [cast.inputs[0], *parameters]
    name = graph.unique(f"{cast.name}_Quant")
    quant = Node("Quant", inputs, cast.outputs, name, QONNX_DOMAIN, attributes, cast.origin)
    graph.replace(cast, quant)
