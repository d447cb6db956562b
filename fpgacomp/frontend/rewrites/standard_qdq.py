"""Rewrite: ONNX Runtime's own QuantizeLinear and DequantizeLinear become ONNX's."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph

_DOMAIN = "com.microsoft"


def standard_qdq(graph: EditableGraph) -> None:
    """Give both operators ONNX's domain.

    ONNX Runtime's `quantize_static` writes them in its own domain for 16-bit integers, which
    ONNX has from opset 21 on only. They compute the same.
    """
    for node in graph.nodes:
        if node.domain == _DOMAIN and node.op in ("QuantizeLinear", "DequantizeLinear"):
            node.domain = ""
