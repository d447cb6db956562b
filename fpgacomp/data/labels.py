"""Labels of samples, for the accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fpgacomp.errors import InputDataError
from fpgacomp.ir.types import AnyArray


def load_labels(labels: str | Path | AnyArray, count: int) -> AnyArray:
    """The labels of the first `count` samples: class indices [N], or one-hot [N, K].

    Raises:
        InputDataError: no such file, not numbers, or fewer labels than samples.
    """
    where = "labels"
    if isinstance(labels, str | Path):
        where = str(labels)
        labels = _read(Path(labels))
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


def _read(path: Path) -> AnyArray:
    if not path.is_file():
        raise InputDataError(str(path), "there is no such file.", "give a .npy file.")
    try:
        loaded = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputDataError(
            str(path), f"numpy cannot read it ({error}).", "save it with np.save."
        ) from error
    if not isinstance(loaded, np.ndarray):
        raise InputDataError(str(path), "holds several arrays.", "give a .npy file.")
    return loaded
