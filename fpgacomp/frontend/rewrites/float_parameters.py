"""Rewrite: scales, zero points and bit widths become float32, whatever integers the file has."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import EditableGraph
from fpgacomp.network.operators import QONNX_DOMAIN


def float_parameters(graph: EditableGraph) -> None:
    """Convert the parameters of quantizers: QONNX computes in float32 anyway, and
    they are small.
    """
    for node in graph.find("Quant", "BipolarQuant", "Trunc", domain=QONNX_DOMAIN):
        for index, name in enumerate(node.inputs):
            value = graph.constant(name)
            if index and value is not None and value.dtype.kind in "iu":
                number = value.astype(np.float32)
                graph.set_input(node, index, graph.add_constant(f"{name}_float", number))
