"""Two sets of integers compared: how many differ, and the first that does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Mismatch:
    """The first integer that differs.

    Args:
        layer: whose output it is.
        sample: number of the input sample, from 0.
        index: its place in the layer's output, without the batch.
        expected: the integer that should be there.
        got: the integer that is.
    """

    layer: str
    sample: int
    index: tuple[int, ...]
    expected: int
    got: int

    def __str__(self) -> str:
        place = ", ".join(map(str, self.index))
        return (
            f"layer {self.layer}, sample {self.sample}, index [{place}]: "
            f"expected {self.expected}, got {self.got}"
        )


@dataclass(frozen=True)
class Agreement:
    """Two sets of integers, compared by equality.

    Args:
        vectors: samples compared.
        integers: integers compared per sample.
        mismatches: how many integers differ, over all samples.
        first: the first that differs, in the order of the layers; None where none does.
        by_tensor: tensor name -> mismatches, only tensors that have any.
    """

    vectors: int
    integers: int
    mismatches: int
    first: Mismatch | None
    by_tensor: Mapping[str, int]

    def joined(self, later: Agreement) -> Agreement:
        """The comparison of these samples and of later ones, which were counted from 0."""
        first = self.first
        if first is None and later.first is not None:
            first = replace(later.first, sample=later.first.sample + self.vectors)
        counts = Counter(self.by_tensor) + Counter(later.by_tensor)
        return Agreement(
            self.vectors + later.vectors, later.integers, self.mismatches + later.mismatches,
            first, dict(counts),
        )  # fmt: skip
