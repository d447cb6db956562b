"""Puts circuits together: equal nodes are one, what is constant is computed, ranges are exact."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
    Range,
    ReadElement,
    Right,
    TableLookup,
    TernaryAddition,
    reads,
)
from fpgacomp.ir.types import IntType


class Builder:
    """A circuit that grows.

    Args:
        inputs: range of each element of the word that it reads.
    """

    def __init__(self, inputs: Sequence[IntType]) -> None:
        self.inputs = tuple(inputs)
        self.nodes: list[Node] = []
        self.ranges: list[Range] = []
        self.taps: dict[str, tuple[int, ...]] = {}
        self._owners: list[str] = []
        self._owner = ""
        self._known: dict[Node, int] = {}
        self._unknown = 0

    @contextmanager
    def working_for(self, layer: str) -> Iterator[None]:
        """Nodes that are added inside belong to a layer."""
        before, self._owner = self._owner, layer
        try:
            yield
        finally:
            self._owner = before

    def source(self, element: int) -> int:
        """An element of the word that the circuit reads."""
        kind = self.inputs[element]
        return self._add(ReadElement(element), (kind.lo, kind.hi))

    def unknown(self, span: Range) -> int:
        """A wire of which nothing but its range is known: such circuits are there to be counted."""
        self._unknown += 1
        return self._add(ReadElement(-self._unknown), span)

    def constant(self, value: int) -> int:
        """A number."""
        return self._add(Constant(value), (value, value))

    def left(self, a: int, bits: int) -> int:
        """a * 2**bits."""
        if bits == 0:
            return a
        node = self.nodes[a]
        if isinstance(node, Left):
            return self.left(node.a, node.bits + bits)
        lo, hi = self.ranges[a]
        return self._add(Left(a, bits), (lo << bits, hi << bits))

    def right(self, a: int, bits: int) -> int:
        """a / 2**bits, rounded down."""
        if bits == 0:
            return a
        node = self.nodes[a]
        if isinstance(node, Left) and node.bits >= bits:
            return self.left(node.a, node.bits - bits)
        if isinstance(node, Right):
            return self.right(node.a, node.bits + bits)
        lo, hi = self.ranges[a]
        return self._add(Right(a, bits), (lo >> bits, hi >> bits))

    def low(self, a: int, bits: int) -> int:
        """The lowest bits of a."""
        lo, hi = self.ranges[a]
        if lo >= 0 and hi < 1 << bits:
            return a
        whole = (1 << bits) - 1
        span = (lo & whole, hi & whole) if lo >> bits == hi >> bits else (0, whole)
        return self._add(Low(a, bits), span)

    def sum(self, a: int, b: int, *, subtract: bool = False, within: Range | None = None) -> int:
        """a + b, or a - b.

        Args:
            within: a range that the result is known to keep, where it is narrower than what
                follows from those of a and b.
        """
        (alo, ahi), (blo, bhi) = self.ranges[a], self.ranges[b]
        if blo == bhi == 0:
            return a
        if alo == ahi == 0 and not subtract:
            return b
        if not subtract and a > b:
            a, b = b, a
        span = (alo - bhi, ahi - blo) if subtract else (alo + blo, ahi + bhi)
        if within is not None:
            span = (max(span[0], within[0]), min(span[1], within[1]))
        return self._add(Addition(a, b, subtract), span)

    def total(self, terms: Sequence[tuple[int, bool]], within: Range) -> int:
        """The sum of two or three wires, each added or subtracted, but not all subtracted.

        Args:
            terms: (wire, whether it is subtracted).
            within: a range that the result is known to keep, as in `sum`.
        """
        own = [(wire, minus) for wire, minus in terms if not self._is_zero(wire)]
        own.sort(key=lambda term: (term[1], term[0]))
        if len(own) < 3 or own[0][1]:
            # A term that is always 0 is left out.
            first, *rest = own if own and not own[0][1] else [(self.constant(0), False), *own]
            wire = first[0]
            for other, minus in rest[:-1]:
                wire = self.sum(wire, other, subtract=minus)
            return (
                self.sum(wire, rest[-1][0], subtract=rest[-1][1], within=within) if rest else wire
            )
        (a, _), (b, minus_b), (c, minus_c) = own
        ends = [self._end(wire, minus) for wire, minus in own]
        lo, hi = (sum(end) for end in zip(*ends))
        span = (max(lo, within[0]), min(hi, within[1]))
        return self._add(TernaryAddition(a, b, c, minus_b, minus_c), span)

    def _end(self, wire: int, minus: bool) -> Range:
        lo, hi = self.ranges[wire]
        return (-hi, -lo) if minus else (lo, hi)

    def at_least(self, a: int, threshold: int) -> int:
        """1 where a >= threshold."""
        lo, hi = self.ranges[a]
        span = (int(lo >= threshold), int(hi >= threshold))
        return self._add(AtLeast(a, threshold), span)

    def compare(self, a: int, b: int) -> int:
        """1 where a >= b."""
        (alo, ahi), (blo, bhi) = self.ranges[a], self.ranges[b]
        if blo == bhi:
            return self.at_least(a, blo)
        return self._add(Compare(a, b), (int(alo >= bhi), int(ahi >= blo)))

    def choose(self, condition: int, yes: int, no: int) -> int:
        """`yes` where the condition is 1."""
        if yes == no:
            return yes
        certain = self.ranges[condition]
        if certain[0] == certain[1]:
            return yes if certain[0] else no
        (alo, ahi), (blo, bhi) = self.ranges[yes], self.ranges[no]
        return self._add(Choose(condition, yes, no), (min(alo, blo), max(ahi, bhi)))

    def larger(self, a: int, b: int) -> int:
        """The larger of two."""
        (alo, ahi), (blo, bhi) = self.ranges[a], self.ranges[b]
        if alo >= bhi:
            return a
        if blo >= ahi:
            return b
        found = self.choose(self.compare(a, b), a, b)
        self.narrow(found, (max(alo, blo), max(ahi, bhi)))
        return found

    def clip(self, a: int, lo: int, hi: int) -> int:
        """a, kept within lo and hi."""
        least, most = self.ranges[a]
        if lo <= least and most <= hi:
            return a
        span = (min(max(least, lo), hi), max(min(most, hi), lo))
        return self._add(Clip(a, lo, hi), span)

    def count(self, a: int, thresholds: Sequence[int], base: int, step: int) -> int:
        """base + step * (number of thresholds <= a), for ascending thresholds."""
        lo, hi = self.ranges[a]
        always = bisect_right(thresholds, lo)
        met = tuple(thresholds[always : bisect_right(thresholds, hi)])
        base += step * always
        node = self.nodes[a]
        if met and isinstance(node, Addition) and node.subtract and self._is_zero(node.a):
            # -x reaches t where x does not reach 1 - t.
            turned = tuple(1 - each for each in reversed(met))
            return self.count(node.b, turned, base + step * len(met), -step)
        ends = (base, base + step * len(met))
        if not met:
            return self.constant(base)
        return self._add(Count(a, met, base, step), (min(ends), max(ends)))

    def table(self, a: int, values: Sequence[int]) -> int:
        """values[a - lo], where lo is the smallest value of a."""
        return self._add(
            TableLookup(a, self.ranges[a][0], tuple(values)), (min(values), max(values))
        )

    def narrow(self, wire: int, within: Range) -> None:
        """Take in what else is known of a wire's values."""
        lo, hi = self.ranges[wire]
        self.ranges[wire] = (max(lo, within[0]), min(hi, within[1]))

    def finish(self, outputs: Sequence[int]) -> Circuit:
        """The circuit of what the outputs and taps need, which no longer grows."""
        needed = set(outputs)
        for wires in self.taps.values():
            needed.update(wires)
        for wire in range(len(self.nodes) - 1, -1, -1):
            if wire in needed:
                needed.update(reads(self.nodes[wire]))
        kept = sorted(needed)
        place = {old: new for new, old in enumerate(kept)}
        return Circuit(
            self.inputs,
            tuple(_moved(self.nodes[old], place) for old in kept),
            tuple(self.ranges[old] for old in kept),
            tuple(self._owners[old] for old in kept),
            tuple(place[wire] for wire in outputs),
            {name: tuple(place[w] for w in wires) for name, wires in self.taps.items()},
        )

    def _is_zero(self, wire: int) -> bool:
        return self.ranges[wire] == (0, 0)

    def _add(self, node: Node, span: Range) -> int:
        if span[0] == span[1] and not isinstance(node, Constant):
            return self.constant(span[0])
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = len(self.nodes)
            self.nodes.append(node)
            self.ranges.append(span)
            self._owners.append(self._owner)
        else:
            lo, hi = self.ranges[found]
            self.ranges[found] = (max(lo, span[0]), min(hi, span[1]))
        return found


def _moved(node: Node, place: dict[int, int]) -> Node:
    """The node, reading wires at their new places."""
    match node:
        case ReadElement() | Constant():
            return node
        case Left():
            return Left(place[node.a], node.bits)
        case Right():
            return Right(place[node.a], node.bits)
        case Low():
            return Low(place[node.a], node.bits)
        case Addition():
            return Addition(place[node.a], place[node.b], node.subtract)
        case TernaryAddition():
            a, b, c = (place[wire] for wire in reads(node))
            return TernaryAddition(a, b, c, node.minus_b, node.minus_c)
        case AtLeast():
            return AtLeast(place[node.a], node.threshold)
        case Compare():
            return Compare(place[node.a], place[node.b])
        case Choose():
            return Choose(place[node.condition], place[node.yes], place[node.no])
        case Clip():
            return Clip(place[node.a], node.lo, node.hi)
        case Count():
            return Count(place[node.a], node.thresholds, node.base, node.step)
        case TableLookup():
            return TableLookup(place[node.a], node.first, node.values)
