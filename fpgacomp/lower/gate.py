"""Lowers a product or sum of two functions of one integer tensor: one function of that tensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import onnx

from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import Lookup, Requantize, Tensor, Thresholds
from fpgacomp.ir.types import FloatArray, Reals
from fpgacomp.lower.builder import GraphBuilder
from fpgacomp.lower.scalar import Chain, Function
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
class _Joint(Function):
    """left(x) * right(x) or left(x) + right(x), of which nothing is known but its values."""

    left: _Factor = _Factor((), Chain.of(1.0))
    right: _Factor = _Factor((), Chain.of(1.0))

    def __call__(self, x: FloatArray) -> FloatArray:
        left, right = self.left(x), self.right(x)
        with np.errstate(invalid="ignore", over="ignore"):  # lowering looks for NaN
            result: FloatArray = left * right if self.op == "Mul" else left + right
        return result

    def with_parameters(self, change: Callable[[Reals], Reals]) -> _Joint:
        left, right = (
            replace(factor, chain=factor.chain.with_parameters(change))
            for factor in (self.left, self.right)
        )
        return replace(self, left=left, right=right)


def joined_functions(
    builder: GraphBuilder, node: onnx.NodeProto, a: Value, b: Value
) -> Value | None:
    """Return a * b or a + b as a function of the nearest integer tensor that both depend on.

    So is x * Sigmoid(x) with quantizers between, as ONNX Runtime writes SiLU, and any curve that
    is written out in several operators. None where a and b depend on different tensors, or not
    element by element alike.
    """
    left, right = _origins(builder, a), _origins(builder, b)
    common = next((name for name in left if name in right), None)
    if common is None or a.source_shape != b.source_shape or not np.array_equal(a.order, b.order):
        return None
    joint = _Joint(node.op_type, left=left[common][1], right=right[common][1])
    return Value(left[common][0], a.source_shape, a.order, Chain.of(1.0).then(joint))


def _origins(builder: GraphBuilder, value: Value) -> dict[str, tuple[Tensor, _Factor]]:
    """Return the integer tensors that a value is a function of, nearest first."""
    found: dict[str, tuple[Tensor, _Factor]] = {}
    layers: tuple[ElementLayer, ...] = ()
    tensor = value.source
    producers = {layer.output.name: layer for layer in builder.layers}
    while isinstance(tensor, Tensor):
        found[tensor.name] = (tensor, _Factor(layers, value.chain))
        layer = producers[tensor.name]
        if not isinstance(layer, Requantize | Thresholds | Lookup) or not _treats_alike(layer):
            break
        layers = (layer, *layers)
        tensor = layer.input
    return found


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
