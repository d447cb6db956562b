"""Finds the levels and borders of QKeras' quantizers whose answers are powers of two.

Formulas: qkeras/quantizers.py 0.9.0, `_clip_power_of_two` and the two classes that call it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fpgacomp.frontend.keras.builder import KerasGraphWriter
from fpgacomp.ir.types import FloatArray


@dataclass(frozen=True)
class PowerLevels:
    """A rising staircase: values[i + 1] begins where x reaches borders[i].

    Args:
        values: [n + 1] the levels, rising.
        borders: [n] where the next level begins, rising.
    """

    values: FloatArray
    borders: FloatArray


def power_of_two_levels(b: KerasGraphWriter, q: Any) -> PowerLevels:
    """Return the staircase of a quantized_po2 or a quantized_relu_po2.

    Neither answers 0: up to its smallest border a value becomes the smallest power.

    Raises:
        UnsupportedLayer: a setting with which the answers do not rise with x, or whose borders
            are powers of two themselves, where a float32 logarithm decides at random.
    """
    kind = type(q).__name__
    if q.quadratic_approximation:
        raise b.refuse(
            f"{kind} with quadratic_approximation does not rise with its input near 0.",
            "retrain with quadratic_approximation=False for activations.",
        )
    if q.log2_rounding != "rnd":
        raise b.refuse(
            f"{kind} with log2_rounding='{q.log2_rounding}' hangs on the last bit of a logarithm.",
            "retrain with log2_rounding='rnd'.",
        )
    rising = _above_zero(q)
    slope = 1.0 if kind == "quantized_po2" else float(q.negative_slope)
    if slope == 0:
        return rising
    values = np.concatenate([-rising.values[::-1], rising.values])
    borders = np.concatenate([-rising.borders[::-1] / slope, [0.0], rising.borders])
    return PowerLevels(values, borders)


def _above_zero(q: Any) -> PowerLevels:
    """Return the staircase over the numbers above 0."""
    lowest, highest = int(q._min_exp), int(q._max_exp)
    if q.max_value is not None:
        highest = min(highest, round(float(np.log2(q.max_value))))
    exponents = np.arange(min(lowest, highest), highest + 1, dtype=np.float64)
    # Exponents are rounded, so that the borders lie at half of one: sqrt(2) times a power.
    return PowerLevels(2.0**exponents, np.sqrt(2.0) * 2.0 ** exponents[:-1])
