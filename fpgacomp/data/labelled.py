"""Labelled samples in three splits that share no sample, the same ones in every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from fpgacomp.data.arrays import as_float32
from fpgacomp.data.balance import balanced, with_spread
from fpgacomp.data.digests import digests
from fpgacomp.data.find_task import are_class_numbers, decide, is_one_hot
from fpgacomp.data.images import SamplePair
from fpgacomp.data.labels import Labels, check_numbers, fit_labels
from fpgacomp.data.sources import DataSource, read_source, source_name
from fpgacomp.data.tasks import FIND, OutputForm, Task, TaskRequest
from fpgacomp.errors import InputDataError
from fpgacomp.ir.types import AnyArray

TEST_SHARE = 0.25  # share of all samples that is the test split
VALIDATION_SHARE = 0.12  # share of the other samples that is the validation split


@dataclass(frozen=True)
class Samples:
    """Inputs with their labels.

    Args:
        x: the inputs, float32 [N, *input shape], in the units that the network takes.
        y: the labels. Class indices are int64 [N]. Of other tasks they are as
            `fpgacomp.data.labels.fit_labels` returns them, once the task is known.
    """

    x: npt.NDArray[np.float32]
    y: AnyArray

    def __len__(self) -> int:
        return len(self.x)

    def take(self, chosen: AnyArray | slice) -> Samples:
        """Return the samples at these indices, in this slice, or where this mask holds."""
        return Samples(self.x[chosen], self.y[chosen])

    def evenly(self, most: int) -> Samples:
        """Return at most so many samples, evenly taken: the first ones are often of one class."""
        if len(self) <= most:
            return self
        return self.take(np.linspace(0, len(self) - 1, most).astype(int))


@dataclass(frozen=True)
class LabelledData:
    """A data set in three splits that share no sample.

    Args:
        name: where the data came from, for messages.
        train: the samples that weights are fitted to.
        validation: the samples that the best epoch is chosen by.
        test: the samples that figures are reported on. Nothing is fitted to them or chosen by them.
        notes: sentences on samples that were left out.
        columns: output name and number of labels, where the file has labels by output; they stand
            side by side in y, float64 [N, columns].
        is_labelled: whether there are labels; where not, y has no column.
        is_held_out: whether the test split is a part of the same data, which a network may have
            been trained on before it came here.
        task: what a network is asked to tell of the samples; None until `for_task` finds it.
        test_name: where the test split came from; None where it came from the same data.
    """

    name: str
    train: Samples
    validation: Samples
    test: Samples
    notes: tuple[str, ...] = field(default=())
    columns: tuple[tuple[str, int], ...] = ()
    is_labelled: bool = True
    is_held_out: bool = False
    task: Task | None = None
    test_name: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, without the batch axis."""
        return self.train.x.shape[1:]

    @property
    def known_task(self) -> Task:
        """The task.

        Raises:
            InputDataError: `for_task` was not called.
        """
        if self.task is None:
            raise InputDataError(self.name, "has no task yet.", "call for_task first.")
        return self.task

    def reshaped(self, shape: tuple[int, ...]) -> LabelledData:
        """Return the same samples where the network's shape only adds or drops axes of length 1.

        Raises:
            InputDataError: the two shapes differ by more than that.
        """
        if shape == self.shape:
            return self
        if [n for n in shape if n != 1] != [n for n in self.shape if n != 1]:
            raise InputDataError(
                self.name,
                f"holds samples of shape {list(self.shape)}, the network takes {list(shape)}.",
                "reshape or transpose x to [N, *input shape].",
            )
        return self._mapped(lambda split: Samples(split.x.reshape(-1, *shape), split.y))

    def _mapped(self, change: Callable[[Samples], Samples]) -> LabelledData:
        return replace(
            self,
            train=change(self.train),
            validation=change(self.validation),
            test=change(self.test),
        )

    def for_task(self, forms: Sequence[OutputForm], request: TaskRequest = FIND) -> LabelledData:
        """Find what a network is asked to tell, and bring the labels into the form for that.

        Args:
            forms: the network's outputs.
            request: what the user says of the task.

        Returns:
            The same samples with their task. Data that have one already keep it.

        Raises:
            InputDataError: the labels do not go with the outputs, or a class has no training
                sample.
            UsageError: the user names outputs that are not there, or weights that do not fit.
        """
        if self.task is not None:
            return replace(self, task=self.task.with_forms(forms))
        labels = self.labels_of(np.concatenate([self.train.y, self.validation.y, self.test.y]))
        task = decide(forms, labels, request, where=self.name, input_shape=self.shape)
        train, validation, test = (
            self._fitted(split, task, where)
            for where, split in (
                (f"{self.name}, training split", self.train),
                (f"{self.name}, validation split", self.validation),
                (self.test_name or f"{self.name}, test split", self.test),
            )
        )
        data = replace(self, train=train, validation=validation, test=test)
        _check_classes(data, task)
        task = with_spread(balanced(task, request, data.train.y), data.train.y)
        return replace(data, task=task)

    def _fitted(self, split: Samples, task: Task, where: str) -> Samples:
        """Samples with their labels in the form for a task."""
        return Samples(split.x, fit_labels(task, self.labels_of(split.y), split.x, where=where))

    def labels_of(self, y: AnyArray) -> Labels | None:
        """Labels of a split as the file has them, before their task is known.

        Returns:
            An array [N, ...], or arrays by output name; None where there are none.
        """
        if not self.is_labelled:
            return None
        if not self.columns:
            return y
        found, start = {}, 0
        for name, width in self.columns:
            found[name] = y[:, start : start + width]
            start += width
        return found


def load_data(source: DataSource, test: DataSource | None = None) -> LabelledData:
    """Read samples with labels, and divide them into training, validation and test split.

    The bytes of a sample (their SHA-256) decide its split, so that neither another order, nor
    another seed, nor a duplicate moves a sample from the test split into the training split.
    Where a test set is given, by `test` or within the source, it is the test split as it is, and
    training samples that occur in it are left out and counted.

    Args:
        source: a .npz file with the arrays x and y (and x_test, y_test), where labels by output
            are called y_NAME (and y_test_NAME) and a file without labels has x alone; a folder
            with one folder of images per class (or folders train and test of that kind);
            "module:function" or "file.py:function", or such a function, which returns arrays; or
            arrays (x, y). x is [N, *input shape]; y holds class indices [N], one-hot rows [N, K],
            or any other numbers [N, ...], or a mapping of these by output name.
        test: the test set, in one of the same forms.

    Raises:
        InputDataError: the source is not there or not readable, samples and labels do not go
            together, or a split is left without samples.
    """
    name = source_name(source)
    found = read_source(source, name)
    train, own_test, test_name = found.train, found.test, None
    if test is not None:
        test_name = source_name(test)
        own_test = read_source(test, test_name).train
    samples, columns = checked_samples(train, name)
    notes: tuple[str, ...] = ()
    if own_test is None:
        (samples,) = _class_numbers(columns, samples)
        in_test = _position(samples.x, 0) < TEST_SHARE
        held_out, rest = samples.take(in_test), samples.take(~in_test)
    else:
        held_out, its_columns = checked_samples(own_test, test_name or f"{name}, test set")
        samples, held_out = _class_numbers(columns or its_columns, samples, held_out)
        if columns != its_columns or samples.y.shape[1:] != held_out.y.shape[1:]:
            raise InputDataError(
                test_name or "test set",
                f"has labels of shape {list(held_out.y.shape)}, the training set of shape "
                f"{list(samples.y.shape)}.",
                "give both the same kind of labels.",
            )
        rest, notes = _without(samples, held_out)
    chosen = _position(rest.x, 1) < VALIDATION_SHARE
    data = LabelledData(
        name, rest.take(~chosen), rest.take(chosen), held_out, notes, columns,
        is_labelled=train[1] is not None, is_held_out=own_test is None, test_name=test_name,
    )  # fmt: skip
    return _check_splits(data)


def load_test_samples(source: DataSource) -> LabelledData:
    """Read samples with labels to check a network with: nothing is fitted to any of them.

    Args:
        source: in one of the forms that `load_data` takes.

    Returns:
        Data whose test split is the test set that the source has of its own (x_test and y_test),
        or every sample of a source without one. The other splits are empty.

    Raises:
        InputDataError: the source is not there or not readable, or samples and labels do not go
            together.
    """
    name = source_name(source)
    found = read_source(source, name)
    pair = found.test or found.train
    samples, columns = checked_samples(pair, name)
    (samples,) = _class_numbers(columns, samples)
    none = samples.take(np.zeros(len(samples), bool))
    return LabelledData(name, none, none, samples, (), columns, pair[1] is not None)


def _check_splits(data: LabelledData) -> LabelledData:
    """Refuse data with an empty split."""
    for split in ("train", "validation", "test"):
        if not len(getattr(data, split)):
            raise InputDataError(
                data.name,
                f"leaves no sample for the {split} split.",
                "give more distinct samples, or a test set of its own.",
            )
    return data


def _check_classes(data: LabelledData, task: Task) -> None:
    """Refuse data with a class that has no training sample, or with samples of one class."""
    for part in task.parts:
        if part.kind not in ("classes", "binary"):
            continue
        train, validation, test = (
            task.labels_of(part, split.y).astype(np.int64)
            for split in (data.train, data.validation, data.test)
        )
        classes = 1 + max(int(labels.max()) for labels in (train, validation, test))
        if classes < 2:
            raise InputDataError(
                data.name, "holds samples of one class.", "give samples of two classes or more."
            )
        present = set(np.unique(train).tolist())
        # As many numbers as there are classes, and ten more, hold the first ten that are missing.
        missing = [k for k in range(min(classes, len(present) + 10)) if k not in present]
        if missing:
            raise InputDataError(
                data.name,
                f"has no training sample of class {', '.join(map(str, missing[:10]))}.",
                "number the classes 0, 1, 2 ... and give samples of each.",
            )


def _without(samples: Samples, held_out: Samples) -> tuple[Samples, tuple[str, ...]]:
    """Return the training samples that are not in the test set, and a note on those that were."""
    if samples.x.shape[1:] != held_out.x.shape[1:]:
        raise InputDataError(
            "test set",
            f"holds samples of shape {list(held_out.x.shape[1:])}, "
            f"the training set {list(samples.x.shape[1:])}.",
            "give both in the network's input shape.",
        )
    seen = set(digests(held_out.x))
    fresh = np.array([key not in seen for key in digests(samples.x)])
    dropped = int(np.count_nonzero(~fresh))
    if dropped == len(samples):
        raise InputDataError(
            "test set",
            "holds every sample of the training set.",
            "give samples that are not trained on, or leave it out: then a part is held out.",
        )
    note = f"{dropped} training samples that are in the test set were left out"
    return samples.take(fresh), (note,) if dropped else ()


def _position(x: AnyArray, word: int) -> npt.NDArray[np.float64]:
    """Return a number in 0..1 per sample, from its bytes alone; another one for each word."""
    digits = slice(8 * word, 8 * word + 8)  # of 32 bits
    return np.array([int(key[digits], 16) for key in digests(x)], np.float64) / 2**32


def checked_samples(pair: SamplePair, name: str) -> tuple[Samples, tuple[tuple[str, int], ...]]:
    """Check samples and their labels as every reader of labelled data does.

    Args:
        pair: x [N, *input shape] and the labels [N, ...], by output name, or None.
        name: what messages call them.

    Returns:
        The samples, x in float32; and output name and number of labels for each output where the
        labels are by output, which stand side by side in y.

    Raises:
        InputDataError: there is no sample, x or labels are no numbers or not finite in float32, or
            their numbers differ.
    """
    x, labels = pair
    if x.dtype.kind not in "iubf" or x.ndim < 2:
        raise InputDataError(
            name, f"x is {x.dtype} of shape {list(x.shape)}.", "give numbers [N, *input shape]."
        )
    x32 = as_float32(x, f"{name}, x")
    y, columns = _one_array(labels, len(x), name)
    if len(x) != len(y):
        raise InputDataError(
            name, f"has {len(x)} samples and {len(y)} labels.", "give one label per sample."
        )
    return Samples(x32, y), columns


def _one_array(
    labels: Labels | None, count: int, name: str
) -> tuple[AnyArray, tuple[tuple[str, int], ...]]:
    """Labels as one array [N, ...]; those by output stand side by side, float64 [N, columns]."""
    if labels is None:
        return np.zeros((count, 0), np.float32), ()
    if not isinstance(labels, Mapping):
        check_numbers(labels, f"{name}, labels")
        return labels, ()
    parts, columns = [], []
    for output, array in sorted(labels.items()):
        check_numbers(array, f"{name}, labels of {output}")
        rows = array.reshape(len(array), -1).astype(np.float64)
        if len(rows) != count:
            raise InputDataError(
                name, f"has {count} samples and {len(rows)} labels of {output}.",
                "give one label per sample.",
            )  # fmt: skip
        parts.append(rows)
        columns.append((output, rows.shape[1]))
    return np.concatenate(parts, axis=1), tuple(columns)


def _class_numbers(columns: tuple[tuple[str, int], ...], *parts: Samples) -> list[Samples]:
    """Samples with labels int64 [N] where those of all parts are class numbers or one-hot rows.

    Labels by output, side by side in columns, and all other labels stay as they are.
    """
    flat = [p.y[:, 0] if p.y.ndim == 2 and p.y.shape[1] == 1 else p.y for p in parts]
    if columns or not all(is_one_hot(y) or _are_classes(y) for y in flat):
        return list(parts)
    numbers = [y.argmax(axis=1) if y.ndim == 2 else y for y in flat]
    return [Samples(p.x, np.asarray(y, np.int64)) for p, y in zip(parts, numbers, strict=True)]


def _are_classes(y: AnyArray) -> bool:
    return y.ndim == 1 and are_class_numbers(y) and y.min(initial=0) >= 0
