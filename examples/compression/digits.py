"""scikit-learn's handwritten digits as the functions that --data takes."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits


def images() -> tuple[np.ndarray, np.ndarray]:
    """1,797 images [N, 1, 8, 8] in 0..1 (raw grey levels are 0..16) and their digits."""
    digits = load_digits()
    return (digits.images[:, None] / 16).astype(np.float32), digits.target


def pixels() -> tuple[np.ndarray, np.ndarray]:
    """The same as rows [N, 64]."""
    digits = load_digits()
    return (digits.data / 16).astype(np.float32), digits.target
