"""The additions of a constant matrix as sums of two, or of two and three numbers.

Where a LUT has six inputs and two outputs, one row of them adds three numbers: as many LUTs as an
adder of two takes. What alkaid shares two by two is merged here: a sum that one other reads becomes
a part of it, and one that several read where that takes fewer rows in all. Then each sum is added
up anew, three by three.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fpgacomp.engines.shared.circuit.cost import sum_cells, ternary_cells
from fpgacomp.engines.shared.circuit.nodes import Range, bits_of
from fpgacomp.engines.shared.circuit.solve import WHOLE, AdderGraph, Output
from fpgacomp.ir.types import IntArray

_SWEEPS = 8  # over all sums; most matrices settle after three


@dataclass(frozen=True, slots=True)
class Term:
    """x[index] << left, added or subtracted.

    Args:
        index: an input of the matrix, or behind these an earlier sum.
    """

    index: int
    left: int
    minus: bool


@dataclass(frozen=True, slots=True)
class PartialSum:
    """What its two or three terms add up to; one of them is not subtracted.

    Args:
        span: exact range of the result.
    """

    terms: tuple[Term, ...]
    span: Range


@dataclass(frozen=True)
class PartialSums:
    """y = x @ weight.

    Args:
        sums: in order; sum i is the term behind the inputs and the sums before it.
        outputs: one for each element of y.
    """

    sums: tuple[PartialSum, ...]
    outputs: tuple[Output, ...]


def sums_of(graph: AdderGraph, *, ternary: bool) -> PartialSums:
    """The additions of a graph.

    Args:
        ternary: whether one row of LUTs adds three numbers.
    """
    return of_three(graph) if ternary else of_two(graph)


def of_two(graph: AdderGraph) -> PartialSums:
    """Each addition by itself."""
    sums = tuple(
        PartialSum((Term(s.a, s.left_a, False), Term(s.b, s.left_b, s.subtract)), s.span)
        for s in graph.steps
    )
    return PartialSums(sums, graph.outputs)


def of_three(graph: AdderGraph) -> PartialSums:
    """Merged, so that there are few sums, most of them of three terms; as `of_two` if that is less.

    A few products of one number by several factors are.
    """
    plain = of_two(graph)
    try:
        merged = _Adding(graph, _Merging(graph).parts).made()
    except OverflowError:  # a sum of three may need two bits more than the additions that it merges
        return plain
    return min(merged, plain, key=lambda sums: luts_of(sums, graph.spans))


def luts_of(made: PartialSums, spans: Sequence[Range]) -> int:
    """LUTs of six inputs: see `cost.sum_cells` and `cost.ternary_cells`.

    Args:
        spans: of the inputs.
    """
    every = [*spans, *(one.span for one in made.sums)]
    total = 0
    for one in made.sums:
        terms = tuple(
            ((every[t.index][0] << t.left, every[t.index][1] << t.left), t.left, t.minus)
            for t in one.terms
        )
        if len(terms) == 3:
            total += ternary_cells(terms, bits_of(one.span))
        else:
            (a, low_a, _), (b, low_b, minus) = terms
            total += sum_cells(a, b, one.span, (low_a, low_b), subtract=minus)
    return total


def _rows(terms: int) -> int:
    """Sums of up to three terms that it takes to add up so many."""
    return terms // 2


class _Merging:
    """Makes sums a part of those that read them."""

    def __init__(self, graph: AdderGraph) -> None:
        first = len(graph.spans)
        self.parts: dict[int, list[Term]] = {}
        self.bits: dict[int, int] = {}
        for index, step in enumerate(graph.steps, first):
            self.parts[index] = [
                Term(step.a, step.left_a, False),
                Term(step.b, step.left_b, step.subtract),
            ]
            self.bits[index] = bits_of(step.span)
        self.readers: dict[int, list[int]] = {index: [] for index in self.parts}
        for index, terms in self.parts.items():
            for term in terms:
                if term.index in self.readers:
                    self.readers[term.index].append(index)
        self.written = {output.term for output in graph.outputs}
        for _ in range(_SWEEPS):
            if not self._sweep():
                break

    def _sweep(self) -> bool:
        """Whether any sum was merged."""
        found = [index for index in self.parts if self._saves(index)]
        for index in found:
            if self._saves(index):  # what was merged before it changes that
                self._merge(index)
        return bool(found)

    def _saves(self, index: int) -> bool:
        """Whether LUTs are saved where its readers add up its terms themselves."""
        readers = self.readers[index]
        if index in self.written or not readers or len(set(readers)) < len(readers):
            return False
        if len(readers) == 1:
            return True
        count = len(self.parts[index])
        more = 0
        for reader in readers:
            own = len(self.parts[reader])
            more += (_rows(own + count - 1) - _rows(own)) * self.bits[reader]
        return more < _rows(count) * self.bits[index]

    def _merge(self, index: int) -> None:
        terms, readers = self.parts.pop(index), self.readers.pop(index)
        for reader in readers:
            self.parts[reader] = [
                one
                for term in self.parts[reader]
                for one in (_inside(term, terms) if term.index == index else (term,))
            ]
        for term in terms:
            if term.index in self.readers:
                own = self.readers[term.index]
                own.remove(index)
                own.extend(readers)


def _inside(whole: Term, terms: Sequence[Term]) -> Iterator[Term]:
    for term in terms:
        yield Term(term.index, term.left + whole.left, term.minus != whole.minus)


class _Adding:
    """Adds up the terms of each sum, three by three: first what is there first and is small.

    What every sum is of the inputs gives its exact range.
    """

    def __init__(self, graph: AdderGraph, parts: dict[int, list[Term]]) -> None:
        self.graph, self.parts = graph, parts
        self.lo, self.hi = (np.array(ends, dtype=np.int64) for ends in zip(*graph.spans))
        self.reach = np.maximum(abs(self.lo), abs(self.hi)).astype(object)
        count = len(graph.spans)
        # By the new index of each term: its form, the range and the reach of that, its level.
        self.forms: list[IntArray] = list(np.eye(count, dtype=np.int64))
        self.spans = list(graph.spans)
        self.reaches: list[int] = self.reach.tolist()
        self.levels = [0] * count
        self.sums: list[PartialSum] = []
        # Old index -> (new index, shift, whether it is negated).
        self.found = {index: Term(index, 0, False) for index in range(count)}

    def made(self) -> PartialSums:
        for index, terms in self.parts.items():
            self.found[index] = self._total([self._moved(term) for term in terms])
        outputs = []
        for output in self.graph.outputs:
            if output.term < 0:
                outputs.append(output)
                continue
            term = self._moved(Term(output.term, output.left, output.negative))
            outputs.append(Output(term.index, term.left, term.minus))
        return PartialSums(tuple(self.sums), tuple(outputs))

    def _moved(self, term: Term) -> Term:
        at = self.found[term.index]
        return Term(at.index, term.left + at.left, term.minus != at.minus)

    def _total(self, terms: list[Term]) -> Term:
        waiting = [self._ranked(term) for term in terms]
        heapq.heapify(waiting)
        while len(waiting) > 1:
            # Two first where the number is even, so that all others are sums of three.
            together = [heapq.heappop(waiting)[-1] for _ in range(2 + len(waiting) % 2)]
            heapq.heappush(waiting, self._ranked(self._add(together)))
        return waiting[0][-1]

    def _ranked(self, term: Term) -> tuple[int, int, int, int, bool, Term]:
        lo, hi = self.spans[term.index]
        size = max(-lo, hi) << term.left
        # All of a term comes before it: terms themselves are not compared.
        return self.levels[term.index], size, term.index, term.left, term.minus, term

    def _add(self, terms: list[Term]) -> Term:
        """A new sum; where all are subtracted, that of what they are, which is subtracted."""
        low, minus = min(term.left for term in terms), all(term.minus for term in terms)
        own = sorted(
            (Term(term.index, term.left - low, term.minus != minus) for term in terms),
            key=lambda term: term.minus,
        )
        # The sum of three below this is one of int64, too.
        if any(self.reaches[term.index] << term.left >= WHOLE // 2 for term in own):
            raise OverflowError
        form = np.zeros_like(self.lo)
        for term in own:
            part = self.forms[term.index] << term.left
            form = form - part if term.minus else form + part
        reach = sum(int(reach) * abs(c) for reach, c in zip(self.reach, form.tolist()))
        if reach >= WHOLE:
            raise OverflowError
        self.sums.append(PartialSum(tuple(own), self._range(form)))
        self.forms.append(form)
        self.spans.append(self.sums[-1].span)
        self.reaches.append(reach)
        # As `schedule.levels_of` counts.
        self.levels.append(max(self.levels[term.index] for term in own) + len(own) - 1)
        return Term(len(self.forms) - 1, low, minus)

    def _range(self, form: IntArray) -> Range:
        least, most = (np.where(form > 0, *ends) for ends in
                       ((self.lo, self.hi), (self.hi, self.lo)))  # fmt: skip
        return int((form * least).sum()), int((form * most).sum())
