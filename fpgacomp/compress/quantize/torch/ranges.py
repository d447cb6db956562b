"""Scales that lose least: the step of a quantizer with the smallest mean squared error."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-8  # of a step: all-zero values have none
# Steps tried, as shares of the one that clips nothing; few levels err least well below it.
SHARES = torch.cat([torch.linspace(0.06, 0.4, 35), torch.linspace(0.42, 1.0, 30)])
OCTAVES = 10  # power-of-two steps tried below the one that clips nothing


def best_steps(rows: Tensor, lowest: int, highest: int, *, power_of_two: bool) -> Tensor:
    """The step per row under which round(x / step), clamped, errs least.

    Args:
        rows: [R, N] values of each quantizer.
        lowest, highest: integers it has.

    Returns:
        [R] float32, all positive.
    """
    steps = torch.full((len(rows),), SMALLEST)
    least = torch.full((len(rows),), torch.inf)
    for candidate in _candidates(rows, lowest, highest, power_of_two):
        error = error_of(rows, candidate[:, None], lowest, highest)
        better = error < least
        steps, least = torch.where(better, candidate, steps), torch.where(better, error, least)
    return steps


def error_of(rows: Tensor, step: Tensor, lowest: int, highest: int) -> Tensor:
    """[R] mean squared error of rows [R, N] quantized with these steps [R, 1]."""
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
    # Values on a grid of their own, such as grey levels in sixteenths, keep it.
    return [largest * share for share in SHARES] + powers[:2]


def binary_scales(rows: Tensor) -> Tensor:
    """[R] the best scale of a sign: the mean magnitude (Rastegari et al., XNOR-Net, 2016)."""
    return rows.abs().mean(dim=1).clamp(min=SMALLEST)
