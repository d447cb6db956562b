"""Labelled samples in three splits that share no sample, the same ones in every run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from fpgacomp.data.images import SamplePair
from fpgacomp.data.sources import DataSource, read_source, source_name
from fpgacomp.errors import InputDataError
from fpgacomp.ir.types import AnyArray

TEST_SHARE = 0.25  # share of all samples that is the test split
VALIDATION_SHARE = 0.12  # share of the other samples that is the validation split


@dataclass(frozen=True)
class Samples:
    """Inputs with their labels.

    Args:
        x: the inputs, float32 [N, *input shape], in the units that the network takes.
        y: the labels as class indices from 0, int64 [N].
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)

    def take(self, chosen: AnyArray) -> Samples:
        """Return the samples at these indices, or where this mask holds."""
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
    """

    name: str
    train: Samples
    validation: Samples
    test: Samples
    notes: tuple[str, ...] = field(default=())

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, without the batch axis."""
        return self.train.x.shape[1:]

    @property
    def classes(self) -> int:
        """Number of classes: one more than the largest label."""
        return 1 + max(int(split.y.max()) for split in (self.train, self.validation, self.test))

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
        train, validation, test = (
            Samples(split.x.reshape(-1, *shape), split.y)
            for split in (self.train, self.validation, self.test)
        )
        return replace(self, train=train, validation=validation, test=test)

    def check_outputs(self, outputs: int) -> None:
        """Refuse labels for which a network has no output.

        Args:
            outputs: number of outputs of the network.

        Raises:
            InputDataError: there are more classes than outputs.
        """
        if self.classes > outputs:
            raise InputDataError(
                self.name,
                f"has the label {self.classes - 1}, the network {outputs} outputs.",
                f"number the classes 0 to {outputs - 1}.",
            )


def load_data(source: DataSource, test: DataSource | None = None) -> LabelledData:
    """Read samples with labels, and divide them into training, validation and test split.

    The bytes of a sample (their SHA-256) decide its split, so that neither another order, nor
    another seed, nor a duplicate moves a sample from the test split into the training split.
    Where a test set is given, by `test` or within the source, it is the test split as it is, and
    training samples that occur in it are left out and counted.

    Args:
        source: a .npz file with the arrays x and y (and x_test, y_test); a folder with one folder
            of images per class (or folders train and test of that kind); "module:function" or
            "file.py:function", or such a function, which returns arrays; or arrays (x, y). x is
            [N, *input shape]; y holds class indices [N], or one-hot rows [N, K].
        test: the test set, in one of the same forms.

    Raises:
        InputDataError: the source is not there or not readable, samples and labels do not go
            together, or a split or a class is left without samples.
    """
    name = source_name(source)
    train, own_test = read_source(source, name)
    if test is not None:
        own_test, _ = read_source(test, source_name(test))
    samples = _checked(train, name)
    notes: tuple[str, ...] = ()
    if own_test is None:
        in_test = _position(samples.x, 0) < TEST_SHARE
        held_out, rest = samples.take(in_test), samples.take(~in_test)
    else:
        held_out = _checked(own_test, f"{name}, test set")
        rest, notes = _without(samples, held_out)
    chosen = _position(rest.x, 1) < VALIDATION_SHARE
    return _check_splits(LabelledData(name, rest.take(~chosen), rest.take(chosen), held_out, notes))


def _check_splits(data: LabelledData) -> LabelledData:
    """Refuse data with an empty split, or with a class that has no training sample."""
    for split in ("train", "validation", "test"):
        if not len(getattr(data, split)):
            raise InputDataError(
                data.name,
                f"leaves no sample for the {split} split.",
                "give more distinct samples, or a test set of its own.",
            )
    if data.classes < 2:
        raise InputDataError(
            data.name, "holds samples of one class.", "give samples of two classes or more."
        )
    missing = sorted(set(range(data.classes)) - set(np.unique(data.train.y).tolist()))
    if missing:
        raise InputDataError(
            data.name,
            f"has no training sample of class {', '.join(map(str, missing[:10]))}.",
            "number the classes 0, 1, 2 ... and give samples of each.",
        )
    return data


def _without(samples: Samples, held_out: Samples) -> tuple[Samples, tuple[str, ...]]:
    """Return the training samples that are not in the test set, and a note on those that were."""
    if samples.x.shape[1:] != held_out.x.shape[1:]:
        raise InputDataError(
            "test set",
            f"holds samples of shape {list(held_out.x.shape[1:])}, "
            f"the training set {list(samples.x.shape[1:])}.",
            "give both in the network's input shape.",
        )
    seen = set(_digests(held_out.x))
    fresh = np.array([key not in seen for key in _digests(samples.x)])
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
    words = np.array([np.frombuffer(key, ">u4")[word] for key in _digests(x)], np.float64)
    return words.reshape(len(x)) / 2**32


def _digests(x: AnyArray) -> list[bytes]:
    return [hashlib.sha256(np.ascontiguousarray(row).tobytes()).digest() for row in x]


def _checked(pair: SamplePair, name: str) -> Samples:
    x, y = pair
    if x.dtype.kind not in "iubf" or x.ndim < 2:
        raise InputDataError(
            name, f"x is {x.dtype} of shape {list(x.shape)}.", "give numbers [N, *input shape]."
        )
    if len(x) != len(y):
        raise InputDataError(
            name, f"has {len(x)} samples and {len(y)} labels.", "give one label per sample."
        )
    if not len(x):
        raise InputDataError(name, "holds no sample.", "give some.")
    finite = np.isfinite(x.reshape(len(x), -1)).all(axis=1)
    if not finite.all():
        raise InputDataError(
            name,
            f"{np.count_nonzero(~finite)} samples hold NaN or infinity, first {np.argmin(finite)}.",
            "remove or mend them.",
        )
    return Samples(np.ascontiguousarray(x, dtype=np.float32), _labels(y, name))


def _labels(y: AnyArray, name: str) -> npt.NDArray[np.int64]:
    """Return class indices from class indices or one-hot rows."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind in "iubf" and y.ndim == 2:
        one_hot = np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()
        if one_hot:
            return np.asarray(y.argmax(axis=1), dtype=np.int64)
    whole = y.dtype.kind in "iubf" and y.ndim == 1 and bool(np.all(y == np.floor(y)))
    if not whole or (len(y) and y.min() < 0):
        raise InputDataError(
            name,
            f"y is {y.dtype} of shape {list(y.shape)}, and not class indices.",
            "give whole numbers 0 to K-1 of shape [N], or one-hot rows [N, K].",
        )
    return np.asarray(y, dtype=np.int64)
