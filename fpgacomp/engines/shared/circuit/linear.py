"""Places the shared additions of a constant matrix into a circuit."""

from __future__ import annotations

from collections.abc import Sequence

from fpgacomp.engines.shared.circuit.build import Builder
from fpgacomp.engines.shared.circuit.solve import AdderGraph


def place(graph: AdderGraph, builder: Builder, inputs: Sequence[int]) -> list[int]:
    """The wires of y = x @ weight.

    Args:
        graph: of the matrix; the ranges that it was solved for hold those of `inputs`.
        inputs: the wires of x.
    """
    terms = list(inputs)
    for step in graph.steps:
        a = builder.left(terms[step.a], step.left_a)
        b = builder.left(terms[step.b], step.left_b)
        terms.append(builder.sum(a, b, subtract=step.subtract, within=step.span))
    zero = builder.constant(0)
    found = []
    for output in graph.outputs:
        if output.term < 0:
            found.append(zero)
            continue
        wire = builder.left(terms[output.term], output.left)
        found.append(builder.sum(zero, wire, subtract=True) if output.negative else wire)
    return found
