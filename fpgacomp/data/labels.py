"""Reads the labels of samples, by which a network's accuracy is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fpgacomp.data.numpy_files import read_arrays
from fpgacomp.errors import InputDataError
from fpgacomp.ir.types import AnyArray


def load_labels(labels: str | Path | AnyArray, count: int) -> AnyArray:
    """Return the labels of the first `count` samples: class indices [N], or one-hot [N, K].

    Args:
        labels: a .npy file, or the array itself.
        count: number of samples that need one.

    Raises:
        InputDataError: no such file, not numbers or not finite, or fewer labels than samples.
    """
    where = "labels"
    if isinstance(labels, str | Path):
        where = str(labels)
        loaded = read_arrays(Path(labels), wanted="a .npy file of labels")
        if not isinstance(loaded, np.ndarray):
            raise InputDataError(where, "holds several arrays.", "give a .npy file of labels.")
        labels = loaded
    if labels.dtype.kind not in "iubf" or labels.ndim not in (1, 2):
        raise InputDataError(
            where,
            f"holds {labels.dtype} values of shape {labels.shape}.",
            "give class indices [N] or one-hot rows [N, K].",
        )
    if len(labels) < count:
        raise InputDataError(
            where,
            f"has {len(labels)} labels for {count} samples.",
            "give one label per sample of --inputs, in the same order.",
        )
    labels = labels[:count]
    wrong = np.argwhere(~np.isfinite(labels))
    if len(wrong):
        raise InputDataError(
            where,
            f"holds NaN or an infinity, the first for sample {int(wrong[0][0])}.",
            "remove these samples, or give them a label.",
        )
    return labels


def check_classes(labels: AnyArray, classes: int) -> None:
    """Refuse labels that are no class of a network.

    Args:
        labels: one for each sample, [N].
        classes: how many the network tells apart; its classes are 0 to classes - 1.

    Raises:
        InputDataError: names the first label that is no class.
    """
    wrong = np.argwhere((labels != np.rint(labels)) | (labels < 0) | (labels >= classes))
    if len(wrong):
        sample = int(wrong[0][0])
        raise InputDataError(
            "labels",
            f"the label of sample {sample} is {labels[sample]}, the network has {classes} classes.",
            f"number the classes 0 to {classes - 1}.",
        )
