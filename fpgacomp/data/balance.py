"""How much each class, and each column of numbers, counts in the loss of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fpgacomp.data.tasks import OutputTask, Task, TaskRequest
from fpgacomp.errors import UsageError
from fpgacomp.ir.types import AnyArray

_WEIGHTED = ("classes", "binary", "multi-label")


def balanced(task: Task, request: TaskRequest, y: AnyArray) -> Task:
    """Return the task with the class weights that the user asks for.

    Args:
        task: what the network is asked to tell.
        request: "balanced", or the weights themselves.
        y: the labels of the training split.

    Raises:
        UsageError: no output has classes, or a number of weights is not that of the classes.
    """
    wanted = request.class_weights
    if wanted is None:
        return task
    if not any(part.kind in _WEIGHTED for part in task.parts):
        raise UsageError(
            "class weights", f"the task is {task.kind}, which has no classes.", "leave them out."
        )
    parts = []
    for part in task.parts:
        given = wanted.get(part.form.name) if isinstance(wanted, Mapping) else wanted
        if given is None or part.kind not in _WEIGHTED:
            parts.append(part)
        elif isinstance(given, str):
            weights = _balanced(part, task.labels_of(part, y))
            parts.append(replace(part, class_weights=weights))
        else:
            parts.append(replace(part, class_weights=_checked(part, given)))
    return replace(task, parts=tuple(parts))


def with_spread(task: Task, y: AnyArray) -> Task:
    """Return the task with the variances by which squared errors are divided in the loss.

    The columns of a regression then count the same, whatever their units. A reconstruction has
    one variance for all values, since some of them, as a picture's corners, hardly vary.

    Args:
        task: what the network is asked to tell.
        y: the labels of the training split.
    """
    parts = []
    for part in task.parts:
        labels = task.labels_of(part, y)
        if part.kind == "regression":
            columns = labels.astype(np.float64).var(axis=0)
            spread = tuple(float(value) if value > 0 else 1.0 for value in columns)
            part = replace(part, spread=spread)
        elif part.kind == "reconstruction":
            value = float(labels.astype(np.float64).var(axis=0).mean())
            part = replace(part, spread=(value if value > 0 else 1.0,))
        parts.append(part)
    return replace(task, parts=tuple(parts))


def _balanced(part: OutputTask, labels: AnyArray) -> tuple[float, ...]:
    """Weights that make all classes count the same, as scikit-learn's "balanced" does.

    Of several labels for each sample it is the weight of a yes: how many noes there are for one.
    """
    if part.kind == "multi-label":
        yes = labels.sum(axis=0)
        return tuple(float(v) for v in (len(labels) - yes) / np.maximum(yes, 1))
    classes = part.classes or int(labels.max()) + 1
    counts = np.bincount(labels.astype(np.int64), minlength=classes)
    present = np.count_nonzero(counts)
    weights = np.where(counts > 0, len(labels) / (present * np.maximum(counts, 1)), 0.0)
    return tuple(float(weight) for weight in weights)


def _checked(part: OutputTask, given: AnyArray) -> tuple[float, ...]:
    needed = part.form.size if part.kind == "multi-label" else (part.classes or len(given))
    flat = np.asarray(given, np.float64).reshape(-1)
    if len(flat) != needed or not np.isfinite(flat).all() or (flat < 0).any() or not flat.any():
        raise UsageError(
            "class weights",
            f"are {len(flat)} numbers for the {needed} classes of {part.form.name}.",
            "give one number for each class, 0 or more.",
        )
    return tuple(float(weight) for weight in flat)
