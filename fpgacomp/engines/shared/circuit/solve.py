"""A constant matrix as additions that its outputs share, found by alkaid.

The graph that alkaid finds is a value of ours: steps of shifted integers. Ranges are computed anew
from the exact linear form of every step, so that no wire is wider than its values.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.engines.shared.circuit.cost import sum_cells
from fpgacomp.engines.shared.circuit.nodes import Range
from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.errors import ToolError, UnsupportedLayer
from fpgacomp.host import kept
from fpgacomp.ir.types import IntArray, Ints

INSTALL = "pip install 'fpgacomp[adders]'"
# Signed digits of a matrix that is still tried; time grows with about the square of their number.
MOST_DIGITS = 25_000
# alkaid computes in float32: integers beyond this are not exact there.
_EXACT = 1 << 24
# Ways to decompose a matrix; the cheapest result counts. The last is alkaid's fastest.
_WAYS: tuple[dict[str, Any], ...] = (
    {"method0": "wmc"},
    {"method0": "mc"},
    {"method0": "wmc", "hard_dc": 0},
    {"method0": "wmc", "search_all_decompose_dc": False},
)
# Bits by which a term is shifted, and the size of a sum, that int64 surely holds.
_SHIFTS, WHOLE = 32, 1 << 62
# Digits up to which every way is tried, and up to which the first two are. Of 35 random matrices,
# none of more than 400 digits was cheaper by another way; a layer of resnet8 (628) was by 0.3 %.
_EVERY_WAY, _TWO_WAYS = 400, 12_000


@dataclass(frozen=True, slots=True)
class SharedAddition:
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
    steps: tuple[SharedAddition, ...]
    outputs: tuple[Output, ...]
    theirs: float


def installed() -> bool:
    """Whether alkaid is there."""
    return importlib.util.find_spec("alkaid") is not None


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
    digits = int(signed_digits(matrix).sum())
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
    ways = _WAYS[:2] if digits <= _TWO_WAYS else _WAYS[-1:]
    if digits <= _EVERY_WAY:
        ways = _WAYS
    parts = (version("alkaid"), repr(ways), weight.digest, repr(ranges))
    place = kept.place("adders", "graph.json", parts, ())
    found = _read(place, matrix, ranges)
    if found is None:
        found = min((_search(matrix, ranges, way) for way in ways), key=cost_of)
        _keep(found, place)
    return found


def _search(matrix: IntArray, ranges: tuple[Range, ...], way: dict[str, Any]) -> AdderGraph:
    from alkaid.cmvm import cmvm_solve

    kernel = np.ascontiguousarray(matrix, dtype=np.float32)
    # Of an input with a single value alkaid makes a constant, which has no additions to share.
    intervals = [(float(lo), float(max(hi, lo + 1)), 1.0) for lo, hi in ranges]
    parts = cmvm_solve(kernel, qintervals=intervals, **way)
    reading = _Reading(len(ranges))
    outputs = reading.outputs(parts)
    theirs = sum(op.cost for part in parts for op in part.ops)
    found = _graph(matrix, ranges, reading.steps, outputs, float(theirs))
    if found is None:
        raise ToolError("alkaid", "its additions are not those of the matrix.",
                        "report this with the network; use --backend stream.")  # fmt: skip
    return found


def _keep(graph: AdderGraph, place: Path) -> None:
    content = {
        "steps": [astuple(step)[:-1] for step in graph.steps],
        "outputs": [astuple(output) for output in graph.outputs],
        "theirs": graph.theirs,
    }
    kept.keep_finding(content, place)


def _read(place: Path, matrix: IntArray, ranges: tuple[Range, ...]) -> AdderGraph | None:
    """What an earlier run has kept, if that is the matrix."""
    content = kept.finding(place)
    try:
        outputs = [Output(*output) for output in content["outputs"]]
        return _graph(matrix, ranges, content["steps"], outputs, content["theirs"])
    except (ValueError, KeyError, TypeError, IndexError, UnsupportedLayer):
        return None


def _graph(
    matrix: IntArray,
    ranges: tuple[Range, ...],
    steps: Sequence[tuple[int, int, int, int, bool]],
    outputs: Sequence[Output],
    theirs: float,
) -> AdderGraph | None:
    """The graph of these steps (a, b, left_a, left_b, subtract); None where it is not the matrix.

    What each term is of the inputs gives its exact range.
    """
    lo, hi = (np.array(ends, dtype=np.int64) for ends in zip(*ranges))
    reach = [max(abs(a), abs(b)) for a, b in ranges]
    reaches = list(reach)  # of every term
    forms: list[IntArray] = list(np.eye(len(ranges), dtype=np.int64))
    made: list[SharedAddition] = []
    for a, b, left_a, left_b, subtract in steps:
        if not (0 <= a < len(forms) and 0 <= b < len(forms)):
            return None
        if not (0 <= left_a < _SHIFTS and 0 <= left_b < _SHIFTS):
            return None
        part = forms[b] << left_b
        form = (forms[a] << left_a) + (-part if subtract else part)
        reaches.append(sum(abs(c) * r for c, r in zip(form.tolist(), reach)))
        # Beyond int64 neither the form nor the range would be what it says.
        if max(reaches[a] << left_a, reaches[b] << left_b, reaches[-1]) >= WHOLE:
            raise UnsupportedLayer("shared adders", "a partial sum takes more than 62 bits.",
                                   "use --backend stream.")  # fmt: skip
        least, most = np.where(form > 0, lo, hi), np.where(form > 0, hi, lo)
        span = (int((form * least).sum()), int((form * most).sum()))
        forms.append(form)
        made.append(SharedAddition(a, b, left_a, left_b, subtract, span))
    if len(outputs) != matrix.shape[1]:
        return None
    for column, output in enumerate(outputs):
        if not (output.term < len(forms) and 0 <= output.left < _SHIFTS):
            return None
        form = forms[output.term] << output.left if output.term >= 0 else np.zeros_like(lo)
        if not np.array_equal(-form if output.negative else form, matrix[:, column]):
            return None
    return AdderGraph(ranges, tuple(made), tuple(outputs), theirs)


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

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.steps: list[tuple[int, int, int, int, bool]] = []

    def outputs(self, parts: Sequence[Any]) -> list[Output]:
        """What the last of several programs that feed each other gives.

        Raises:
            ToolError: a program holds what a matrix does not need.
        """
        # (term, exponent, negative) of each element that goes into the next part
        values: list[tuple[int, int, bool]] = [(i, 0, False) for i in range(self.inputs)]
        for part in parts:
            values = self._part(part, values)
        if any(exponent < 0 for _, exponent, _ in values):
            raise ToolError("alkaid", "its sums have fractions.",
                            "report this with the network; use --backend stream.")  # fmt: skip
        return [Output(term, exponent if term >= 0 else 0, minus)
                for term, exponent, minus in values]  # fmt: skip

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
            return a if term_b < 0 else (term_b, exp_b + shift, neg_b != subtract)
        exp_b += shift
        minus_b = neg_b != subtract
        if neg_a and not minus_b:  # -a + b is b - a
            (term_a, exp_a), (term_b, exp_b) = (term_b, exp_b), (term_a, exp_a)
        least = min(exp_a, exp_b)
        self.steps.append((term_a, term_b, exp_a - least, exp_b - least, neg_a != minus_b))
        return (self.inputs + len(self.steps) - 1, least, neg_a and minus_b)
