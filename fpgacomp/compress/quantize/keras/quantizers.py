"""QKeras quantizers whose scales are numbers, chosen where they err least.

Every quantizer made here has an alpha of its own: without one, QKeras' layers silently set
"auto_po2", and with an automatic alpha the scale follows each batch. Weights are stored
divided by alpha, since QKeras multiplies by alpha but does not divide by it; the power of
two nearest to the scales is taken out of alpha, so that the stored weights stay about as
large as the float ones and a learning rate means the same.

QKeras computes 2**integer in integers, which fails for a negative `integer`: there is none
here. An activation's step is therefore 2**-bits (signed: 2**(1 - bits)) or larger; a weight's
may be any, by its alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.compress.quantize.options import BitWidth, QuantizeOptions
from fpgacomp.compress.quantize.torch.levels import IntegerLevels, levels_of_weights
from fpgacomp.compress.types import KerasQuantizer

Array = npt.NDArray[Any]

SMALLEST = 1e-8  # step for values that are all zero
# Steps that are tried, as shares of the one that clips nothing. Quantizers of few levels have their
# smallest error well below it.
SHARES = np.concatenate([np.linspace(1.0, 0.42, 30), np.linspace(0.4, 0.06, 35)])
OCTAVES = 10  # number of power-of-two steps that are tried, from the one that clips nothing down


def activation_step(values: Array, levels: IntegerLevels) -> float:
    """Choose the power-of-two step of an activation.

    Args:
        values: values that the activation takes, of any shape.
        levels: the integers of its quantizer.
    """
    step = float(best_steps(values.reshape(1, -1), levels, power_of_two=True)[0])
    return max(step, smallest_step(levels))


def smallest_step(levels: IntegerLevels) -> float:
    """The smallest step that QKeras has for an activation; 0 for signs, whose scale is free."""
    return 0.0 if levels.bipolar else 2.0**-levels.magnitude_bits


def best_steps(rows: Array, levels: IntegerLevels, *, power_of_two: bool) -> Array:
    """Find the step of each quantizer with the least mean squared error.

    Args:
        rows: values of each quantizer, [R, N].
        levels: the integers of the quantizers.
        power_of_two: whether steps have to be powers of two.

    Returns:
        Steps, float64 [R], all positive.
    """
    rows = rows.astype(np.float64)
    if levels.bipolar:  # the mean magnitude (Rastegari et al., XNOR-Net, 2016)
        steps: Array = np.maximum(np.abs(rows).mean(axis=1), SMALLEST)
        return np.asarray(2.0 ** np.round(np.log2(steps))) if power_of_two else steps
    above = np.maximum(rows.max(axis=1), 0) / levels.highest
    below = np.maximum(-rows.min(axis=1), 0) / -levels.lowest if levels.lowest else above
    largest = np.maximum(np.maximum(above, below), SMALLEST)
    powers = 2.0 ** np.ceil(np.log2(largest))
    if power_of_two:
        tried = [powers / 2.0**octave for octave in range(OCTAVES)]
    else:
        tried = [largest * share for share in SHARES]
    errors = np.stack([error_of(rows, steps, levels) for steps in tried])
    best: Array = np.stack(tried)[errors.argmin(axis=0), np.arange(len(rows))]
    return best


def error_of(rows: Array, steps: Array, levels: IntegerLevels) -> Array:
    """Mean squared error, [R], of rows [R, N] that are quantized with steps [R]."""
    scaled = rows / steps[:, None]
    if levels.bipolar:
        integers = np.where(scaled < 0, -1.0, 1.0)
    else:
        integers = np.clip(np.round(scaled), levels.lowest, levels.highest)
    error: Array = np.square(integers * steps[:, None] - rows).mean(axis=1)
    return error


@dataclass(frozen=True)
class WeightQuantizer:
    """A quantizer for one kernel.

    Args:
        quantizer: QKeras' quantized_bits.
        alpha: the scale that the kernel is divided by before it is stored; broadcasts over it.
        limit: bound of the absolute values of the stored kernel in training.
    """

    quantizer: KerasQuantizer
    alpha: Array
    limit: float


def weight_quantizer(
    kernel: Array, bits: BitWidth, options: QuantizeOptions, *, channel_axes: int
) -> WeightQuantizer:
    """Make the quantizer with the least squared error on a float kernel.

    Args:
        kernel: the kernel as Keras stores it, output channels last.
        bits: bits of its weights.
        options: scale, granularity and narrow.
        channel_axes: number of axes, from the last one, that number the output channels: 2 for a
            depthwise kernel, otherwise 1.
    """
    from qkeras import quantized_bits

    levels = levels_of_weights(bits, options.narrow)
    per_channel = options.granularity == "channel"
    channels = kernel.shape[kernel.ndim - channel_axes :] if per_channel else (1,)
    rows = kernel.reshape(-1, int(np.prod(channels))).T if per_channel else kernel.reshape(1, -1)
    steps = best_steps(rows, levels, power_of_two=options.scale == "power-of-two")
    tops = steps * 2.0**levels.magnitude_bits
    # One signed bit has no integer bits in QKeras: its values are -alpha and alpha.
    integer = 0 if levels.bipolar else max(0, round(float(np.log2(tops).mean())))
    alpha = (tops / 2.0**integer).astype(np.float32)
    alpha = alpha.reshape(channels) if per_channel else alpha.reshape(())
    quantizer = quantized_bits(
        levels.bits,
        integer,
        int(levels.narrow and not levels.bipolar),
        alpha=alpha.tolist(),
    )
    return WeightQuantizer(quantizer, alpha, 2.0**integer)


def activation_quantizer(levels: IntegerLevels, step: float, *, relu: bool) -> KerasQuantizer:
    """Make an activation quantizer with a power-of-two step.

    Args:
        levels: its integers.
        step: the power of two.
        relu: whether it takes the place of a ReLU (quantized_relu; otherwise quantized_bits).
    """
    from qkeras import quantized_bits, quantized_relu

    if levels.bipolar:
        return quantized_bits(1, 0, alpha=step)
    integer = round(float(np.log2(step))) + levels.magnitude_bits
    if relu:
        return quantized_relu(levels.bits, integer)
    return quantized_bits(levels.bits, integer, keep_negative=levels.signed, alpha=1.0)
