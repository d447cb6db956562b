"""Scores what a network answered: the figures and the confusion of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fpgacomp.data.find_task import decide
from fpgacomp.data.labels import Labels, fit_labels
from fpgacomp.data.tasks import FIND, OutputForm, Task, TaskRequest
from fpgacomp.ir.types import AnyArray, NamedArrays
from fpgacomp.results.distribution import Confusion

TOP1 = "top1"  # what reports have always called the share of right classes


@dataclass(frozen=True)
class AnswerScores:
    """How well a network answered samples whose labels are known.

    Args:
        accuracy: figure by name, `samples` (how many there were) last. Of several outputs each
            figure is called OUTPUT.FIGURE, and `score` is the mean of their first ones.
        task: what was asked, as text: `task` (its kind), `task_found` (in words, and how it was
            found) and `metric` (the name of the figure in `accuracy` that counts most);
            `held_out_of` where the samples are a part of data that the network may have been
            trained on.
        confusion: which classes were taken for which; None where there is not one class for each
            sample.
    """

    accuracy: Mapping[str, float]
    task: Mapping[str, str] = field(default_factory=dict)
    confusion: Confusion | None = None


def score_answers(
    outputs: NamedArrays,
    labels: Labels | None,
    *,
    forms: Sequence[OutputForm] = (),
    request: TaskRequest = FIND,
    inputs: NamedArrays | None = None,
    where: str = "labels",
) -> AnswerScores:
    """Score the answers of a network.

    Args:
        outputs: name -> what the network gives for N samples, [N, ...].
        labels: [N, ...] of the first output, or by output name; None for a reconstruction.
        forms: what the network's outputs look like; those that are missing are told from their
            values.
        request: what the user says of the task.
        inputs: the samples by input name, which a reconstruction is compared with.
        where: what messages call the labels: their file, where they come from one.

    Raises:
        InputDataError: the labels do not go with the outputs.
        UsageError: the user names outputs that the network does not have.
    """
    known = {form.name: form for form in forms}
    own = [
        replace(known[name], shape=array.shape[1:]) if name in known else _form(name, array)
        for name, array in outputs.items()
    ]
    x = next(iter(inputs.values())) if inputs is not None and len(inputs) == 1 else None
    shape = () if x is None else x.shape[1:]
    task = decide(own, labels, request, where=where, input_shape=shape)
    y = fit_labels(task, labels, x, where=where)
    figures = _figures(task, outputs, y)
    return AnswerScores(
        {**figures, "samples": float(len(next(iter(outputs.values()))))},
        {"task": task.kind, "task_found": task.text, "metric": next(iter(figures))},
        _confusion(task, outputs, y),
    )


def _form(name: str, values: AnyArray) -> OutputForm:
    whole = values.dtype.kind in "iu"
    shape = values.shape[1:]
    form = OutputForm(name, shape)
    is_label = whole and (form.size == 1 or len(shape) > 1)
    return OutputForm(name, shape, "scores", is_label)


def _figures(task: Task, outputs: NamedArrays, y: AnyArray) -> dict[str, float]:
    measured = task.measure(outputs, y)
    named = {
        name: {TOP1 if key == "accuracy" else key: value for key, value in found.items()}
        for name, found in measured.items()
    }
    if len(named) == 1:
        return next(iter(named.values()))
    flat = {f"{name}.{key}": value for name, found in named.items() for key, value in found.items()}
    return {"score": task.quality_of(measured), **flat}


def _confusion(task: Task, outputs: NamedArrays, y: AnyArray) -> Confusion | None:
    if len(task.parts) != 1:
        return None
    (part,) = task.parts
    if part.kind not in ("classes", "binary") or part.columns != 1 or not len(y):
        return None
    return Confusion.of(y, part.answers(outputs[part.form.name]))
