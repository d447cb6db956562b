"""The task that outputs and labels speak for, and the labels in the form for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fpgacomp.data.find_task import decide
from fpgacomp.data.labels import fit_labels
from fpgacomp.data.tasks import FIND, OutputForm, Task, TaskRequest
from fpgacomp.errors import InputDataError

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
