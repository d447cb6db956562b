"""Places the shared additions of a constant matrix into a circuit."""

from __future__ import annotations

from collections.abc import Sequence

from fpgacomp.engines.shared.circuit.build import Builder
from fpgacomp.engines.shared.circuit.sums import PartialSums


def place(made: PartialSums, builder: Builder, inputs: Sequence[int]) -> list[int]:
    """The wires of y = x @ weight.

    Args:
        made: of the matrix; the ranges that it was solved for hold those of `inputs`.
        inputs: the wires of x.
    """
    terms = list(inputs)
    for one in made.sums:
        parts = [(builder.left(terms[term.index], term.left), term.minus) for term in one.terms]
        terms.append(builder.total(parts, within=one.span))
    zero = builder.constant(0)
    found = []
    for output in made.outputs:
        if output.term < 0:
            found.append(zero)
            continue
        wire = builder.left(terms[output.term], output.left)
        found.append(builder.sum(zero, wire, subtract=True) if output.negative else wire)
    return found


def times(builder: Builder, wire: int, factor: int) -> int:
    """wire * factor, by the signed digits of the factor; few of them share anything."""
    zero = builder.constant(0)
    if factor == 0:
        return zero
    total: int | None = None
    rest, place_value = abs(factor), 0
    terms: list[tuple[int, bool]] = []
    while rest:
        if rest & 1:
            digit = 2 - (rest & 3)
            terms.append((place_value, digit < 0))
            rest -= digit
        rest >>= 1
        place_value += 1
    # The highest digit is positive: what is subtracted from it comes after it.
    for bits, negative in reversed(terms):
        part = builder.left(wire, bits)
        total = part if total is None else builder.sum(total, part, subtract=negative)
    assert total is not None
    return builder.sum(zero, total, subtract=True) if factor < 0 else total
