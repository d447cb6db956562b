"""Chooses which exact form an activation gets, by estimated LUTs."""

from __future__ import annotations

import numpy as np

from fpgacomp.ir.types import IntArray
from fpgacomp.lower.activation import Comparators, Multiplier

MAX_THRESHOLDS = 1 << 10  # thresholds per channel; no board has the comparators for more


def multiplier_luts(found: Multiplier, input_bits: int, output_bits: int) -> float:
    """Estimate the LUTs of one channel: an adder per further CSD digit, offset adder, clamp."""
    digits = max(_csd_digits(abs(found.multiplier)))
    width = input_bits + int(abs(found.multiplier).max()).bit_length()
    adders = max(digits - 1, 0) + int(np.any(found.offset))
    return adders * width + 2.0 * output_bits


def comparator_luts(found: Comparators, input_bits: int) -> float:
    """Estimate the LUTs of one channel: half a LUT per bit compared with a
    constant, and the count.
    """
    count = int(found.thresholds.shape[1])
    return count * (0.5 * input_bits + 1.0)


def prefer_multiplier(
    multiplier: Multiplier | None, thresholds: Comparators, input_bits: int, output_bits: int
) -> bool:
    """Return whether a Requantize is cheaper than Thresholds, or Thresholds are too many."""
    if multiplier is None:
        return False
    if thresholds.thresholds.shape[1] > MAX_THRESHOLDS:
        return True
    cost = multiplier_luts(multiplier, input_bits, output_bits)
    return cost < comparator_luts(thresholds, input_bits)


def _csd_digits(values: IntArray) -> list[int]:
    """Return the non-zero digits of the canonical signed-digit form: the popcount of n xor 3n."""
    return [(int(v) ^ (3 * int(v))).bit_count() for v in np.unique(values)]
