"""Writes an activation layer as TFLite's int8 kernels requantize a sum, exactly.

A kernel computes clamp(zero + round(factor * (sum + bias))) with a factor for each channel and a
whole bias. Its roundings differ: the reference kernels multiply by 31 bits and shift, rounding
twice (`MultiplyByQuantizedMultiplier` of tensorflow/lite/kernels/internal/common.cc); a build with
TFLITE_SINGLE_ROUNDING rounds once; XNNPACK, the default, multiplies in float32 and rounds half to
even. A factor and a bias are taken only where all three give the layer's integers. Each of them
never falls where the sum rises, so that both sides of every step decide for the whole range.

The weights of a channel are multiplied by a gain, as far as int8 holds them: the sum then counts
in finer steps, and the bias puts the borders between two sums instead of on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fpgacomp.ir.layers import Activation
from fpgacomp.ir.types import FloatArray, IntArray
from fpgacomp.qdq.line import FittedLine, Points, channels_of, deciding_points, fitted_line

MOST_WEIGHT = 127  # TFLite's int8 weights are symmetric: -128 is none of them
# A sum, shifted left where the factor is above 1, stays in int32 beside the zero point.
_MOST_SUM = 1 << 30
# TFLite takes a smaller factor for 0, and XNNPACK refuses a larger one.
_LEAST_FACTOR, _MOST_FACTOR = 2.0**-31, 2.0**7
# Of the biases of a gain, as many are tried in the kernels, with these parts of the room that the
# borders leave for the factor.
_BIASES_TRIED = 8
_LARGE_GAINS = 12
_PARTS = (0.5, 0.25, 0.75, 0.1, 0.9)


@dataclass(frozen=True)
class KernelStep:
    """How one channel is requantized: y - lo = clamp(round(factor * (gain * x + bias))).

    Args:
        factor: exactly a float32, above 0.
        bias: whole number that is added to the sum.
        gain: what the channel's weights are multiplied by; below 0 where the outputs fall, and 0
            where they are all the same.
        distance: least distance of the product from a border of rounding.
    """

    factor: float
    bias: int
    gain: int
    distance: float


def kernel_steps(layer: Activation, largest_weights: Sequence[int]) -> list[KernelStep | None]:
    """How the kernels requantize each channel of a layer.

    Args:
        layer: reads the sums; its outputs take at most 8 bits.
        largest_weights: [C] largest magnitude of the weights of each channel.

    Returns:
        None for a channel that the kernels do not give exactly.
    """
    singles = list(channels_of(layer))
    if len(singles) == 1:
        singles *= len(largest_weights)
    known: dict[tuple[Activation, int], KernelStep | None] = {}
    for single, largest in zip(singles, largest_weights):
        gain = MOST_WEIGHT // max(largest, 1)
        if (single, gain) not in known:
            known[single, gain] = _step(single, gain)
    return [
        known[single, MOST_WEIGHT // max(largest, 1)]
        for single, largest in zip(singles, largest_weights)
    ]


def _step(layer: Activation, most_gain: int) -> KernelStep | None:
    """The step of one channel, with the first gain that has any; of these the farthest."""
    points = deciding_points(layer)
    lo, hi = layer.output.type.lo, layer.output.type.hi
    line = fitted_line(layer, points)
    if line is None or not most_gain:
        return None
    if not line.factor:
        return KernelStep(1.0, int(points.y[0]) - lo, 0, 0.5)
    above_lo = Points(points.x, points.y - lo)
    for gain in _gains(most_gain):
        found = [
            step
            for candidate in _candidates(line, lo, gain, above_lo, hi - lo)
            if (step := _tried(candidate, above_lo, hi - lo)) is not None
        ]
        if found:
            return max(found, key=lambda step: step.distance)
    return None


def _gains(most: int) -> Iterator[int]:
    """Gains worth a trial, the likely ones first.

    Steps that are a power of two stay so with a power of two; a large gain makes fine steps, and
    a smaller one keeps wide sums where float32 is exact.
    """
    power = 1 << (most.bit_length() - 1)
    large = range(most, max(most - _LARGE_GAINS, 0), -1)
    smaller = (power >> i for i in range(1, most.bit_length()))
    yield from dict.fromkeys([power, *large, *smaller])


def _candidates(
    line: FittedLine, lo: int, gain: int, points: Points, most: int
) -> Iterator[KernelStep]:
    """Steps of one gain that are right where no kernel rounds its product.

    Of a bias, each point with an output above 0 asks for a least factor, and each one below the
    most for a largest one: (y - 0.5) <= factor * (sum + bias) <= (y + 0.5).
    """
    factor, offset = float(line.factor), float(line.offset) - lo
    signed = gain if factor > 0 else -gain
    middle = round(offset / (abs(factor) / gain))
    bias = np.arange(middle - 2 * gain - 1, middle + 2 * gain + 2)
    sums = (points.x * signed + bias[:, None]).astype(np.float64)
    inner = sums > 0
    bounded = np.where(inner, sums, 1.0)
    rises, ends = points.y > 0, points.y < most
    least = np.where(inner, (points.y - 0.5) / bounded, np.inf)[:, rises].max(axis=1)
    largest = np.where(inner, (points.y + 0.5) / bounded, np.inf)[:, ends].min(axis=1)
    room = np.full(len(bias), -np.inf)
    np.subtract(largest, least, out=room, where=np.isfinite(least))
    for place in np.argsort(-room)[:_BIASES_TRIED]:
        if room[place] <= 0:
            return
        for part in _PARTS:
            own = np.float32(min(least[place] + part * room[place], 2 * least[place]))
            yield KernelStep(float(own), int(bias[place]), signed, 0.0)


def _tried(step: KernelStep, points: Points, most: int) -> KernelStep | None:
    """A step with its distance; None where a kernel gives another integer at some point."""
    sums = points.x * step.gain + step.bias
    if not _LEAST_FACTOR < step.factor < _MOST_FACTOR:
        return None
    if int(abs(sums).max()) << max(multiplier_of(step.factor)[1], 0) > _MOST_SUM:
        return None
    for kernel in KERNELS:
        if not np.array_equal(np.clip(kernel(sums, step.factor), 0, most), points.y):
            return None
    line: FloatArray = sums.astype(np.float64) * step.factor
    below = (line - (points.y - 0.5))[points.y > 0]
    above = ((points.y + 0.5) - line)[points.y < most]
    distance = float(np.concatenate([below, above, [0.5]]).min())
    return KernelStep(step.factor, step.bias, step.gain, distance)


def multiplier_of(factor: float) -> tuple[int, int]:
    """`QuantizeMultiplier`: a factor as an integer of 31 bits and a power of two.

    Args:
        factor: above 0.

    Returns:
        (multiplier, exponent): the factor is about multiplier * 2**(exponent - 31).
    """
    fraction, exponent = np.frexp(factor)
    multiplier = int(np.floor(float(fraction) * (1 << 31) + 0.5))
    if multiplier == 1 << 31:
        return multiplier // 2, int(exponent) + 1
    return multiplier, int(exponent)


def rounded_twice(sums: IntArray, factor: float) -> IntArray:
    """The reference kernels: the high half of a product is rounded, and then its shift.

    Both round half away from zero, but for a product below 0 whose half goes up.
    """
    multiplier, exponent = multiplier_of(factor)
    wide = (sums << max(exponent, 0)) * multiplier
    nudged = wide + np.where(wide >= 0, 1 << 30, 1 - (1 << 30))
    high = np.where(nudged >= 0, nudged >> 31, -(-nudged >> 31))  # C++ divides towards zero
    shift = max(-exponent, 0)
    mask = (1 << shift) - 1
    middle = (mask >> 1) + (high < 0)
    rounded: IntArray = (high >> shift) + ((high & mask) > middle)
    return rounded


def rounded_once(sums: IntArray, factor: float) -> IntArray:
    """Kernels built with TFLITE_SINGLE_ROUNDING: the whole product is rounded half up."""
    multiplier, exponent = multiplier_of(factor)
    shift = 31 - exponent
    if shift > 62:
        return np.zeros_like(sums)
    product: IntArray = (sums * multiplier + (1 << (shift - 1))) >> shift
    return product


def rounded_in_float32(sums: IntArray, factor: float) -> IntArray:
    """XNNPACK's kernels on x86: a product in float32, rounded half to even."""
    rounded: IntArray = np.rint(sums.astype(np.float32) * np.float32(factor)).astype(np.int64)
    return rounded


KERNELS: tuple[Callable[[IntArray, float], IntArray], ...] = (
    rounded_twice, rounded_once, rounded_in_float32,
)  # fmt: skip
