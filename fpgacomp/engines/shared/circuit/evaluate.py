"""Computes every wire of a circuit in numpy."""

from __future__ import annotations

from typing import assert_never

import numpy as np

from fpgacomp.engines.shared.circuit.nodes import (
    Addition,
    AtLeast,
    Choose,
    Circuit,
    Clip,
    Compare,
    Constant,
    Count,
    Left,
    Low,
    Node,
    ReadElement,
    Right,
    TableLookup,
    TernaryAddition,
)
from fpgacomp.ir.types import IntArray


def evaluate(circuit: Circuit, words: IntArray) -> IntArray:
    """The words that the circuit writes.

    Args:
        words: [N, elements] integers within the ranges of the circuit's inputs.

    Returns:
        [N, outputs].
    """
    values = every_wire(circuit, words)
    return np.stack([values[wire] for wire in circuit.outputs], axis=1)


def every_wire(circuit: Circuit, words: IntArray) -> list[IntArray]:
    """The values [N] of each wire."""
    values: list[IntArray] = []
    for node in circuit.nodes:
        values.append(_value(node, words, values))
    return values


def _value(node: Node, words: IntArray, values: list[IntArray]) -> IntArray:
    match node:
        case ReadElement():
            return words[:, node.element]
        case Constant():
            return np.full(len(words), node.value, dtype=np.int64)
        case Left():
            return values[node.a] << node.bits
        case Right():
            return values[node.a] >> node.bits
        case Low():
            return values[node.a] & ((1 << node.bits) - 1)
        case Addition():
            a, b = values[node.a], values[node.b]
            return a - b if node.subtract else a + b
        case TernaryAddition():
            a, b, c = values[node.a], values[node.b], values[node.c]
            return a + (-b if node.minus_b else b) + (-c if node.minus_c else c)
        case AtLeast():
            return (values[node.a] >= node.threshold).astype(np.int64)
        case Compare():
            return (values[node.a] >= values[node.b]).astype(np.int64)
        case Choose():
            return np.where(values[node.condition] == 1, values[node.yes], values[node.no])
        case Clip():
            return np.clip(values[node.a], node.lo, node.hi)
        case Count():
            met = np.searchsorted(np.array(node.thresholds), values[node.a], side="right")
            return node.base + node.step * met
        case TableLookup():
            found: IntArray = np.array(node.values)[values[node.a] - node.first]
            return found
        case _:
            assert_never(node)
