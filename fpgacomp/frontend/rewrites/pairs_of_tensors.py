"""Rewrite: Div, Mean, Max and Min of computed tensors become products, sums and Relus."""

from __future__ import annotations

import numpy as np

from fpgacomp.frontend.host_tail import host_tail
from fpgacomp.frontend.rewrites.divisors import has_exact_reciprocal
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QONNX_DOMAIN

# What may stand between a Max and its quantizer and never falls, so that it may come first.
_RISING = frozenset(("Relu", "Clip", "Sigmoid", "Tanh", "Softplus", "Softsign", "Identity"))


def pairs_of_tensors(graph: EditableGraph) -> None:
    """Convert those that do not stay on the host as they are.

    Max(a, b) is b + Relu(a - b), and a quantizer behind it may as well come before it: it never
    falls. So a and b need no common scale. A quotient rounds once more than a division does.
    """
    tail = host_tail(graph)
    for node in graph.find("Div", "Mean", "Max", "Min"):
        if node.name in tail:
            continue
        if node.op == "Div":
            _divide(graph, node)
        elif node.op == "Mean":
            _average(graph, node)
        else:
            _extremes(graph, node)


def _divide(graph: EditableGraph, node: Node) -> None:
    if node.inputs[1] in graph.constants:
        return
    inverse = graph.make(node, "Reciprocal", [node.inputs[1]]).output
    factors = [node.inputs[0], inverse]
    if node.inputs[0] in graph.constants:
        factors.reverse()
    graph.replace(node, Node("Mul", factors, node.outputs, node.name, origin=node.origin))


def _average(graph: EditableGraph, node: Node) -> None:
    total, shape = node.inputs[0], graph.shape(node.inputs[0])
    for name in node.inputs[1:]:
        shape = np.broadcast_shapes(shape, graph.shape(name))
        total = graph.make(node, "Add", [total, name], shape=shape).output
    count = np.float32(len(node.inputs))
    op, operand = ("Mul", 1 / count) if has_exact_reciprocal(count) else ("Div", count)
    constant = graph.add_constant(f"{node.name}_{op.lower()}", operand)
    graph.replace(node, Node(op, [total, constant], node.outputs, node.name, origin=node.origin))


def _extremes(graph: EditableGraph, node: Node) -> None:
    """Convert a Max or Min of two and more computed tensors of one shape, two at a time."""
    shapes = {graph.shape(name) for name in node.inputs}
    if len(shapes) > 1 or len(node.inputs) < 2 or any(n in graph.constants for n in node.inputs):
        return
    steps = _until_quantizer(graph, node)
    first, *others = _quantize_first(graph, node, steps) if steps else node.inputs
    for other in others:
        first = _larger(graph, node, first, other)
    last = graph.producer(first)
    assert last is not None
    graph.remove(last)
    graph.replace(node, Node("Add", last.inputs, node.outputs, node.name, origin=node.origin))


def _larger(graph: EditableGraph, node: Node, a: str, b: str) -> str:
    """Add nodes in front of `node` that compute its function of two tensors; the last is an Add."""
    minus = graph.add_constant(f"{node.name}_minus", np.float32(-1))
    negated = graph.make(node, "Mul", [b, minus]).output
    above = graph.make(node, "Relu", [graph.make(node, "Add", [a, negated]).output]).output
    if node.op == "Max":
        return graph.make(node, "Add", [b, above]).output
    return graph.make(node, "Add", [a, graph.make(node, "Mul", [above, minus]).output]).output


def _until_quantizer(graph: EditableGraph, node: Node) -> list[Node]:
    """Return the rising functions behind a node up to its quantizer; [] where there is none."""
    steps: list[Node] = []
    reader = graph.only_consumer(node.output)
    while reader is not None and all(name in graph.constants for name in reader.inputs[1:]):
        steps.append(reader)
        if reader.op == "Quant" and reader.domain == QONNX_DOMAIN:
            return steps
        if reader.domain or reader.op not in _RISING:
            return []
        reader = graph.only_consumer(reader.output)
    return []


def _quantize_first(graph: EditableGraph, node: Node, steps: list[Node]) -> list[str]:
    """Put the functions and a copy of the quantizer on every side, and return the new tensors.

    The quantizer itself stays where it is and states the range of the result.
    """
    sides = []
    for tensor in node.inputs:
        for step in steps:
            shape = graph.shape(step.output)
            inputs = [tensor, *step.inputs[1:]]
            made = graph.make(
                node, step.op, inputs, domain=step.domain, shape=shape, **step.attributes
            )
            tensor = made.output
        sides.append(tensor)
    *functions, quantizer = steps
    for step in functions:
        graph.remove(step)
    graph.set_input(quantizer, 0, node.output)
    return sides
