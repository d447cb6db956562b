"""From a network's outputs to classes, and from classes to accuracy and macro F1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.errors import InputDataError

Array = npt.NDArray[Any]
Classes = npt.NDArray[np.int64]


def predictions(outputs: Array, samples: int) -> Classes:
    """Turn a network's outputs into one class per sample.

    Args:
        outputs: [N, ...]. Of several floats per sample, which are scores of the classes, the
            largest counts. One float is the probability of class 1, which counts from 0.5 on. One
            integer is the class itself, as an ArgMax computes it.
        samples: N, the number of samples that were executed.

    Returns:
        Class indices, int64 [N].

    Raises:
        InputDataError: there are not N outputs, several integers per sample, or NaN.
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
    """Number of classes that outputs [N, ...] can name; None where they are class indices."""
    if outputs.dtype.kind in "iu":
        return None
    return max(2, outputs[:1].size)


def accuracy(labels: Classes, answers: Classes) -> float:
    """Share of the samples whose answer is their label, 0..1."""
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
