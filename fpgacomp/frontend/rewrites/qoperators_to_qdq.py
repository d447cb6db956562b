"""Rewrite: operators that compute on codes (QLinearConv and its kin) become float ones between
DequantizeLinear and QuantizeLinear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fpgacomp.network.editable import EditableGraph, Node

_MICROSOFT = "com.microsoft"

# Operators with the inputs (x, scale, zero point), then (scale, zero point) of the result.
_UNARY = {
    "QLinearSigmoid": "Sigmoid",
    "QLinearLeakyRelu": "LeakyRelu",
    "QLinearAveragePool": "AveragePool",
    "QLinearGlobalAveragePool": "GlobalAveragePool",
    "QLinearSoftmax": "Softmax",
    "QLinearReduceMean": "ReduceMean",
}
# Operators with two such tensors.
_BINARY = {"QLinearAdd": "Add", "QLinearMul": "Mul", "QLinearMatMul": "MatMul"}


def qoperators_to_qdq(graph: EditableGraph) -> None:
    """Convert every operator of ONNX Runtime's QOperator format, and ConvInteger and
    MatMulInteger behind a QuantizeLinear.
    """
    for node in list(graph.nodes):
        convert = _CONVERTERS.get(node.op) if node.domain in ("", _MICROSOFT) else None
        if convert is not None and not node.attributes.get("channels_last", 0):
            convert(graph, node)


def _constant(graph: EditableGraph, node: Node, hint: str, value: np.ndarray) -> str:
    return graph.add_constant(f"{node.name}_{hint}", value)


def _real(graph: EditableGraph, node: Node, inputs: Sequence[str], axis: int = 1) -> str:
    """Add the DequantizeLinear of (codes, scale, zero point) and return its output."""
    attributes = {} if axis == 1 else {"axis": axis}
    return _insert(graph, node, "DequantizeLinear", [*inputs], **attributes)


def _insert(
    graph: EditableGraph, node: Node, op: str, inputs: list[str], **attributes: object
) -> str:
    output = graph.unique(f"{node.name}_{op}_out")
    name = graph.unique(f"{node.name}_{op}")
    made = Node(op, inputs, [output], name, "", dict(attributes), node.origin)
    return graph.insert_before(node, made).output


def _finish(
    graph: EditableGraph, node: Node, op: str, inputs: list[str], result: Sequence[str]
) -> None:
    """Put the float operator, and the QuantizeLinear of its result, in the node's place."""
    attributes = {k: v for k, v in node.attributes.items() if k not in ("channels_last", "opset")}
    if not any(result):  # QGemm without a scale of its result gives floats
        graph.replace(node, Node(op, inputs, node.outputs, node.name, "", attributes, node.origin))
        return
    real = _insert(graph, node, op, inputs, **attributes)
    last = Node("QuantizeLinear", [real, *result], node.outputs, node.name, "", {}, node.origin)
    graph.replace(node, last)


def _inputs(node: Node, start: int, count: int) -> list[str]:
    return [node.input(start + i) for i in range(count)]


def _unary(graph: EditableGraph, node: Node) -> None:
    real = _real(graph, node, _inputs(node, 0, 3))
    _finish(graph, node, _UNARY[node.op], [real], _inputs(node, 3, 2))


def _binary(graph: EditableGraph, node: Node) -> None:
    left = _real(graph, node, _inputs(node, 0, 3))
    right = _real(graph, node, _inputs(node, 3, 3))
    _finish(graph, node, _BINARY[node.op], [left, right], _inputs(node, 6, 2))


def _concat(graph: EditableGraph, node: Node) -> None:
    parts = [_real(graph, node, _inputs(node, i, 3)) for i in range(2, len(node.inputs), 3)]
    _finish(graph, node, "Concat", parts, _inputs(node, 0, 2))


def _bias(graph: EditableGraph, node: Node, codes: str, scale: np.ndarray | None) -> list[str]:
    """Return [] without a bias, else its real values: 32-bit codes of the product's scale."""
    values = graph.constant(codes)
    if not codes or values is None or scale is None:
        return []
    return [_constant(graph, node, "bias", (values * scale).astype(np.float32))]


def _scale(graph: EditableGraph, first: str, second: str) -> np.ndarray | None:
    """Return the product of two constant scales, in float64."""
    a, b = graph.constant(first), graph.constant(second)
    return None if a is None or b is None else a.astype(np.float64) * b.astype(np.float64)


def _conv(graph: EditableGraph, node: Node) -> None:
    x, w = _real(graph, node, _inputs(node, 0, 3)), _real(graph, node, _inputs(node, 3, 3), axis=0)
    bias = _bias(graph, node, node.input(8), _scale(graph, node.input(1), node.input(4)))
    if node.input(8) and not bias:
        return
    _finish(graph, node, "Conv", [x, w, *bias], _inputs(node, 6, 2))


def _gemm(graph: EditableGraph, node: Node) -> None:
    axis = 0 if node.attributes.get("transB", 0) else 1
    a, b = _real(graph, node, _inputs(node, 0, 3)), _real(graph, node, _inputs(node, 3, 3), axis)
    scale = _scale(graph, node.input(1), node.input(4))
    alpha = float(node.attributes.get("alpha", 1.0))
    bias = _bias(graph, node, node.input(6), None if scale is None else scale * alpha)
    if node.input(6) and not bias:
        return
    _finish(graph, node, "Gemm", [a, b, *bias], _inputs(node, 7, 2))


def _integer_product(graph: EditableGraph, node: Node) -> None:
    """Convert a product of codes to that of real numbers, divided by the scale of its input.

    The codes must come from a QuantizeLinear: the scale that it has is nowhere else.
    """
    producer = graph.producer(node.inputs[0])
    scale = graph.constant(producer.input(1)) if producer is not None else None
    if producer is not None and producer.op.startswith("Dynamic"):
        return  # that operator is the cause, and reported as such
    if producer is None or producer.op != "QuantizeLinear" or scale is None or scale.size != 1:
        why = "the integers that it reads do not come from a QuantizeLinear of one constant scale."
        graph.report(node, why, "quantize statically, with one scale for each activation.")
        return
    op = node.op.removesuffix("Integer")
    x = _real(graph, node, [node.inputs[0], producer.input(1), producer.input(2)])
    one = _constant(graph, node, "one", np.float32(1) * np.ones((), np.float32))
    w = _real(graph, node, [node.inputs[1], one, node.input(3)])
    product = _insert(graph, node, op, [x, w], **node.attributes)
    inverse = _constant(graph, node, "inverse", np.float32(1) / scale.reshape(()))
    last = Node("Mul", [product, inverse], node.outputs, node.name, origin=node.origin)
    graph.replace(node, last)


_CONVERTERS: dict[str, Callable[[EditableGraph, Node], None]] = {
    **dict.fromkeys(_UNARY, _unary),
    **dict.fromkeys(_BINARY, _binary),
    "QLinearConcat": _concat,
    "QLinearConv": _conv,
    "QGemm": _gemm,
    "ConvInteger": _integer_product,
    "MatMulInteger": _integer_product,
}
