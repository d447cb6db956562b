"""Distributions that a report draws: histograms of integers, and the confusion of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fpgacomp.ir.types import AnyArray, IntArray

MOST_BINS = 32
# A larger matrix is neither read nor drawn; its accuracy is still in the report.
MOST_CLASSES = 32


@dataclass(frozen=True)
class Histogram:
    """How often integers occur, in bins of equal width.

    Args:
        low: smallest integer of the first bin.
        step: how many integers one bin covers.
        counts: occurrences by bin.
        zeros: occurrences of 0.
    """

    low: int
    step: int
    counts: tuple[int, ...]
    zeros: int

    @classmethod
    def of(cls, integers: IntArray) -> Histogram:
        """Count one or more integers, of any shape, in at most MOST_BINS bins."""
        flat = integers.reshape(-1)
        low, high = int(flat.min()), int(flat.max())
        step = -(-(high - low + 1) // MOST_BINS)
        bins = -(-(high - low + 1) // step)
        counts = np.bincount((flat - low) // step, minlength=bins)
        return cls(low, step, tuple(counts.tolist()), int((flat == 0).sum()))

    @property
    def total(self) -> int:
        """How many integers were counted."""
        return sum(self.counts)

    @property
    def high(self) -> int:
        """Largest integer of the last bin."""
        return self.low + self.step * len(self.counts) - 1


@dataclass(frozen=True)
class Confusion:
    """How often samples of each class were taken for each class.

    Args:
        counts: a row for each true class, a column for each class that was answered.
    """

    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, truth: AnyArray, answered: AnyArray) -> Confusion | None:
        """Count pairs of classes, integers [N] each; None where they are no small class numbers."""
        lowest = min(int(truth.min()), int(answered.min()))
        classes = max(int(truth.max()), int(answered.max())) + 1
        if lowest < 0 or not 2 <= classes <= MOST_CLASSES:
            return None
        counts = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(counts, (truth, answered), 1)
        return cls(tuple(tuple(row) for row in counts.tolist()))
