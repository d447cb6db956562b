"""Reads the labels of samples, by which a network's accuracy is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fpgacomp.data.arrays import read_arrays
from fpgacomp.errors import InputDataError
from fpgacomp.ir.types import AnyArray


def load_labels(labels: str | Path | AnyArray, count: int) -> AnyArray:
    """Return the labels of the first `count` samples: class indices [N], or one-hot [N, K].

    Args:
        labels: a .npy file, or the array itself.
        count: number of samples that need one.

    Raises:
        InputDataError: no such file, not numbers, or fewer labels than samples.
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
    return labels[:count]
