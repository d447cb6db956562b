from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp.compress.evaluate.metrics import accuracy, classes_of, macro_f1, predictions
from fpgacomp.compress.evaluate.options import EvaluateOptions
from fpgacomp.errors import InputDataError, Problems, UsageError

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=60)
@given(PAIRS)
def test_as_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    labels, answers = (np.array(side) for side in zip(*pairs))
    assert accuracy(labels, answers) == metrics.accuracy_score(labels, answers)
    expected = metrics.f1_score(labels, answers, average="macro", zero_division=0)
    assert macro_f1(labels, answers) == pytest.approx(expected, rel=1e-12)


def test_f1_by_hand() -> None:
    # class 0: 1 of 2 named 0, 1 of 1 such label; class 1: never named; class 2: 1 of 1
    labels, answers = np.array([0, 1, 2]), np.array([0, 0, 2])
    assert macro_f1(labels, answers) == pytest.approx((2 / 3 + 0 + 1) / 3)


def test_scores_probabilities_and_indices() -> None:
    assert predictions(np.array([[0.1, 0.9], [3.0, -1]]), 2).tolist() == [1, 0]
    assert predictions(np.array([[0.5], [0.49]]), 2).tolist() == [1, 0]
    assert predictions(np.array([[4], [2]], np.int64), 2).tolist() == [4, 2]
    assert classes_of(np.zeros((2, 1))) == 2
    assert classes_of(np.zeros((2, 10, 1))) == 10
    assert classes_of(np.zeros((2, 1), np.int64)) is None


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        (np.zeros((3, 2)), "are 3 for 2 samples"),
        (np.zeros((2, 2), np.int64), "are 2 whole numbers a sample"),
        (np.array([[0.0, np.nan], [0, 1]]), "hold NaN"),
    ],
)
def test_outputs_that_are_no_answers(outputs: np.ndarray, text: str) -> None:
    with pytest.raises(InputDataError, match=text):
        predictions(outputs, 2)


def test_all_wrong_strengths_at_once() -> None:
    with pytest.raises(Problems) as caught:
        EvaluateOptions(noise=(0.0,), brightness=(2.0,), epsilons=(float("nan"),), seed=-1)
    assert [problem.where for problem in caught.value.problems] == [
        "noise", "epsilons", "brightness", "seed",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="brightness: 0 is no shift"):
        EvaluateOptions(brightness=(0,))
