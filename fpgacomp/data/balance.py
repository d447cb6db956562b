"""How much each class, and each column of numbers, counts in the loss of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fpgacomp.data.tasks import OutputTask, Task, TaskRequest
from fpgacomp.errors import UsageError
from fpgacomp.ir.types import AnyArray, NamedArrays

_WEIGHTED = ("classes", "binary", "multi-label")


def balanced(task: Task, request: TaskRequest, y: AnyArray) -> Task:
    """Return the task with the class weights that the user asks for.

    Args:
        task: what the network is asked to tell.
        request: "balanced", or the weights themselves.
        y: the labels of the training split.

    Raises:
        UsageError: no output has classes, the weights do not say whose they are, or they are not
            one number for each class.
    """
    wanted = request.class_weights
    if wanted is None:
        return task
    weighted = [part.form.name for part in task.parts if part.kind in _WEIGHTED]
    if not weighted:
        raise UsageError(
            "class weights", f"the task is {task.kind}, which has no classes.", "leave them out."
        )
    _check_names(wanted, weighted)
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
            part = replace(part, spread=tuple(v if v > 0 else 1.0 for v in _variances(labels)))
        elif part.kind == "reconstruction":
            value = float(np.mean(_variances(labels)))
            part = replace(part, spread=(value if value > 0 else 1.0,))
        parts.append(part)
    return replace(task, parts=tuple(parts))


def _variances(labels: AnyArray) -> list[float]:
    """Variance of each column of labels [N, columns]; exactly 0 where all of them are equal."""
    equal = (labels == labels[:1]).all(axis=0)  # their mean may differ from them by a rounding
    return [float(v) for v in np.where(equal, 0.0, labels.astype(np.float64).var(axis=0))]


def _check_names(wanted: str | AnyArray | NamedArrays, weighted: Sequence[str]) -> None:
    """Refuse weights of several outputs in one array, and weights of an output without classes."""
    if isinstance(wanted, Mapping):
        strange = sorted(set(wanted) - set(weighted))
        if strange or not wanted:
            raise UsageError(
                "class weights",
                f"hold {', '.join(strange) or 'no array'}, and the outputs with classes are "
                f"{', '.join(weighted)}.",
                f"name the arrays after these outputs: {_savez(weighted)}.",
            )
    elif not isinstance(wanted, str) and len(weighted) > 1:
        raise UsageError(
            "class weights",
            f"are one array for {len(weighted)} outputs with classes: {', '.join(weighted)}.",
            f"give a .npz file with one array for each output: {_savez(weighted)}.",
        )


def _savez(names: Sequence[str]) -> str:
    return f"np.savez(file, {', '.join(f'{name}=...' for name in names)})"


def _balanced(part: OutputTask, labels: AnyArray) -> tuple[float, ...]:
    """Weights that make all classes count the same, as scikit-learn's "balanced" does.

    Of several labels for each sample it is the weight of a yes: how many noes there are for one.
    """
    if part.kind == "multi-label":
        yes = labels.sum(axis=0)
        return tuple(float(v) for v in (len(labels) - yes) / np.maximum(yes, 1))
    flat = labels.reshape(-1).astype(np.int64)  # [N, 1] where there are several outputs
    classes = part.classes or int(flat.max()) + 1
    counts = np.bincount(flat, minlength=classes)
    present = np.count_nonzero(counts)
    weights = np.where(counts > 0, len(flat) / (present * np.maximum(counts, 1)), 0.0)
    return tuple(float(weight) for weight in weights)


def _checked(part: OutputTask, given: AnyArray) -> tuple[float, ...]:
    given = np.asarray(given)
    where = f"class weights of {part.form.name}"
    fix = "give one number for each class, 0 or more, and not all 0."
    if given.dtype.kind not in "iubf":
        raise UsageError(where, f"are of type {given.dtype}.", fix)
    flat = given.reshape(-1).astype(np.float64)
    needed = part.form.size if part.kind == "multi-label" else (part.classes or len(flat))
    if len(flat) != needed:
        raise UsageError(where, f"are {len(flat)} numbers for {needed} classes.", fix)
    # The loss is computed in float32.
    wrong = ~(np.isfinite(flat) & (flat >= 0) & (flat <= np.finfo(np.float32).max))
    if wrong.any() or not flat.any():
        shown = f"{flat[wrong][0]:g}" if wrong.any() else "nothing but 0"
        raise UsageError(where, f"hold {shown}.", fix)
    return tuple(float(weight) for weight in flat)
