"""The step of a quantizer that has the smallest mean squared error."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-8  # step for values that are all zero
# Steps that are tried, as shares of the one that clips nothing. Quantizers of few levels have their
# smallest error well below it.
SHARES = torch.cat([torch.linspace(0.06, 0.4, 35), torch.linspace(0.42, 1.0, 30)])
OCTAVES = 10  # number of power-of-two steps that are tried, from the one that clips nothing down


def best_steps(rows: Tensor, lowest: int, highest: int, *, power_of_two: bool) -> Tensor:
    """Find the step of each quantizer under which clamp(round(x / step)) * step errs least.

    Args:
        rows: values of each quantizer, [R, N].
        lowest: the smallest integer of the quantizers.
        highest: the largest integer of the quantizers.
        power_of_two: whether steps have to be powers of two.

    Returns:
        Steps, float32 [R], all positive.
    """
    steps = torch.full((len(rows),), SMALLEST)
    least = torch.full((len(rows),), torch.inf)
    for candidate in _candidates(rows, lowest, highest, power_of_two):
        error = error_of(rows, candidate[:, None], lowest, highest)
        better = error < least
        steps, least = torch.where(better, candidate, steps), torch.where(better, error, least)
    return steps


def error_of(rows: Tensor, step: Tensor, lowest: int, highest: int) -> Tensor:
    """Mean squared error, [R], of rows [R, N] that are quantized with steps [R, 1]."""
    quantized = (rows / step).round().clamp(lowest, highest) * step
    return (quantized - rows).square().mean(dim=1)


def _candidates(rows: Tensor, lowest: int, highest: int, power_of_two: bool) -> list[Tensor]:
    above = rows.amax(dim=1).clamp(min=0) / highest
    below = -rows.amin(dim=1).clamp(max=0) / -lowest if lowest else torch.zeros_like(above)
    largest = torch.maximum(above, below).clamp(min=SMALLEST)
    exponent = largest.log2().ceil()
    powers = [2.0 ** (exponent - octave) for octave in range(OCTAVES)]
    if power_of_two:
        return powers
    # Values that are multiples of a power of two, such as grey levels in sixteenths, stay exact.
    return [largest * share for share in SHARES] + powers[:2]


def binary_scales(rows: Tensor) -> Tensor:
    """The best scales [R] of signs: mean magnitudes (Rastegari et al., XNOR-Net, 2016)."""
    return rows.abs().mean(dim=1).clamp(min=SMALLEST)
