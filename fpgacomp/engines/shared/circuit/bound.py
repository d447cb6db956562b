"""What a constant matrix takes at least as shared additions, known before they are searched.

No lower bound of circuits is both proved and of use, so that this one is measured: every row and
every column counts once, however often it occurs, shifted or negated, and what is left by how many
bits the sums have fewer than the terms that they add up.

Columns that are sums of a few others are not seen: matrices of low rank, or of running sums, may
take less, down to a fifth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from fpgacomp.engines.shared.circuit.nodes import Range, bits_of
from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.ir.types import IntArray, Ints

# Of that count sums of two took at least 0.54 times and sums of three 0.35 times, over 340 random
# matrices of 1 to 8 bits, up to 180 rows and 32 columns.
_OF_TWO, _OF_THREE = 0.45, 0.3


def least_luts(weight: IntArray, ranges: Sequence[Range], *, ternary: bool) -> float:
    """LUTs below which the shared additions of x @ weight do not get.

    Args:
        weight: [n_in, n_out].
        ranges: of each input.
        ternary: whether one row of LUTs adds three numbers.
    """
    return (_OF_THREE if ternary else _OF_TWO) * _counted(Ints(weight), tuple(ranges))


@lru_cache(maxsize=256)
def _counted(weight: Ints, ranges: tuple[Range, ...]) -> float:
    columns = list(_distinct(weight.array.T))
    if not columns:
        return 0.0
    matrix = np.array(columns, dtype=np.int64).T
    lo, hi = (np.array(ends, dtype=np.int64) for ends in zip(*ranges))
    least = np.where(matrix > 0, lo[:, None], hi[:, None])
    most = lo[:, None] + hi[:, None] - least
    ends = zip((matrix * least).sum(axis=0).tolist(), (matrix * most).sum(axis=0).tolist())
    sums = np.array([bits_of(span) for span in ends])
    narrowest = min(bits_of(span) for span in ranges)
    alike = _distinct(matrix)
    rows, count = np.array(list(alike), dtype=np.int64), np.array(list(alike.values()))
    merged = int((count - 1).sum()) * narrowest
    terms = (signed_digits(rows) * (narrowest + 1 + _log2(count))[:, None]).sum(axis=0)
    if len(np.unique(np.abs(rows))) == 1:
        # A sum in which every input is added or subtracted is twice what is added less all of it.
        terms = terms // 2
    # A sum of n terms has n - 1 additions.
    return float(merged + np.maximum(terms - 1 - sums, 0).sum())


def _distinct(vectors: IntArray) -> Counter[tuple[int, ...]]:
    """Vectors that are no shifted or negated copy of another, and how often each occurs."""
    found: Counter[tuple[int, ...]] = Counter()
    for vector in vectors:
        at = np.flatnonzero(vector)
        if len(at):
            every = int(np.bitwise_or.reduce(vector))
            unit = (every & -every) * (1 if vector[at[0]] > 0 else -1)
            found[tuple((vector // unit).tolist())] += 1
    return found


def _log2(count: IntArray) -> IntArray:
    """Bits that a sum of so many has more than what it adds up."""
    bits: IntArray = np.array([(each - 1).bit_length() for each in count.tolist()])
    return bits
