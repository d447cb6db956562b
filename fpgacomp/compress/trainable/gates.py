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

from fpgacomp.ir.types import AnyArray
from fpgacomp.network.drop_unused import drop_unused
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.evaluate import evaluate

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


def recognise_gates(graph: EditableGraph) -> None:
    """Put Silu, Gelu and HardSwish in the place of the products that compute them."""
    for node in list(graph.nodes):
        gate = _recognised(graph, node)
        if gate:
            graph.replace(node, *gate)
    drop_unused(graph)


def _recognised(graph: EditableGraph, node: Node) -> list[Node]:
    """Return the nodes that compute the same as this product; [] where it is no gate."""
    if node.op != "Mul" or node.domain or any(name in graph.constants for name in node.inputs):
        return []
    source = _common(graph, node)
    values = None if source is None else _values(graph, node.output, {source: _GRID})
    if source is None or values is None:
        return []
    for op, function in GATES.items():
        wanted = function(torch.from_numpy(_GRID)).numpy()
        factor = np.float32(values[-1] / wanted[-1])
        if np.allclose(values, factor * wanted, rtol=0, atol=_TOLERANCE * abs(factor)):
            return _gate(graph, node, op, source, factor)
    return []


def _gate(graph: EditableGraph, node: Node, op: str, source: str, factor: np.float32) -> list[Node]:
    """Return the gate, and a product with what is left of its factor (1/6 or 1/2)."""
    name = graph.unique(f"{node.name}_{op}")
    if np.isclose(factor, 1, rtol=_TOLERANCE):
        return [Node(op, [source], node.outputs, name, file_name=node.file_name)]
    inner = graph.new_tensor(f"{node.output}/gate", graph.shape(source))
    constant = graph.add_constant(f"{node.output}/factor", np.asarray(factor))
    return [
        Node(op, [source], [inner], name, file_name=node.file_name),
        Node("Mul", [inner, constant], node.outputs, graph.unique(f"{node.name}_factor")),
    ]


def _common(graph: EditableGraph, node: Node) -> str | None:
    """The last tensor that both factors are computed from."""
    one, other = (_ancestors(graph, name) for name in node.inputs)
    shared = one.keys() & other.keys()
    return min(shared, key=lambda name: one[name] + other[name]) if shared else None


def _ancestors(graph: EditableGraph, tensor: str) -> dict[str, int]:
    """Computed tensors that this one follows from element by element: how many nodes ago."""
    found, front = {tensor: 0}, [tensor]
    for distance in range(1, _DEPTH):
        reached = []
        for name in front:
            maker = graph.producer(name)
            if maker is not None and maker.op in _ELEMENTWISE and not maker.domain:
                reached += [n for n in maker.inputs if n and n not in graph.constants]
        front = [name for name in dict.fromkeys(reached) if name not in found]
        found |= dict.fromkeys(front, distance)
    return found


def _values(graph: EditableGraph, tensor: str, known: dict[str, AnyArray]) -> AnyArray | None:
    """What a tensor is on the grid; None where it follows from something else, too."""
    if tensor in known:
        return known[tensor]
    maker = graph.producer(tensor)
    if maker is None or maker.op not in _ELEMENTWISE or maker.domain:
        return None
    inputs: list[AnyArray | None] = []
    for name in maker.inputs:
        if not name:
            inputs.append(None)
            continue
        constant = graph.constants.get(name)
        if constant is not None and constant.size != 1:
            return None
        value = constant.reshape(()) if constant is not None else None
        if value is None:
            value = _values(graph, name, known)
        if value is None:
            return None
        inputs.append(value)
    try:
        known[tensor] = evaluate(maker, inputs, graph.opset)[0]
    except Exception:  # whatever numpy or ONNX Runtime raise: then it is no gate that we know
        return None
    return known[tensor]
