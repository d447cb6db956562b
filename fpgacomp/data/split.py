"""Divides labelled samples into a training and a test set that share no sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fpgacomp.data.digests import digests
from fpgacomp.data.find_task import are_class_numbers, is_one_hot
from fpgacomp.data.labelled import checked_samples
from fpgacomp.data.sources import SourceArrays
from fpgacomp.errors import InputDataError, UsageError
from fpgacomp.ir.types import AnyArray, NamedArrays

Mask = npt.NDArray[np.bool_]
FEWEST_OF_A_CLASS = 2  # with fewer on average, whole numbers are no classes but figures


@dataclass(frozen=True)
class DataSplit:
    """Which samples are the test set, and how they were chosen.

    Args:
        train, test: arrays by name, as a .npz file of labelled data has them, with the rows of
            all other arrays that have one for each sample.
        classes: class -> number of samples in training set and test set; empty where the labels
            are no classes, and samples were drawn without regard to them.
        repeated: how many samples are equal to an earlier one; all of them are on its side.
        left_out: names of arrays that have no row for each sample, and are on neither side.
    """

    train: NamedArrays
    test: NamedArrays
    classes: Mapping[int, tuple[int, int]]
    repeated: int
    left_out: tuple[str, ...] = field(default=())


def split_samples(source: SourceArrays, share: float, seed: int, *, name: str) -> DataSplit:
    """Divide samples; the same ones with the same seed are divided alike in any order.

    A digest of each sample in float32 and of the seed decides. Of every class the same share goes
    into the test set, to the nearest sample that keeps equal samples together.

    Args:
        source: x [N, ...], the labels ([N, ...], by output name, or None), and other arrays.
        share: part of the samples that becomes the test set, over 0 and under 1.
        seed: another one gives another division.
        name: what messages call the data.

    Raises:
        UsageError: the share is out of its range.
        InputDataError: samples or labels that no verb would read, or one side would be empty.
    """
    if not 0 < share < 1:
        fix = "use a number between 0 and 1, like 0.25."
        raise UsageError("share (--test-share)", f"is {share:g}.", fix)
    x, labels = source.train
    samples, _ = checked_samples(source.train, name)
    named = labels if isinstance(labels, Mapping) else {} if labels is None else {"": labels}
    arrays = {"x": x, **{f"y_{key}" if key else "y": array for key, array in named.items()}}
    by_row = {k: a for k, a in source.others.items() if a.ndim > 0 and len(a) == len(x)}
    arrays |= by_row
    keys = np.array(digests(samples.x, f"{seed}:"))
    classes = _classes(next(iter(named.values()), None))
    in_test = _choose(keys, np.zeros(len(x), np.int64) if classes is None else classes, share)
    if in_test.all() or not in_test.any():
        raise InputDataError(name, "leaves one side empty.", "give more distinct samples.")
    counts = {}
    if classes is not None:
        counts = {
            int(k): (int(np.sum((classes == k) & ~in_test)), int(np.sum((classes == k) & in_test)))
            for k in np.unique(classes)
        }
    return DataSplit(
        {key: array[~in_test] for key, array in arrays.items()},
        {key: array[in_test] for key, array in arrays.items()},
        counts,
        len(keys) - len(np.unique(keys)),
        tuple(sorted(source.others.keys() - by_row.keys())),
    )


def _classes(labels: AnyArray | None) -> AnyArray | None:
    """Class of each sample, int64 [N]; None where the labels are no classes."""
    if labels is None:
        return None
    if is_one_hot(labels):
        return np.asarray(labels.argmax(axis=1), np.int64)
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.ndim != 1 or not are_class_numbers(flat):
        return None
    if len(np.unique(flat)) * FEWEST_OF_A_CLASS > len(flat):
        return None
    return np.asarray(flat, np.int64)


def _choose(keys: AnyArray, classes: AnyArray, share: float) -> Mask:
    """Mark the test set: of each class the samples of the lowest digests, equal ones together."""
    chosen: set[str] = set()
    home: dict[str, int] = {}  # the class that decides over a sample which occurs in several
    for digest, label in sorted(zip(keys.tolist(), classes.tolist())):
        home.setdefault(digest, label)
    owner = np.array([home[digest] for digest in keys.tolist()])
    for label in np.unique(classes):
        own, counts = np.unique(keys[owner == label], return_counts=True)
        wanted, taken = share * int(counts.sum()), 0
        for digest, count in zip(own.tolist(), counts.tolist()):
            if abs(taken + count - wanted) >= abs(taken - wanted):
                break
            chosen.add(digest)
            taken += count
    return np.array([digest in chosen for digest in keys.tolist()], bool)
