"""Decides what a network is asked to tell: from its outputs and the labels, or as the user says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from fpgacomp.data.tasks import Kind, OutputForm, OutputTask, Task, TaskRequest
from fpgacomp.errors import InputDataError, UsageError
from fpgacomp.ir.types import AnyArray, NamedArrays

CLASS_NUMBERS = 1 << 31  # a label of this or more is no class, however its network is made


def decide(
    forms: Sequence[OutputForm],
    labels: AnyArray | NamedArrays | None,
    request: TaskRequest,
    *,
    where: str,
    input_shape: Sequence[int] = (),
) -> Task:
    """Find the task of a network from its outputs and its labels.

    Args:
        forms: the network's outputs.
        labels: [N, ...] of the first output, or by output name; None where there are none, and
            the network is to give its input back.
        request: what the user says of it.
        where: what messages call the labels.
        input_shape: of one sample, without the batch axis.

    Raises:
        InputDataError: the labels do not go with the outputs.
        UsageError: the user names outputs that the network does not have.
    """
    names = [form.name for form in forms]
    if isinstance(request.kind, Mapping):
        for name in sorted(set(request.kind) - set(names)):
            raise UsageError(
                "task", f"the network has no output {name}.", f"name {', '.join(names)}."
            )
    if not isinstance(labels, Mapping):
        part = _decide_one(forms[0], labels, request, where, input_shape)
        if len(forms) > 1:
            why = f"{part.why}; of {part.form.name} alone, the first of {len(forms)} outputs"
            part = replace(part, why=why)
        return Task(tuple(forms), (part,))
    for name in sorted(set(labels) - set(names)):
        raise InputDataError(
            where, f"holds labels of {name}, which is no output of the network.",
            f"name them after its outputs: {', '.join(names)}.",
        )  # fmt: skip
    parts = [
        _decide_one(form, labels[form.name], request, f"{where}, labels of {form.name}", ())
        for form in forms
        if form.name in labels
    ]
    if not parts:
        raise InputDataError(
            where, "holds no array.", f"give one for each output: {', '.join(names)}."
        )
    return Task(tuple(forms), tuple(parts))


def _decide_one(
    form: OutputForm,
    labels: AnyArray | None,
    request: TaskRequest,
    where: str,
    input_shape: Sequence[int],
) -> OutputTask:
    asked = request.kind_of(form.name)
    if asked is not None:
        _check_asked(form, asked)
    if labels is not None and asked != "reconstruction":
        rows = labels.reshape(len(labels), -1)
        kind, why = (asked, "as --task says") if asked else _find(form, rows, where, input_shape)
        if kind != "reconstruction":
            columns = rows.shape[1] if kind in ("multi-label", "regression") else 1
            if kind == "multi-label" and rows.shape[1] == 1:
                columns = form.size
            if kind == "classes" and form.integer and form.size > 1:
                columns = form.size
            return OutputTask(form, kind, columns, why)
    size = prod(input_shape)
    if form.size != size:
        raise InputDataError(
            where,
            f"{'there are no labels' if labels is None else 'the input is the label'}, and the "
            f"output {form.name} has {form.size} values a sample, the input {size}.",
            "give labels (an array y), or a network whose output is as large as its input.",
        )
    why = "as --task says" if asked else "the output is as large as the input"
    if labels is None and not asked:
        why = "there are no labels"
    return OutputTask(form, "reconstruction", form.size, why)


def _check_asked(form: OutputForm, asked: Kind) -> None:
    """Refuse a kind of task that cannot be told from an output's values.

    Raises:
        UsageError: names the kind that can.
    """
    if form.integer and asked != "classes":
        why, fix = "is a class number", "--task classes"
    elif asked == "classes" and form.size == 1 and not form.integer:
        why = "has one value, and classes need a score for each"
        fix = "--task binary for a yes or no, --task regression for a number"
    elif asked == "binary" and form.size > 1:
        why = f"has {form.size} values, and a yes or no is told by one"
        fix = "--task classes for one class of several, --task multi-label for several yes or no"
    else:
        return
    raise UsageError(f"task {asked}", f"the output {form.name} {why}.", f"use {fix}.")


def _find(
    form: OutputForm, rows: AnyArray, where: str, input_shape: Sequence[int]
) -> tuple[Kind, str]:
    """The kind of task that an output [N, size] and its labels [N, columns] speak for."""
    whole = bool(np.all(rows == np.rint(rows)))
    columns = rows.shape[1]
    if form.integer:
        return "classes", "the output is a class number"
    if not whole:
        return "regression", "the labels are no whole numbers"
    if columns == 1:
        if form.size > 1:
            return _classes_or_input(form, rows, input_shape)
        return _yes_or_number(rows, where)
    if is_one_hot(rows):
        if form.size == 1:
            return "binary", "one output, and one-hot labels"
        return "classes", "one-hot labels"
    if columns == form.size and set(np.unique(rows).tolist()) <= {0, 1}:
        return "multi-label", "a 0 or 1 for each output value"
    return "regression", "several numbers for each sample"


def _yes_or_number(rows: AnyArray, where: str) -> tuple[Kind, str]:
    """Tell yes or no from a number, of one output value and whole labels [N, 1].

    Raises:
        InputDataError: two values that may be both: the classes of someone who numbers them
            otherwise, or numbers of which only two occur.
    """
    values = np.unique(rows)
    shown = " and ".join(f"{value:g}" for value in values[:2].tolist())
    if set(values.tolist()) <= {0, 1} or set(values.tolist()) <= {-1, 1}:
        return "binary", f"one output, and labels {'that are all ' * (len(values) == 1)}{shown}"
    if len(values) == 1:
        return "regression", f"one output, and labels that are all {shown}"
    if len(values) > 2:
        return "regression", "one output, and labels of more than two values"
    raise InputDataError(
        where,
        f"are {shown}, which may be a yes or no, or numbers.",
        "for a yes or no, number them 0 and 1 (or -1 and 1); for numbers, add --task regression.",
    )


def _classes_or_input(
    form: OutputForm, rows: AnyArray, input_shape: Sequence[int]
) -> tuple[Kind, str]:
    """Tell a classifier from an autoencoder whose data happen to have class labels."""
    present = len(np.unique(rows))
    same = tuple(form.shape) == tuple(input_shape)
    if same and 2 * present < form.size and form.ending in ("scores", "sigmoid"):
        return "reconstruction", "the output has the shape of the input"
    return "classes", "one whole number for each sample, and a score for each class"


def are_class_numbers(labels: AnyArray) -> bool:
    """Tell whether labels are whole numbers of a size that classes may have."""
    return bool(np.all((labels == np.rint(labels)) & (np.abs(labels) < CLASS_NUMBERS)))


def is_one_hot(rows: AnyArray) -> bool:
    """Tell whether each row of [N, K] has a single 1 and is 0 elsewhere, with K over 1."""
    if rows.ndim != 2 or rows.shape[1] < 2:
        return False
    return bool(np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all())
