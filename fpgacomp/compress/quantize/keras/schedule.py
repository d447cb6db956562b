"""The learning rate of each training step."""

from __future__ import annotations

import math

# The one-cycle schedule of Smith and Topin (2018) with the shares that PyTorch's has.
RISING_SHARE, START_DIVISOR, END_DIVISOR = 0.3, 25.0, 1.0e4


def learning_rate_at(step: int, steps: int, highest: float) -> float:
    """The learning rate of a step in the one-cycle schedule.

    It rises to its peak and falls again in half cosines.

    Args:
        step: number of the step, from 0.
        steps: number of steps of the whole training.
        highest: the peak.
    """
    peak = RISING_SHARE * (steps + 1) - 1
    lowest = highest / START_DIVISOR
    if step <= peak:
        return _cosine(lowest, highest, step / peak)
    return _cosine(highest, lowest / END_DIVISOR, (step - peak) / (steps - peak))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))
