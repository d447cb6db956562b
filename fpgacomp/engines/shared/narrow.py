"""Narrows a graph to fewer bits, so that its cost can be estimated; it computes nothing useful."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

import numpy as np

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import with_output
from fpgacomp.ir.layers import (
    Add,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Parameterless,
    Requantize,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
    with_inputs,
)
from fpgacomp.ir.types import IntArray, Ints


def widest(graph: Graph) -> int:
    """The largest width in bits of any weight or activation of the graph."""
    bits = [1]
    for layer in graph.layers:
        if isinstance(layer, Dense | Conv):
            bits.append(_weight_bits(layer.weight))
        elif isinstance(layer, Requantize) and layer.is_affine:
            continue  # compared, not stored: as wide as its input makes it
        elif isinstance(layer, Requantize | Thresholds | Lookup):
            bits.append(layer.output.type.bits)
    return max(bits)


def narrowed(graph: Graph, bits: int) -> Graph:
    """The graph with weights and activations of at most `bits` bits; inputs stay as they are."""
    tensors: dict[str, Tensor] = {}
    layers: list[Layer] = []
    for layer in graph.layers:
        small = _narrow(with_inputs(layer, [tensors[x.name] for x in layer.inputs]), bits)
        tensors[small.output.name] = small.output
        layers.append(small)
    outputs = tuple(tensors[tensor.name] for tensor in graph.outputs)
    return Graph(graph.name, tuple(layers), outputs)


def _narrow(layer: Layer, bits: int) -> Layer:
    match layer:
        case Input():
            return layer
        case Dense() | Conv():
            return with_output(replace(layer, weight=_fewer_bits(layer.weight, bits)))
        case Requantize() if layer.is_affine:
            return with_output(layer)
        case Requantize():
            drop = max(layer.output.type.bits - bits, 0)
            lo, hi = layer.lo >> drop, layer.hi >> drop
            zero_point = layer.zero_point >> drop
            return with_output(replace(layer, lo=lo, hi=hi, zero_point=zero_point))
        case Thresholds():
            # Every 2^n-th threshold leaves n bits fewer.
            drop = max(layer.output.type.bits - bits, 0)
            kept = layer.thresholds.array[:, (1 << drop) - 1 :: 1 << drop]
            kept = kept if kept.size else layer.thresholds.array[:, :1]
            return with_output(replace(layer, thresholds=Ints(kept)))
        case Lookup():
            return _narrow_lookup(layer, bits)
        case MaxPool() | SumPool() | Add() | Concat() | Upsample() | Parameterless():
            return with_output(layer)
        case _:
            assert_never(layer)


def _narrow_lookup(layer: Lookup, bits: int) -> Lookup:
    """The table cut or repeated to the input's new range, its values shifted."""
    table = layer.table.array >> max(layer.output.type.bits - bits, 0)
    columns = np.arange(layer.input.type.count) % table.shape[1]
    return with_output(replace(layer, table=Ints(table[:, columns])))


def _fewer_bits(weight: Ints, bits: int) -> Ints:
    drop = max(_weight_bits(weight) - bits, 0)
    rounded: IntArray = (weight.array + ((1 << drop) >> 1)) >> drop
    top = 1 << max(bits - 1, 1)
    return Ints(np.clip(rounded, -top, top - 1)) if drop else weight


def _weight_bits(weight: Ints) -> int:
    """Width in bits of the weights as signed numbers."""
    values = weight.type
    return values.bits if values.signed else values.bits + 1
