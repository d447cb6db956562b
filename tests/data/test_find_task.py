"""The task that outputs and labels speak for, and the labels in the form for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fpgacomp.data.find_task import decide
from fpgacomp.data.labels import fit_labels, load_labels
from fpgacomp.data.tasks import FIND, OutputForm, Task, TaskRequest
from fpgacomp.errors import InputDataError, UsageError

CLASSES = np.array([0, 2, 1, 2, 0, 1])
BITS = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 1]])
NUMBERS = np.linspace(-1, 1, 18).reshape(6, 3)
X = np.linspace(0, 1, 6 * 8).reshape(6, 8).astype(np.float32)


def form(*shape: int, **other: Any) -> OutputForm:
    return OutputForm("y", shape, **other)


def found(output: OutputForm, labels: Any, request: TaskRequest = FIND) -> Task:
    return decide((output,), labels, request, where="labels", input_shape=X.shape[1:])


@pytest.mark.parametrize(
    ("output", "labels", "kind"),
    [
        (form(3), CLASSES, "classes"),
        (form(3), CLASSES.astype(np.float32)[:, None], "classes"),
        (form(3), np.eye(3)[CLASSES], "classes"),
        (form(3, 1, 1), CLASSES, "classes"),
        (form(1, integer=True), CLASSES, "classes"),
        (form(2), CLASSES % 2, "classes"),
        (form(1), CLASSES % 2, "binary"),
        (form(1), CLASSES % 2 * 2 - 1, "binary"),
        (form(1), np.eye(2)[CLASSES % 2], "binary"),
        (form(1, ending="sigmoid"), np.array([True, False] * 3), "binary"),
        (form(1), CLASSES, "regression"),
        (form(1), NUMBERS[:, 0], "regression"),
        (form(3), BITS, "multi-label"),
        (form(3), NUMBERS, "regression"),
        (form(3), 3 * BITS, "regression"),
        (form(8), None, "reconstruction"),
        (form(8), CLASSES, "reconstruction"),
        (form(8, ending="softmax"), CLASSES, "classes"),
        (form(8), np.arange(6), "classes"),
    ],
)
def test_the_kind(output: OutputForm, labels: Any, kind: str) -> None:
    task = found(output, labels)
    assert task.kind == kind and task.parts[0].why
    y = fit_labels(task, labels, X, where="labels")
    assert y.dtype == {"classes": np.int64, "binary": np.int64}.get(kind, np.float32)
    assert len(y) == 6


def test_a_yes_is_told_by_what_the_output_is() -> None:
    values, labels = np.array([[-0.1], [0.2], [0.6], [0.4]]), np.array([0, 1, 1, 1])
    assert found(form(1), labels).quality({"y": values}, labels) == 1.0
    assert found(form(1, ending="sigmoid"), labels).quality({"y": values}, labels) == 0.5


@pytest.mark.parametrize(
    ("labels", "form_", "text"),
    [
        (CLASSES + 1, form(3), "sample 1 is 3, the network has 3 classes.* 0 to 2"),
        (NUMBERS, form(2), "are 3 a sample, the output y has 2 values"),
        (BITS, form(2), "are 3 a sample, the output y has 2 values"),
        (None, form(5), "there are no labels, and the output y has 5 values a sample, the input 8"),
    ],
)
def test_labels_that_do_not_go_with_the_output(labels: Any, form_: OutputForm, text: str) -> None:
    with pytest.raises(InputDataError, match=text):
        fit_labels(found(form_, labels), labels, X, where="labels")


@pytest.mark.parametrize(
    ("kind", "labels", "output", "text"),
    [
        ("binary", CLASSES, form(1), "values 0, 1, 2, and the task is yes or no"),
        ("multi-label", NUMBERS, form(3), "other values than 0 and 1"),
        ("classes", NUMBERS[:, 0], form(3), "sample 0 is -1.0"),
        ("reconstruction", CLASSES, form(3), "the input is the label"),
    ],
)
def test_a_task_that_the_labels_contradict(
    kind: str, labels: Any, output: OutputForm, text: str
) -> None:
    with pytest.raises(InputDataError, match=text):
        fit_labels(found(output, labels, TaskRequest(kind=kind)), labels, X, where="labels")


def test_class_numbers_become_labels_where_the_user_says_so() -> None:
    task = found(form(3), CLASSES, TaskRequest(kind="multi-label"))
    assert np.array_equal(fit_labels(task, CLASSES, X, where="labels"), np.eye(3)[CLASSES])


def test_several_outputs_stand_side_by_side() -> None:
    forms = OutputForm("a", (3,)), OutputForm("unscored", (2,)), OutputForm("b", (1,))
    labels = {"b": NUMBERS[:, 0], "a": CLASSES}
    task = decide(forms, labels, FIND, where="labels")
    assert task.kind == "a=classes,b=regression" and task.metric.key == "mean"
    y = fit_labels(task, labels, X, where="labels")
    np.testing.assert_allclose(y, np.stack([CLASSES, NUMBERS[:, 0]], 1), rtol=1e-6)
    perfect = {"a": np.eye(3)[CLASSES], "unscored": np.zeros((6, 2)), "b": NUMBERS[:, :1]}
    assert task.quality(perfect, y) == pytest.approx(1.0)
    joined = np.concatenate(list(perfect.values()), axis=1)
    assert all(np.array_equal(part, perfect[n]) for n, part in task.split(joined).items())
    first = decide(forms, CLASSES, FIND, where="labels")
    assert first.kind == "classes" and "of a alone, the first of 3 outputs" in first.text
    spoiled = {**perfect, "b": np.full((6, 1), NUMBERS[:, 0].mean())}
    assert task.quality(spoiled, y) == pytest.approx(0.5)


def test_an_empty_archive_holds_no_labels() -> None:
    with pytest.raises(InputDataError, match=r"labels: holds no array.*one for each output: y"):
        found(form(3), {})


@pytest.mark.parametrize(
    ("labels", "kind", "why"),
    [
        ([0, 1, 0], "binary", "labels 0 and 1"),
        ([-1, 1, 1], "binary", "labels -1 and 1"),
        ([1, 1, 1], "binary", "labels that are all 1"),
        ([-1, -1, -1], "binary", "labels that are all -1"),
        ([5, 5, 5], "regression", "labels that are all 5"),
        ([0, 1, 2], "regression", "labels of more than two values"),
    ],
)
def test_what_is_said_of_the_labels_of_one_value_is_true(
    labels: list[int], kind: str, why: str
) -> None:
    (part,) = found(form(1), np.array(labels)).parts
    assert part.kind == kind and part.why == f"one output, and {why}"


@pytest.mark.parametrize("values", [(1, 2), (0, 255), (0, -1), (-2, 2)])
def test_two_other_values_are_a_yes_or_no_or_numbers(values: tuple[int, int]) -> None:
    labels = np.array(values * 3)
    with pytest.raises(InputDataError, match=r"number them 0 and 1.*add --task regression"):
        found(form(1), labels)
    assert found(form(1), labels, TaskRequest(kind="regression")).kind == "regression"


@pytest.mark.parametrize(
    ("kind", "output", "text"),
    [
        ("classes", form(1), "y has one value.*use --task binary for a yes or no, --task regr"),
        ("binary", form(3), "y has 3 values.*use --task classes.*--task multi-label"),
        ("binary", form(1, integer=True), "is a class number. Fix: use --task classes"),
        ("regression", form(1, integer=True), "is a class number. Fix: use --task classes"),
        ("reconstruction", form(8, integer=True), "is a class number. Fix: use --task classes"),
    ],
)
def test_a_task_that_the_output_cannot_tell(kind: str, output: OutputForm, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        found(output, CLASSES % 2, TaskRequest(kind=kind))


def test_one_label_is_one_label() -> None:
    task = found(form(1), CLASSES % 2, TaskRequest(kind="multi-label"))
    assert task.text == "1 label, yes or no (as --task says)"


@pytest.mark.parametrize("labels", [np.full(6, 1e39), np.full((6, 2), -1e300)])
def test_labels_beyond_float32_are_refused(labels: Any) -> None:
    with pytest.raises(InputDataError, match=r"beyond the range of float32.*first for sample 0"):
        load_labels(labels, 6, 6)


@pytest.mark.parametrize(("bad", "word"), [(np.nan, "NaN"), (np.inf, "an infinity")])
def test_outputs_that_are_no_numbers_are_not_scored(bad: float, word: str) -> None:
    task = found(form(1), NUMBERS[:, 0])
    values = np.zeros((6, 1), np.float32)
    values[3] = bad
    with pytest.raises(InputDataError, match=f"output y: holds {word}.*scale the samples"):
        task.quality({"y": values}, NUMBERS[:, :1])


def test_an_infinite_score_is_still_the_highest() -> None:
    scores = np.eye(3, dtype=np.float32)[CLASSES] - np.float32(1)
    scores[scores < 0] = -np.inf
    assert found(form(3), CLASSES).quality({"y": scores}, CLASSES) == 1.0


def test_large_numbers_agree_or_differ_like_small_ones() -> None:
    task = found(form(1), NUMBERS[:, 0])
    one = np.linspace(1e37, 3e38, 6, dtype=np.float32)[:, None]
    assert task.agreement({"y": one}, {"y": one[::-1]}) == 0.0
    assert task.agreement({"y": one}, {"y": one}) == 1.0
