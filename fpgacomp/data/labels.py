"""Reads the labels of samples, and brings them into the form that a task keeps them in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

import numpy as np

from fpgacomp.data.find_task import CLASS_NUMBERS, is_one_hot
from fpgacomp.data.numpy_files import read_arrays
from fpgacomp.data.tasks import OutputTask, Task
from fpgacomp.errors import InputDataError
from fpgacomp.ir.types import AnyArray, NamedArrays

Labels = AnyArray | NamedArrays
"""Labels [N, ...] of a network's first output, or by output name."""


def load_labels(labels: str | Path | Labels, count: int, taken: int) -> Labels:
    """Return the labels of the first `taken` of `count` samples, as they are in the file.

    Args:
        labels: a .npy file, a .npz file with one array for each output under the output's name,
            or such arrays.
        count: number of samples that the labels belong to.
        taken: number of samples that are used.

    Raises:
        InputDataError: no such file, not numbers or not finite, or not one label for each sample:
            then nobody can tell which sample a label belongs to.
    """
    where = "labels"
    if isinstance(labels, str | Path):
        where = str(labels)
        labels = read_arrays(Path(labels), wanted="a .npy or .npz file of labels")
    if isinstance(labels, Mapping):
        return {
            name: _first(array, count, taken, f"{where}, array {name}")
            for name, array in labels.items()
        }
    return _first(labels, count, taken, where)


def _first(labels: AnyArray, count: int, taken: int, where: str) -> AnyArray:
    check_numbers(labels, where)
    if len(labels) != count:
        raise InputDataError(
            where,
            f"has {len(labels)} labels for {count} samples.",
            "give one label per sample of --inputs, in the same order.",
        )
    return labels[:taken]


def check_numbers(labels: AnyArray, where: str) -> None:
    """Refuse labels that are no finite numbers in float32, in which numbers are scored.

    Raises:
        InputDataError: names the type, or the first sample whose label is not finite.
    """
    if labels.dtype.kind not in "iubf" or labels.ndim < 1:
        raise InputDataError(
            where,
            f"holds {labels.dtype} values of shape {labels.shape}.",
            "give numbers: class indices [N], one-hot rows [N, K], or values [N, K].",
        )
    wrong = np.argwhere(~np.isfinite(labels))
    if len(wrong):
        raise InputDataError(
            where,
            f"holds NaN or an infinity, the first for sample {int(wrong[0][0])}.",
            "remove these samples, or give them a label.",
        )
    with np.errstate(over="ignore"):
        beyond = np.argwhere(~np.isfinite(labels.astype(np.float32)))
    if len(beyond):
        raise InputDataError(
            where,
            f"holds numbers beyond the range of float32 (3.4e38), the first for sample "
            f"{int(beyond[0][0])}.",
            "scale the labels down first.",
        )


def fit_labels(task: Task, labels: Labels | None, x: AnyArray | None, *, where: str) -> AnyArray:
    """Return labels in the form in which a task scores them.

    Args:
        task: what the network is asked to tell.
        labels: [N, ...], or by output name; None where there are none.
        x: the inputs [N, ...], which are what a reconstruction is compared with.
        where: what messages call the labels.

    Returns:
        Of one output: class numbers or 0 and 1, int64 [N] (int64 [N, positions] where the output
        has a class for each position); 0 and 1, float32 [N, labels], for multi-label; float32
        [N, values] for numbers. Of several outputs: all of these side by side, float64
        [N, columns].

    Raises:
        InputDataError: the labels do not go with the task.
    """
    if len(task.parts) == 1:
        (part,) = task.parts
        return _fit(part, labels[part.form.name] if isinstance(labels, Mapping) else labels, x,
                    where)  # fmt: skip
    assert isinstance(labels, Mapping)
    columns = []
    for part in task.parts:
        name = part.form.name
        fitted = _fit(part, labels[name], x, f"{where}, labels of {name}")
        columns.append(fitted.reshape(len(fitted), -1).astype(np.float64))
    return np.concatenate(columns, axis=1)


def _fit(part: OutputTask, labels: AnyArray | None, x: AnyArray | None, where: str) -> AnyArray:
    if part.kind == "reconstruction":
        if x is None:
            raise InputDataError(where, "the inputs are not known.", "give one input.")
        return np.asarray(x.reshape(len(x), -1), np.float32)
    if labels is None:
        raise InputDataError(
            where, f"there are no labels for the task {part.kind}.", "add an array y."
        )
    rows = labels.reshape(len(labels), -1)
    match part.kind:
        case "classes":
            return _classes(part, rows, where)
        case "binary":
            return _binary(rows, where)
        case "multi-label":
            return _several(part, rows, where)
        case "regression":
            _check_width(part, rows, where)
            return np.asarray(rows, np.float32)
        case _:
            assert_never(part.kind)


def _classes(part: OutputTask, rows: AnyArray, where: str) -> AnyArray:
    """Class numbers from class numbers, from one-hot rows, or from a score for each class."""
    form = part.form
    if form.integer and form.size > 1:
        if rows.shape[1] != form.size:
            raise InputDataError(
                where, f"are {rows.shape[1]} a sample, the network gives {form.size}.",
                "give a label per position, [N, positions].",
            )  # fmt: skip
        check_classes(rows.reshape(-1), None, where)
        return np.asarray(rows, np.int64)
    if rows.shape[1] == 1:
        wanted = rows[:, 0]
    elif rows.shape[1] == form.size or is_one_hot(rows):
        wanted = rows.argmax(axis=1)
    else:
        raise InputDataError(
            where, f"are {rows.shape[1]} a sample, and no one-hot rows.",
            "give class indices [N], one-hot rows [N, K], or another --task.",
        )  # fmt: skip
    check_classes(wanted, part.classes, where)
    return np.asarray(wanted, np.int64)


def _binary(rows: AnyArray, where: str) -> AnyArray:
    if rows.shape[1] == 2 and is_one_hot(rows):
        return np.asarray(rows.argmax(axis=1), np.int64)
    values = sorted(set(np.unique(rows).tolist()))
    if rows.shape[1] != 1 or not (set(values) <= {0, 1} or set(values) <= {-1, 1}):
        shown = ", ".join(f"{value:g}" for value in values[:4])
        raise InputDataError(
            where, f"are {rows.shape[1]} a sample with the values {shown}"
            f"{' and more' if len(values) > 4 else ''}, and the task is yes or no.",
            "give 0 and 1 (or -1 and 1), one a sample, or another --task.",
        )  # fmt: skip
    return np.asarray(rows[:, 0] > 0, np.int64)


def _several(part: OutputTask, rows: AnyArray, where: str) -> AnyArray:
    if rows.shape[1] == 1 and part.form.size > 1:  # class numbers: one yes for each sample
        check_classes(rows[:, 0], part.form.size, where)
        return np.eye(part.form.size, dtype=np.float32)[rows[:, 0].astype(np.int64)]
    _check_width(part, rows, where)
    if not np.isin(rows, (0, 1)).all():
        raise InputDataError(
            where, "holds other values than 0 and 1, and the task is multi-label.",
            "give 0 or 1 for each label, or --task regression.",
        )  # fmt: skip
    return np.asarray(rows, np.float32)


def _check_width(part: OutputTask, rows: AnyArray, where: str) -> None:
    if rows.shape[1] != part.form.size:
        raise InputDataError(
            where,
            f"are {rows.shape[1]} a sample, the output {part.form.name} has {part.form.size} "
            f"values (task {part.kind}).",
            "give a label for each value, or another --task.",
        )


def check_classes(labels: AnyArray, classes: int | None, where: str = "labels") -> None:
    """Refuse labels that are no class of a network.

    Args:
        labels: one for each sample, [N].
        classes: how many the network tells apart; its classes are 0 to classes - 1. None where
            that is not known: then every whole number from 0 that fits 31 bits may be one.
        where: what the message calls the labels.

    Raises:
        InputDataError: names the first label that is no class.
    """
    beyond = labels >= (CLASS_NUMBERS if classes is None else classes)
    wrong = np.argwhere((labels != np.rint(labels)) | (labels < 0) | beyond)
    if len(wrong):
        sample = int(wrong[0][0])
        if classes is None:
            raise InputDataError(
                where, f"the label of sample {sample} is {labels[sample]}, which is no class.",
                "number the classes 0, 1, 2 and so on.",
            )  # fmt: skip
        raise InputDataError(
            where,
            f"the label of sample {sample} is {labels[sample]}, the network has {classes} classes.",
            f"number the classes 0 to {classes - 1}, or name another --task.",
        )
