"""From a network's outputs to classes, and from classes to accuracy and macro F1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.errors import InputDataError

Array = npt.NDArray[Any]
Classes = npt.NDArray[np.int64]


def predictions(outputs: Array, samples: int) -> Classes:
    """The class that each sample is answered with, [N].

    Args:
        outputs: [N, ...]: a score per class (the largest counts), one probability of class 1
            (0.5 and above counts), or one class index (of an ArgMax).
        samples: N.

    Raises:
        InputDataError: not N answers, several indices a sample, or NaN.
    """
    if len(outputs) != samples:
        raise InputDataError(
            "the network's outputs",
            f"are {len(outputs)} for {samples} samples.",
            "give a network whose first axis is the batch.",
        )
    rows = outputs.reshape(samples, -1)
    if rows.dtype.kind in "iu":
        if rows.shape[1] != 1:
            raise InputDataError(
                "the network's outputs",
                f"are {rows.shape[1]} whole numbers a sample, and neither scores nor one class.",
                "give a network that ends in a score per class, or in ArgMax.",
            )
        return np.asarray(rows[:, 0], np.int64)
    if np.isnan(rows).any():
        raise InputDataError("the network's outputs", "hold NaN.", "check its weights.")
    if rows.shape[1] == 1:
        return np.asarray(rows[:, 0] >= 0.5, np.int64)
    return np.asarray(rows.argmax(axis=1), np.int64)


def classes_of(outputs: Array) -> int | None:
    """How many classes outputs [N, ...] can name; None for class indices, which tell it not."""
    if outputs.dtype.kind in "iu":
        return None
    return max(2, outputs[:1].size)


def accuracy(labels: Classes, answers: Classes) -> float:
    """Share of the samples answered right, 0..1."""
    return float(np.mean(labels == answers))


def macro_f1(labels: Classes, answers: Classes) -> float:
    """Mean over the classes in labels or answers of 2 TP / (2 TP + FP + FN), 0..1.

    The average="macro" of scikit-learn, whose classes are the same.
    """
    scores = []
    for known in np.union1d(labels, answers):
        right = np.count_nonzero((labels == known) & (answers == known))
        named = np.count_nonzero(labels == known) + np.count_nonzero(answers == known)
        scores.append(2 * right / named)
    return float(np.mean(scores))
