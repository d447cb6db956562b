"""The reciprocal of a constant, and what is told where float32 does not hold it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fpgacomp.ir.types import Float32Array
from fpgacomp.network.editable import EditableGraph, Node

_TOLD = (
    "Divisions by numbers that are no powers of two, first {name}, become products with the nearest"
    " float32 reciprocal: a result exactly on a rounding border can fall to its other side."
)


def reciprocal(graph: EditableGraph, node: Node, divisor: npt.ArrayLike) -> Float32Array:
    """Return 1 / divisor in float32, and warn once where that is not exact.

    Args:
        graph: takes the warning.
        node: the division, which the warning names.
        divisor: not 0.
    """
    values = np.asarray(divisor, dtype=np.float32)
    exact = np.all(np.abs(np.frexp(values)[0]) == 0.5)  # a power of two
    start = _TOLD.split(",")[0]
    if not exact and not any(warning.startswith(start) for warning in graph.warnings):
        graph.warnings.append(_TOLD.format(name=node.origin or node.name))
    found: Float32Array = np.float32(1) / values
    return found
