"""Lowers a product of two functions of one integer tensor: it is one function of that tensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import Lookup, Requantize, Tensor, Thresholds
from fpgacomp.ir.types import FloatArray
from fpgacomp.lower.builder import GraphBuilder, unsupported
from fpgacomp.lower.scalar import Affine, Chain, Function
from fpgacomp.lower.value import Value

ElementLayer = Requantize | Thresholds | Lookup


@dataclass(frozen=True)
class _Factor:
    """A real number as a function of an integer: integer layers, then a chain."""

    layers: tuple[ElementLayer, ...]
    chain: Chain

    def __call__(self, x: FloatArray) -> FloatArray:
        integers = x.astype(np.int64)
        for layer in self.layers:
            kind = layer.input.type
            integers = execute(layer, [np.clip(integers, kind.lo, kind.hi)])
        return self.chain(integers.astype(np.float64))


@dataclass(frozen=True)
class _Product(Function):
    """left(x) * right(x), of which nothing is known but its values."""

    left: _Factor = _Factor((), Chain.of(1.0))
    right: _Factor = _Factor((), Chain.of(1.0))

    def __call__(self, x: FloatArray) -> FloatArray:
        result: FloatArray = self.left(x) * self.right(x)
        return result


def lower_gate(builder: GraphBuilder, node: onnx.NodeProto, a: Value, b: Value) -> Value:
    """Return a * b as a function of the nearest integer tensor that both are functions of.

    So is x * Sigmoid(x) with quantizers between, as ONNX Runtime writes SiLU.

    Raises:
        UnsupportedLayer: they depend on different tensors, or not element by element alike.
    """
    left, right = _origins(builder, a), _origins(builder, b)
    common = next((name for name in left if name in right), None)
    same_place = a.source_shape == b.source_shape and np.array_equal(a.order, b.order)
    if common is None or not same_place:
        raise unsupported(node, "multiplies two activations.",
                          "attention and gating have no integer form yet.")  # fmt: skip
    source = left[common][0]
    product = _Product("Mul", left=left[common][1], right=right[common][1])
    return Value(source, a.source_shape, a.order, Chain.of(1.0).then(product))


def _origins(builder: GraphBuilder, value: Value) -> dict[str, tuple[Tensor, _Factor]]:
    """Return the integer tensors that a value is a function of, nearest first."""
    found: dict[str, tuple[Tensor, _Factor]] = {}
    layers: tuple[ElementLayer, ...] = ()
    tensor = value.source
    producers = {layer.output.name: layer for layer in builder.layers}
    while isinstance(tensor, Tensor) and _is_shared(value.chain):
        found[tensor.name] = (tensor, _Factor(layers, value.chain))
        layer = producers[tensor.name]
        if not isinstance(layer, Requantize | Thresholds | Lookup) or not _treats_alike(layer):
            break
        layers = (layer, *layers)
        tensor = layer.input
    return found


def _is_shared(chain: Chain) -> bool:
    """Return whether a chain is the same for all channels."""
    for step in (chain.affine, *chain.steps):
        parameters = (step.scale, step.offset) if isinstance(step, Affine) else step.parameters
        if any(parameter.array.size > 1 for parameter in parameters):
            return False
    return True


def _treats_alike(layer: ElementLayer) -> bool:
    """Return whether a layer computes the same function in all channels."""
    match layer:
        case Requantize():
            return layer.multiplier.array.size == 1 and layer.offset.array.size == 1
        case Thresholds():
            rows = (layer.thresholds, layer.base, layer.step)
            return all(len(values.array) == 1 for values in rows)
        case Lookup():
            return len(layer.table.array) == 1
