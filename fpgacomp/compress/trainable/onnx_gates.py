"""SiLU, GELU and HardSwish that an exporter wrote out in several nodes, recognised as one.

Each of them ends in a product of two tensors that come from the same one. What the nodes between
compute is evaluated on a grid and compared with the functions, so that their form does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fpgacomp.compress.trainable.onnx_graph import Array, OnnxGraph, OnnxNode, evaluate
from fpgacomp.errors import UnsupportedLayer

GATES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "Silu": functional.silu,
    "Gelu": functional.gelu,
    "HardSwish": functional.hardswish,
}
_ELEMENTWISE = {
    *("Add", "Sub", "Mul", "Div", "Neg", "Clip", "Relu", "Sigmoid", "HardSigmoid", "Tanh", "Erf"),
    *("Pow", "Identity"),
}
_GRID = np.linspace(-8, 8, 1601, dtype=np.float32)  # GELU is 0 below and the identity above
_TOLERANCE = 1e-5  # GELU and its approximation by tanh differ by 5e-4
_DEPTH = 8  # nodes between a gate's input and its output


def recognise_gates(graph: OnnxGraph) -> None:
    """Replace the products that compute SiLU, GELU or HardSwish by one node each, in place."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    nodes: list[OnnxNode] = []
    for node in graph.nodes:
        nodes.extend(_recognised(graph, makers, node) or [node])
    graph.nodes = nodes
    graph.drop_dead()


def _recognised(
    graph: OnnxGraph, makers: Mapping[str, OnnxNode], node: OnnxNode
) -> list[OnnxNode] | None:
    if node.op != "Mul" or node.domain or any(name in graph.constants for name in node.inputs):
        return None
    source = _common(graph, makers, node)
    if source is None:
        return None
    values = _values(graph, makers, node.outputs[0], {source: _GRID})
    if values is None:
        return None
    output = node.outputs[0]
    for op, function in GATES.items():
        wanted = function(torch.from_numpy(_GRID)).numpy()
        factor = np.float32(values[-1] / wanted[-1])
        if not np.allclose(values, factor * wanted, rtol=0, atol=_TOLERANCE * abs(factor)):
            continue
        if np.isclose(factor, 1, rtol=_TOLERANCE):
            return [OnnxNode(op, node.name, (source,), (output,), {}, "")]
        # The rest of the factor, 1/6 or 1/2, is a node behind this one.
        inner, constant = f"{output}/gate", f"{output}/factor"
        graph.shapes[inner] = graph.shapes[source]
        graph.constants[constant] = np.asarray(factor)
        return [
            OnnxNode(op, node.name, (source,), (inner,), {}, ""),
            OnnxNode("Mul", "", (inner, constant), (output,), {}, ""),
        ]
    return None


def _common(graph: OnnxGraph, makers: Mapping[str, OnnxNode], node: OnnxNode) -> str | None:
    """The nearest tensor that both factors are computed from."""
    one, other = (_ancestors(graph, makers, name) for name in node.inputs)
    shared = one.keys() & other.keys()
    return min(shared, key=lambda name: one[name] + other[name]) if shared else None


def _ancestors(graph: OnnxGraph, makers: Mapping[str, OnnxNode], tensor: str) -> dict[str, int]:
    """Tensors that this one is computed from value by value, and how many nodes ago each is."""
    found, front = {tensor: 0}, [tensor]
    for distance in range(1, _DEPTH):
        reached = []
        for name in front:
            maker = makers.get(name)
            if maker is not None and maker.op in _ELEMENTWISE and not maker.domain:
                reached += [n for n in maker.inputs if n and n not in graph.constants]
        front = [name for name in dict.fromkeys(reached) if name not in found]
        found |= dict.fromkeys(front, distance)
    return found


def _values(
    graph: OnnxGraph, makers: Mapping[str, OnnxNode], tensor: str, known: dict[str, Array]
) -> Array | None:
    """The values of a tensor on the grid; None where it depends on something else, too."""
    if tensor in known:
        return known[tensor]
    maker = makers.get(tensor)
    if maker is None or maker.op not in _ELEMENTWISE or maker.domain:
        return None
    inputs = []
    for name in filter(None, maker.inputs):
        constant = graph.constants.get(name)
        if constant is not None and constant.size != 1:
            return None
        value = constant.reshape(()) if constant is not None else None
        if value is None:
            value = _values(graph, makers, name, known)
        if value is None:
            return None
        inputs.append(value)
    try:
        known[tensor] = evaluate(maker, inputs, graph.opset)[0]
    except UnsupportedLayer:
        return None
    return known[tensor]
