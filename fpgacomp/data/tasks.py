"""What a network is asked to tell of a sample, and how its answers are scored by labels.

Whatever scores, trains or reports a network asks a `Task`; `fpgacomp.data.find_task` finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, assert_never, get_args

import numpy as np

from fpgacomp.data import metrics
from fpgacomp.data.metrics import METRICS, Metric
from fpgacomp.errors import InputDataError, UsageError
from fpgacomp.ir.types import AnyArray, NamedArrays

Kind = Literal["classes", "binary", "multi-label", "regression", "reconstruction"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Ending = Literal["scores", "softmax", "log-softmax", "sigmoid"]

_WORDS: Mapping[Kind, str] = {
    "classes": "one class of {count}",
    "binary": "yes or no, from one {ending}",
    "multi-label": "{count} labels, each yes or no",
    "regression": "regression of {count}",
    "reconstruction": "reconstruction of the input, {count}",
}
# The figure that decides which network or epoch is better; 1 is perfect and higher is better.
_QUALITY: Mapping[Kind, str] = {
    "classes": "accuracy",
    "binary": "accuracy",
    "multi-label": "micro_f1",
    "regression": "r2",
    "reconstruction": "r2",
}


@dataclass(frozen=True)
class OutputForm:
    """What an output of a network looks like.

    Args:
        name: of the output.
        shape: of one sample, without the batch axis.
        ending: what its values are: scores of any size, probabilities of classes (softmax), their
            logarithms (log-softmax), or probabilities of yes (sigmoid).
        integer: whether its values are class numbers, as an ArgMax computes them.
    """

    name: str
    shape: tuple[int, ...]
    ending: Ending = "scores"
    integer: bool = False

    @property
    def size(self) -> int:
        """Number of values for one sample."""
        return prod(self.shape)


@dataclass(frozen=True)
class OutputTask:
    """What one output is asked to tell, and how it is scored.

    Args:
        form: the output.
        kind: the kind of task.
        columns: number of labels for one sample, as they are kept: 1 for classes (one for each
            position where the output has a class for each) and for binary.
        why: how the kind was found, as half a sentence.
        class_weights: weight of each class in the loss (of each label's yes for multi-label);
            empty where all count the same.
        spread: variance of the labels of each column in the training split, or one for all, by
            which a squared error is divided in the loss; empty for other kinds.
    """

    form: OutputForm
    kind: Kind
    columns: int
    why: str
    class_weights: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    @property
    def metric(self) -> Metric:
        """The figure by which networks and epochs are compared; 1 is perfect."""
        return METRICS[_QUALITY[self.kind]]

    @property
    def classes(self) -> int | None:
        """How many classes the labels may have; None where they are none, or not known."""
        match self.kind:
            case "classes":
                return None if self.form.integer else self.form.size
            case "binary":
                return 2
            case "multi-label" | "regression" | "reconstruction":
                return None
            case _:
                assert_never(self.kind)

    @property
    def text(self) -> str:
        """The task in words, with how it was found."""
        count = f"{self.form.size} values" if self.form.size > 1 else "1 value"
        if self.kind in ("classes", "multi-label"):
            count = "a class number" if self.form.integer else str(self.form.size)
        words = _WORDS[self.kind]
        if self.form.integer:
            words = "a class number"
        elif self.kind == "multi-label" and self.form.size == 1:
            words = "1 label, yes or no"
        ending = "probability" if self.form.ending == "sigmoid" else "logit"
        return f"{words.format(count=count, ending=ending)} ({self.why})"

    def answers(self, outputs: AnyArray) -> AnyArray:
        """What the output says in the form of the labels.

        Args:
            outputs: [N, ...], what the network computed.

        Returns:
            Class numbers int64 [N] (or [N, positions]); 0 or 1, int64 [N], or [N, labels] for
            multi-label; numbers [N, columns] otherwise. A yes is a probability of 0.5 or more, or
            a score of 0 or more.

        Raises:
            InputDataError: the outputs hold NaN, or an infinity where they are numbers.
        """
        rows = outputs.reshape(len(outputs), -1)
        self._check_finite(rows)
        match self.kind:
            case "classes":
                if not self.form.integer:
                    return np.asarray(rows.argmax(axis=1), np.int64)
                return np.asarray(rows[:, 0] if self.columns == 1 else rows, np.int64)
            case "binary" | "multi-label":
                yes = np.asarray(rows >= (0.5 if self.form.ending == "sigmoid" else 0.0), np.int64)
                return yes[:, 0] if self.kind == "binary" else yes
            case "regression" | "reconstruction":
                return rows
            case _:
                assert_never(self.kind)

    def _check_finite(self, rows: AnyArray) -> None:
        """Refuse values that cannot be compared: a score may be infinite, a number may not."""
        if rows.dtype.kind != "f":
            return
        is_number = self.kind in ("regression", "reconstruction")
        if np.isnan(rows).any():
            what = "NaN"
        elif is_number and np.isinf(rows).any():
            what = "an infinity"
        else:
            return
        raise InputDataError(
            f"output {self.form.name}", f"holds {what}.",
            "check the network's weights, and scale the samples to about -1..1.",
        )  # fmt: skip

    def measure(self, outputs: AnyArray, labels: AnyArray) -> dict[str, float]:
        """Score an output.

        Args:
            outputs: [N, ...], what the network computed.
            labels: as `labels_of` returns them.

        Returns:
            Figures by the keys of `METRICS`, the most telling one first.
        """
        given = self.answers(outputs)
        labels = labels.reshape(given.shape)
        match self.kind:
            case "classes":
                return {
                    "accuracy": metrics.accuracy(labels, given),
                    "macro_f1": metrics.macro_f1(labels, given),
                }
            case "binary":
                return {
                    "accuracy": metrics.accuracy(labels, given),
                    "f1": metrics.binary_f1(labels, given),
                }
            case "multi-label":
                return metrics.multi_label_scores(labels, given)
            case "regression":
                return metrics.distances(labels, given)
            case "reconstruction":
                found = metrics.distances(labels, given)
                return {key: found[key] for key in ("mse", "mae", "r2")}
            case _:
                assert_never(self.kind)

    def agreement(self, ours: AnyArray, theirs: AnyArray) -> float:
        """Share of the samples, 0..1, of which two networks say the same.

        Numbers count as the same where they differ by a hundredth of their spread at most.
        """
        one, other = self.answers(ours), self.answers(theirs)
        if one.dtype.kind == "i":
            same = one == other
        else:
            one, other = one.astype(np.float64), other.astype(np.float64)
            same = np.abs(one - other) <= 0.01 * max(float(np.std(other)), 1e-30)
        return float(same.reshape(len(same), -1).all(axis=1).mean())


@dataclass(frozen=True)
class Task:
    """What a network is asked to tell of a sample, over all of its outputs.

    Args:
        forms: all outputs of the network, in its order.
        parts: the outputs that are scored, in the same order.
    """

    forms: tuple[OutputForm, ...]
    parts: tuple[OutputTask, ...]

    @property
    def metric(self) -> Metric:
        """The figure that `quality` computes."""
        kinds = {part.metric.key for part in self.parts}
        return METRICS[kinds.pop() if len(kinds) == 1 else "mean"]

    @property
    def kind(self) -> str:
        """The kind of task; of several outputs, "output=kind" joined by commas."""
        if len(self.parts) == 1:
            return self.parts[0].kind
        return ",".join(f"{part.form.name}={part.kind}" for part in self.parts)

    @property
    def text(self) -> str:
        """The task in words, with how it was found."""
        if len(self.parts) == 1:
            return self.parts[0].text
        return "; ".join(f"{part.form.name}: {part.text}" for part in self.parts)

    @property
    def classes(self) -> int | None:
        """Number of classes where there is one output that tells classes; None otherwise."""
        return self.parts[0].classes if len(self.parts) == 1 else None

    def with_forms(self, forms: Sequence[OutputForm]) -> Task:
        """The same task for another network, whose outputs may be called and end otherwise.

        Args:
            forms: its outputs. One that is not called like an output of the task is the one at
                the same place.

        Raises:
            InputDataError: it has no such output, or one of another size.
        """
        named = {form.name: form for form in forms}
        parts = []
        for part in self.parts:
            place = self.forms.index(part.form)
            form = named.get(part.form.name, forms[place] if place < len(forms) else None)
            if form is None or (
                form.size != part.form.size and not (form.integer or part.form.integer)
            ):
                found = "none" if form is None else f"one of {form.size}"
                raise InputDataError(
                    "the network",
                    f"has {found} for the output {part.form.name} of {part.form.size} values.",
                    "give networks with the same outputs.",
                )
            parts.append(replace(part, form=form))
        return Task(tuple(forms), tuple(parts))

    def split(self, joined: AnyArray) -> dict[str, AnyArray]:
        """Take the values of all outputs, [N, sum of sizes], apart into [N, size] by output."""
        found, start = {}, 0
        for form in self.forms:
            found[form.name] = joined[:, start : start + form.size]
            start += form.size
        return found

    def columns(self, part: OutputTask) -> slice:
        """Which columns of the labels, [N, columns], belong to an output."""
        start = sum(p.columns for p in self.parts[: self.parts.index(part)])
        return slice(start, start + part.columns)

    def labels_of(self, part: OutputTask, y: AnyArray) -> AnyArray:
        """The labels of one output: y itself where there is one output, or its columns."""
        return y if len(self.parts) == 1 else y[:, self.columns(part)]

    def measure(self, outputs: NamedArrays, y: AnyArray) -> dict[str, dict[str, float]]:
        """Score each output: output name -> figures by the keys of `METRICS`."""
        return {
            part.form.name: part.measure(outputs[part.form.name], self.labels_of(part, y))
            for part in self.parts
        }

    def quality_of(self, measured: Mapping[str, Mapping[str, float]]) -> float:
        """The one figure that networks are compared by: `metric`, the mean over the outputs."""
        found = zip(self.parts, measured.values(), strict=True)
        return float(np.mean([figures[part.metric.key] for part, figures in found]))

    def renamed(self, measured: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        """Scores of a network whose outputs are called otherwise, under this task's names."""
        names = [part.form.name for part in self.parts]
        return dict(zip(names, measured.values(), strict=True))

    def quality(self, outputs: NamedArrays, y: AnyArray) -> float:
        """Score outputs by one figure, `metric`: higher is better and 1 is perfect.

        Args:
            outputs: output name -> [N, ...].
            y: labels as `fpgacomp.data.labelled.Samples` keeps them.
        """
        return self.quality_of(self.measure(outputs, y))

    def agreement(self, ours: NamedArrays, theirs: NamedArrays) -> float:
        """Share of samples, 0..1, of which two networks say the same; the least of all outputs."""
        names = [part.form.name for part in self.parts]
        return min(p.agreement(ours[n], theirs[n]) for n, p in zip(names, self.parts))


@dataclass(frozen=True, kw_only=True)
class TaskRequest:
    """What a user says of the task.

    Args:
        kind: the kind of task, for all outputs or by output name; None finds it.
        class_weights: "balanced" weights classes by the inverse of how often they occur in the
            training split; numbers are weights, one for each class (by output name where several
            outputs have classes); None weights all the same.

    Raises:
        UsageError: there is no such kind of task.
    """

    kind: str | Mapping[str, str] | None = None
    class_weights: str | AnyArray | NamedArrays | None = None

    def __post_init__(self) -> None:
        kinds = self.kind.values() if isinstance(self.kind, Mapping) else (self.kind,)
        for kind in kinds:
            if kind is not None and kind not in KINDS:
                raise UsageError("task", f"{kind!r} is no kind.", f"use {', '.join(KINDS)}.")
        if isinstance(self.class_weights, str) and self.class_weights != "balanced":
            raise UsageError(
                "class weights", f"{self.class_weights!r} is no way to weight.", 'use "balanced".'
            )

    def kind_of(self, output: str) -> Kind | None:
        """The kind that the user named for an output; None where the labels are to tell."""
        named = self.kind.get(output) if isinstance(self.kind, Mapping) else self.kind
        return next((kind for kind in KINDS if kind == named), None)


FIND = TaskRequest()
"""Find the task from outputs and labels."""
