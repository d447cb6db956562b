"""Which constants can divide as well as their reciprocals multiply."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def has_exact_reciprocal(divisor: npt.ArrayLike) -> bool:
    """Return whether x / divisor and x * (1 / divisor) are the same for every x: powers of two.

    Any other reciprocal is rounded, and a result exactly on a rounding border would fall to the
    side that the reciprocal errs to.
    """
    values = np.asarray(divisor, dtype=np.float32)
    with np.errstate(divide="ignore"):
        normal = np.isfinite(1 / values)
    return bool(np.all(normal & (np.abs(np.frexp(values)[0]) == 0.5)))
