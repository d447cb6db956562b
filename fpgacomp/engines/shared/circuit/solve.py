"""A constant matrix as additions that its outputs share, found by alkaid.

The graph that alkaid finds is a value of ours: steps of shifted integers. Ranges are computed anew
from the exact linear form of every step, so that no wire is wider than its values.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from fpgacomp.engines.shared.circuit.cost import sum_cells
from fpgacomp.engines.shared.circuit.nodes import Range
from fpgacomp.errors import ToolError, UnsupportedLayer
from fpgacomp.ir.types import IntArray, Ints

INSTALL = 'pip install "fpgacomp[adders]"'
# Signed digits of a matrix that is still tried; time grows with about the square of their number.
MOST_DIGITS = 60_000
# alkaid computes in float32: integers beyond this are not exact there.
_EXACT = 1 << 24
# Ways to decompose a matrix; the cheapest result counts. The last is alkaid's fastest.
_WAYS: tuple[dict[str, Any], ...] = (
    {"method0": "wmc"},
    {"method0": "mc"},
    {"method0": "wmc", "hard_dc": 0},
    {"method0": "wmc", "search_all_decompose_dc": False},
)
_FAST = 1_500  # digits up to which every way is tried


@dataclass(frozen=True, slots=True)
class Step:
    """(x[a] << left_a) + (x[b] << left_b), or their difference.

    Args:
        a, b: terms: an input of the matrix, or behind these an earlier step.
        left_a, left_b: one of them is 0.
        span: exact range of the result.
    """

    a: int
    b: int
    left_a: int
    left_b: int
    subtract: bool
    span: Range


@dataclass(frozen=True, slots=True)
class Output:
    """One sum of the matrix: (x[term] << left), negated or not; a `term` of -1 is 0."""

    term: int
    left: int
    negative: bool


@dataclass(frozen=True)
class AdderGraph:
    """y = x @ weight as shared additions.

    Args:
        spans: range of each element of x.
        steps: in order; step i is the term behind the inputs and the steps before it.
        outputs: one for each element of y.
        theirs: the cost that the solver states, in LUTs.
    """

    spans: tuple[Range, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    theirs: float


def installed() -> bool:
    """Whether alkaid is there."""
    return importlib.util.find_spec("alkaid") is not None


def digits_of(weight: IntArray) -> int:
    """Signed digits of all weights, in canonical form: what an array without sharing would add."""
    magnitude = np.abs(weight.astype(np.int64)).astype(np.uint64)
    # The non-zero digits of a number's canonical form are those in which it and its triple differ.
    return int(np.bitwise_count(magnitude ^ (np.uint64(3) * magnitude)).sum())


def solve(weight: IntArray, ranges: Sequence[Range]) -> AdderGraph:
    """The cheapest graph that alkaid finds.

    Args:
        weight: [n_in, n_out].
        ranges: of each input.

    Raises:
        ToolError: alkaid is not installed.
        UnsupportedLayer: the matrix is too large, or its weights are wider than alkaid computes.
    """
    return _solved(Ints(weight), tuple(ranges))


@lru_cache(maxsize=256)
def _solved(weight: Ints, ranges: tuple[Range, ...]) -> AdderGraph:
    matrix = weight.array
    digits = digits_of(matrix)
    if digits > MOST_DIGITS:
        raise UnsupportedLayer(
            "shared adders", f"a matrix of {digits:,} signed digits is too large to share the "
            f"additions of (up to {MOST_DIGITS:,} are tried).", "use --backend stream."
        )  # fmt: skip
    if int(np.abs(matrix).max(initial=0)) >= _EXACT:
        raise UnsupportedLayer("shared adders", "weights of more than 24 bits are not shared.",
                               "use --backend stream.")  # fmt: skip
    if not installed():
        raise ToolError("shared adders", "alkaid is not installed.", f"run: {INSTALL}")
    from alkaid.cmvm import cmvm_solve

    kernel = np.ascontiguousarray(matrix, dtype=np.float32)
    intervals = [(float(lo), float(hi), 1.0) for lo, hi in ranges]
    found = []
    for way in _WAYS if digits <= _FAST else _WAYS[:2] if digits <= 8 * _FAST else _WAYS[-1:]:
        parts = cmvm_solve(kernel, qintervals=intervals, **way)
        found.append(_Reading(matrix, ranges).graph(parts))
    return min(found, key=cost_of)


def cost_of(graph: AdderGraph) -> int:
    """LUTs of the graph: see `cost.sum_cells`."""
    spans = [*graph.spans, *(step.span for step in graph.steps)]
    total = 0
    for step in graph.steps:
        a, b = ((spans[t][0] << k, spans[t][1] << k)
                for t, k in ((step.a, step.left_a), (step.b, step.left_b)))  # fmt: skip
        total += sum_cells(a, b, step.span, (step.left_a, step.left_b), subtract=step.subtract)
    return total


class _Reading:
    """Turns alkaid's programs into steps.

    Each of its values is an integer times a power of two: the integer is a term, the power's
    exponent is kept beside it.
    """

    def __init__(self, weight: IntArray, ranges: Sequence[Range]) -> None:
        self.weight, self.count, self.spans = weight, len(ranges), tuple(ranges)
        self.lo = np.array([lo for lo, _ in ranges], dtype=np.int64)
        self.hi = np.array([hi for _, hi in ranges], dtype=np.int64)
        self.steps: list[Step] = []
        # Of each term, what it is of the inputs.
        self.forms: list[IntArray] = list(np.eye(self.count, dtype=np.int64))

    def graph(self, parts: Sequence[Any]) -> AdderGraph:
        """The steps of programs that feed each other, held against the matrix."""
        # (term, exponent, negative) of each element that goes into the next part
        values: list[tuple[int, int, bool]] = [(i, 0, False) for i in range(self.count)]
        for part in parts:
            values = self._part(part, values)
        outputs = []
        for column, (term, exponent, negative) in enumerate(values):
            form = np.zeros(self.count, np.int64) if term < 0 else self.forms[term]
            zeros = 0
            while exponent + zeros < 0 and not (form & 1).any():
                zeros, form = zeros + 1, form >> 1
            meant = (form << exponent + zeros) * (-1 if negative else 1)
            if zeros or not np.array_equal(meant, self.weight[:, column]):
                raise ToolError("alkaid", "its additions are not those of the matrix.",
                                "report this with the network; use --backend stream.")  # fmt: skip
            outputs.append(Output(term, exponent if term >= 0 else 0, negative))
        theirs = sum(op.cost for part in parts for op in part.ops)
        return AdderGraph(self.spans, tuple(self.steps), tuple(outputs), float(theirs))

    def _part(self, part: Any, given: list[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
        made: list[tuple[int, int, bool]] = []
        for op in part.ops:
            if op.opcode == -1:
                term, exponent, negative = given[op.data[0]]
                made.append((term, exponent + int(part.inp_shifts[op.data[0]]), negative))
            elif op.opcode in (0, 1):
                a, b = (made[index] for index in op.addr)
                made.append(self._sum(a, b, int(op.data[0]), op.opcode == 1))
            else:
                raise ToolError("alkaid", f"its operation {op.opcode} is not known.",
                                f"install the version that fpgacomp pins: {INSTALL}")  # fmt: skip
        found = []
        for index, shift, negative in zip(part.out_idxs, part.out_shifts, part.out_negs):
            if index < 0:
                found.append((-1, 0, False))
                continue
            term, exponent, minus = made[index]
            found.append((term, exponent + int(shift), minus != bool(negative)))
        return found

    def _sum(
        self, a: tuple[int, int, bool], b: tuple[int, int, bool], shift: int, subtract: bool
    ) -> tuple[int, int, bool]:
        """a + b * 2**shift, with the signs of both moved into the operation."""
        (term_a, exp_a, neg_a), (term_b, exp_b, neg_b) = a, b
        if term_a < 0 or term_b < 0:
            if term_a < 0 and term_b < 0:
                return (-1, 0, False)
            if term_b < 0:
                return a
            return (term_b, exp_b + shift, neg_b != subtract)
        exp_b += shift
        minus_b = neg_b != subtract
        negative = neg_a and minus_b
        if neg_a and not minus_b:  # -a + b is b - a
            (term_a, exp_a), (term_b, exp_b) = (term_b, exp_b), (term_a, exp_a)
        less = neg_a != minus_b
        least = min(exp_a, exp_b)
        left_a, left_b = exp_a - least, exp_b - least
        sign = -1 if less else 1
        form = (self.forms[term_a] << left_a) + sign * (self.forms[term_b] << left_b)
        ends = np.where(form > 0, self.lo, self.hi), np.where(form > 0, self.hi, self.lo)
        span = (int((form * ends[0]).sum()), int((form * ends[1]).sum()))
        self.steps.append(Step(term_a, term_b, left_a, left_b, less, span))
        self.forms.append(form)
        return (self.count + len(self.steps) - 1, least, negative)
