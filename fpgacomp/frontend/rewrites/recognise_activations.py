"""Rewrite: SiLU, GELU and HardSwish written out in several nodes become one node each."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import FPGACOMP_DOMAIN


def recognise_activations(graph: EditableGraph) -> None:
    """Find x * Sigmoid(x), x * relu6(x + 3) / 6, x * 0.5 * (1 + Erf(x / sqrt 2)) and its Tanh form.

    Expects Div by a constant as Mul and constants as second inputs.
    """
    for node in graph.find("Mul"):
        _gated(graph, node)
    for node in graph.find("Erf"):
        _gelu(graph, node)
    for node in graph.find("Tanh"):
        _gelu_by_tanh(graph, node)
    for node in graph.find("Gelu"):
        if node.attributes.pop("approximate", "none") != "none":
            node.op = "GeluTanh"
        node.domain = FPGACOMP_DOMAIN
    for node in graph.find("Swish"):
        if node.attributes.pop("alpha", 1.0) == 1.0:
            node.op, node.domain = "Silu", FPGACOMP_DOMAIN


def _gated(graph: EditableGraph, product: Node) -> None:
    """Convert product = x * gate(x), in either order."""
    for x, gate_output in (product.inputs, product.inputs[::-1]):
        gate = graph.producer(gate_output)
        if gate is None or gate.domain:
            continue
        if gate.op == "Sigmoid" and gate.inputs[0] == x:
            return _become(graph, product, "Silu", x, FPGACOMP_DOMAIN)
        if _is_hard_gate(graph, gate, x):
            return _become(graph, product, "HardSwish", x, "")
        if _is_relu6_of_plus_3(graph, gate, x):
            sixth = graph.only_consumer(product.output)
            if sixth is not None and _is_times(graph, sixth, 1 / 6):
                return _become(graph, sixth, "HardSwish", x, "")
    return None


def _is_hard_gate(graph: EditableGraph, gate: Node, x: str) -> bool:
    """Return whether the gate is HardSigmoid(x; 1/6, 1/2), or relu6(x + 3) / 6."""
    if gate.op == "HardSigmoid" and gate.inputs[0] == x:
        alpha, beta = gate.attributes.get("alpha", 0.2), gate.attributes.get("beta", 0.5)
        return _near(alpha, 1 / 6) and _near(beta, 0.5)
    inner = graph.producer(gate.inputs[0]) if _is_times(graph, gate, 1 / 6) else None
    return inner is not None and _is_relu6_of_plus_3(graph, inner, x)


def _is_relu6_of_plus_3(graph: EditableGraph, node: Node, x: str) -> bool:
    plus = graph.producer(node.inputs[0])
    if node.op != "Clip" or plus is None or plus.op != "Add" or plus.inputs[0] != x:
        return False
    numbers = zip((node.inputs[1], node.inputs[2], plus.inputs[1]), (0.0, 6.0, 3.0))
    return all(_is_number(graph, name, number) for name, number in numbers)


def _gelu(graph: EditableGraph, erf: Node) -> None:
    """Follow Erf(x * sqrt(1/2)) + 1, then the factors x and 0.5 in either order."""
    scaled = graph.producer(erf.inputs[0])
    if scaled is None or not _is_times(graph, scaled, sqrt(0.5)):
        return
    _half_of_x_times(graph, erf, scaled.inputs[0], "Gelu")


def _gelu_by_tanh(graph: EditableGraph, tanh: Node) -> None:
    """Follow Tanh((x + x ** 3 * 0.044715) * sqrt(2 / pi)) + 1, then as for Erf."""
    scaled = graph.producer(tanh.inputs[0])
    if scaled is None or not _is_times(graph, scaled, sqrt(2 / pi)):
        return
    total = graph.producer(scaled.inputs[0])
    if total is None or total.op != "Add" or total.domain:
        return
    for x, cubic in (total.inputs, total.inputs[::-1]):
        term = graph.producer(cubic)
        if term is None or not _is_times(graph, term, 0.044715):
            continue
        if _is_cube(graph, term.inputs[0], x):
            _half_of_x_times(graph, tanh, x, "GeluTanh")
            return


def _is_cube(graph: EditableGraph, tensor: str, x: str) -> bool:
    """Return whether a tensor is Pow(x, 3), or x * x * x."""
    node = graph.producer(tensor)
    if node is None or node.domain:
        return False
    if node.op == "Pow":
        return node.inputs[0] == x and _is_number(graph, node.inputs[1], 3.0)
    square = next((graph.producer(name) for name in node.inputs if name != x), None)
    is_square = square is not None and square.op == "Mul" and square.inputs == [x, x]
    return node.op == "Mul" and x in node.inputs and is_square


def _half_of_x_times(graph: EditableGraph, curve: Node, x: str, op: str) -> None:
    """Convert (curve + 1) and the factors x and 0.5, in any order, to one operator."""
    plus = graph.only_consumer(curve.output)
    if plus is None or plus.op != "Add" or not _is_number(graph, plus.inputs[1], 1.0):
        return
    first = graph.only_consumer(plus.output)
    if first is None or first.op != "Mul":
        return
    other = first.inputs[1] if first.inputs[0] == plus.output else first.inputs[0]
    half = graph.producer(other)
    if half is not None and half.inputs[0] == x and _is_times(graph, half, 0.5):
        _become(graph, first, op, x, FPGACOMP_DOMAIN)
        return
    second = graph.only_consumer(first.output)
    if second is None or second.op != "Mul":
        return
    swapped = _is_number(graph, other, 0.5) and x in second.inputs
    if swapped or (other == x and _is_times(graph, second, 0.5)):
        _become(graph, second, op, x, FPGACOMP_DOMAIN)


def _is_times(graph: EditableGraph, node: Node, factor: float) -> bool:
    """Return whether a node multiplies by a number, or divides by its reciprocal."""
    number = {"Mul": factor, "Div": 1 / factor}.get(node.op)
    if number is None or node.domain:
        return False
    return _is_number(graph, node.inputs[1], number)


def _is_number(graph: EditableGraph, name: str, number: float) -> bool:
    value = graph.constant(name)
    return value is not None and value.size == 1 and _near(float(value.min()), number)


def _near(value: float, number: float) -> bool:
    """Return whether two numbers are equal up to the last digits of float32, as exporters write
    them.
    """
    return abs(value - number) <= 2 * float(np.finfo(np.float32).eps) * abs(number)


def _become(graph: EditableGraph, node: Node, op: str, x: str, domain: str) -> None:
    name = graph.unique(f"{node.origin}_{op}")
    graph.replace(node, Node(op, [x], node.outputs, name, domain, origin=node.origin))
