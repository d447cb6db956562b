"""Every figure is scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp.data.metrics import (
    METRICS,
    accuracy,
    binary_f1,
    distances,
    macro_f1,
    multi_label_scores,
)

theirs = pytest.importorskip("sklearn.metrics")
PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60)
BITS = st.lists(st.lists(st.integers(0, 1), min_size=6, max_size=6), min_size=1, max_size=30)
NUMBERS = st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), min_size=2, max_size=20)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(PAIRS)
def test_classes(pairs: list[tuple[int, int]]) -> None:
    labels, answers = (np.array(side) for side in zip(*pairs))
    assert accuracy(labels, answers) == theirs.accuracy_score(labels, answers)
    expected = theirs.f1_score(labels, answers, average="macro", zero_division=0)
    assert macro_f1(labels, answers) == pytest.approx(expected, rel=1e-12)


def test_f1_by_hand() -> None:
    # class 0: 1 of 2 named 0, 1 of 1 such label; class 1: never named; class 2: 1 of 1
    labels, answers = np.array([0, 1, 2]), np.array([0, 0, 2])
    assert macro_f1(labels, answers) == pytest.approx((2 / 3 + 0 + 1) / 3)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(BITS)
def test_yes_and_no(rows: list[list[int]]) -> None:
    labels, answers = np.array(rows)[:, :3], np.array(rows)[:, 3:]
    one = binary_f1(labels[:, 0], answers[:, 0])
    assert one == theirs.f1_score(labels[:, 0], answers[:, 0], zero_division=0)
    found = multi_label_scores(labels, answers)
    for key, average in (("micro_f1", "micro"), ("macro_f1", "macro")):
        expected = theirs.f1_score(labels, answers, average=average, zero_division=0)
        assert found[key] == pytest.approx(expected, rel=1e-12)
    assert found["exact_match"] == theirs.accuracy_score(labels, answers)
    assert found["label_accuracy"] == pytest.approx(1 - theirs.hamming_loss(labels, answers))


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(NUMBERS)
def test_numbers(rows: list[list[int]]) -> None:
    labels, answers = np.array(rows)[:, :2], np.array(rows)[:, 2:]
    found = distances(labels, answers)
    assert found["r2"] == pytest.approx(theirs.r2_score(labels, answers))
    assert found["mae"] == pytest.approx(theirs.mean_absolute_error(labels, answers))
    assert found["mse"] == pytest.approx(theirs.mean_squared_error(labels, answers))


def test_texts() -> None:
    assert METRICS["accuracy"].text(0.98765) == "98.77 %"
    assert METRICS["mae"].text(123.456) == "123.5" and not METRICS["mae"].higher_is_better


@pytest.mark.parametrize("count", [3, 10, 31, 100])
@pytest.mark.parametrize("value", [0.1, 0.2, 0.3, 0.7])
def test_equal_labels_explain_nothing_though_their_mean_is_rounded(
    count: int, value: float
) -> None:
    labels = np.full((count, 1), value)
    assert distances(labels, labels + 1)["r2"] == 0.0
    assert distances(labels, labels)["r2"] == 1.0
