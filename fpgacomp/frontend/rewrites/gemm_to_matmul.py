"""Rewrite: Gemm becomes MatMul and Add."""

from __future__ import annotations

import numpy as np

from fpgacomp.network.editable import EditableGraph, Node


def gemm_to_matmul(graph: EditableGraph) -> None:
    """Write alpha * A' @ B' + beta * C out, with a Mul where alpha or beta is not 1."""
    for node in graph.find("Gemm"):
        _expand(graph, node)


def _expand(graph: EditableGraph, node: Node) -> None:
    a, b = node.inputs[:2]
    c = node.input(2)
    alpha, beta = node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)
    shape = graph.shape(node.output)
    if node.attributes.get("transA", 0):
        a = _transposed(graph, node, a)
    if node.attributes.get("transB", 0):
        b = _transposed(graph, node, b)
    product = graph.make(node, "MatMul", [a, b], shape=shape)
    last = product
    if alpha != 1.0:
        last = _times(graph, node, last.output, alpha)
    if c and beta != 0.0:
        if beta != 1.0:
            c = _scaled(graph, node, c, beta)
        last = graph.make(node, "Add", [last.output, c], shape=shape)
    graph.remove(node)
    graph.rename_output(last, node.output)


def _transposed(graph: EditableGraph, node: Node, tensor: str) -> str:
    constant = graph.constant(tensor)
    if constant is not None:
        return graph.add_constant(f"{tensor}_T", np.ascontiguousarray(constant.T))
    shape = graph.shape(tensor)[::-1]
    return graph.make(node, "Transpose", [tensor], shape=shape, perm=[1, 0]).output


def _times(graph: EditableGraph, node: Node, tensor: str, factor: float) -> Node:
    name = graph.add_constant(f"{node.name}_factor", np.float32(factor))
    return graph.make(node, "Mul", [tensor, name])


def _scaled(graph: EditableGraph, node: Node, tensor: str, factor: float) -> str:
    constant = graph.constant(tensor)
    if constant is None:
        return _times(graph, node, tensor, factor).output
    return graph.add_constant(f"{tensor}_scaled", constant * np.float32(factor))
