"""Histograms and confusion count every value once, and say where there is nothing to count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fpgacomp.results.distribution import MOST_BINS, MOST_CLASSES, Confusion, Histogram


@pytest.mark.slow
@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=50))
def test_every_integer_is_in_one_bin(integers: list[int]) -> None:
    array = np.array(integers, dtype=np.int64)
    found = Histogram.of(array)
    assert found.total == len(integers) and len(found.counts) <= MOST_BINS
    assert found.low == min(integers) and found.high >= max(integers)
    assert found.counts[0] > 0 and found.counts[-1] > 0
    assert found.zeros == integers.count(0)


def test_few_integers_have_a_bin_each() -> None:
    found = Histogram.of(np.array([[-1, 0], [0, 2]]))
    assert found == Histogram(low=-1, step=1, counts=(1, 2, 0, 1), zeros=2)


def test_rows_are_the_truth() -> None:
    found = Confusion.of(np.array([0, 0, 2]), np.array([0, 1, 2]))
    assert found == Confusion(((1, 1, 0), (0, 0, 0), (0, 0, 1)))


def test_what_is_no_class_has_no_confusion() -> None:
    assert Confusion.of(np.array([-1, 1]), np.array([0, 1])) is None
    assert Confusion.of(np.array([0, 0]), np.array([0, 0])) is None
    assert Confusion.of(np.array([0, MOST_CLASSES]), np.array([0, 1])) is None
