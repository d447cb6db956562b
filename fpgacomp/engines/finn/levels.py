"""Any monotone activation as FINN's thresholds, found exactly over the whole input range."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

import numpy as np

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import Activation, Lookup, Requantize, Thresholds
from fpgacomp.ir.types import IntArray, IntType

# Beyond, thresholds cost more than the rest of the network (FINN itself stops at 8 bits).
_MOST_LEVELS = 1 << 10


@dataclass(frozen=True)
class Levels:
    """y = lo + number of thresholds[c] <= sign[c] * x, and y in lo..hi.

    Args:
        thresholds: [1 or C, hi - lo], ascending, within lo..hi + 1 of sign * x (hi + 1
            never fires); for a bipolar output [1 or C, 1], and y = 2 * count - 1.
        sign: [C], +1 where the function rises, -1 where it falls.
    """

    thresholds: IntArray
    sign: IntArray
    output: IntType

    @property
    def falling(self) -> bool:
        return bool((self.sign < 0).any())

    def signed_input(self, kind: IntType) -> IntType:
        """Range of sign * x."""
        return flipped(kind, self.sign)


def flipped(kind: IntType, sign: IntArray) -> IntType:
    """Range of sign * x over all channels."""
    ends = [kind.lo * s for s in set(sign.tolist())] + [kind.hi * s for s in set(sign.tolist())]
    return IntType(min(ends), max(ends), kind.bipolar)


def levels_of(layer: Activation) -> Levels:
    """Thresholds of a Requantize, Thresholds or Lookup layer.

    Raises:
        UnsupportedLayer: a Lookup that neither rises nor falls; too many output levels.
    """
    check_levels(layer)
    sign = np.broadcast_to(_direction(layer), (layer.output.channels,)).astype(np.int64)
    kind, output = layer.input.type, layer.output.type
    steps = [1] if output.bipolar else list(range(output.lo + 1, output.hi + 1))
    goal = np.array(steps, dtype=np.int64)[:, None]
    low, high = _ends(kind, sign, len(steps))
    while (low < high).any():  # bisection: the lowest sign * x with y >= goal
        middle = (low + high) // 2
        inside = np.clip(sign * middle, kind.lo, kind.hi)
        reached = execute(layer, [inside]) >= goal
        high = np.where((low < high) & reached, middle, high)
        low = np.where((low < high) & ~reached, middle + 1, low)
    thresholds = np.ascontiguousarray(low.T)
    if (thresholds == thresholds[0]).all():
        thresholds = thresholds[:1]
    return Levels(thresholds, sign, output)


def is_affine(layer: Activation) -> bool:
    """x * multiplier + offset, without rounding or clipping, of more levels than thresholds carry.

    Such numbers are compared, not quantized: in front of an ArgMax.
    """
    too_many = layer.output.type.count > _MOST_LEVELS
    return too_many and isinstance(layer, Requantize) and layer.is_affine


def check_levels(layer: Activation) -> None:
    """Raise what `levels_of` would, without its work."""
    if layer.output.type.count > _MOST_LEVELS:
        raise UnsupportedLayer(
            layer.name,
            f"FINN would need {layer.output.type.count - 1} thresholds per channel.",
            "lower its output to 10 bits, or use --backend hls4ml.",
        )
    _direction(layer)


def _ends(kind: IntType, sign: IntArray, steps: int) -> tuple[IntArray, IntArray]:
    """Lowest and highest + 1 of sign * x, as [steps, C]."""
    low = np.where(sign > 0, kind.lo, -kind.hi)
    high = np.where(sign > 0, kind.hi, -kind.lo) + 1
    return np.tile(low, (steps, 1)), np.tile(high, (steps, 1))


def _direction(layer: Activation) -> IntArray:
    match layer:
        case Requantize():
            return np.where(layer.multiplier.array < 0, -1, 1)
        case Thresholds():
            return np.where(layer.step.array < 0, -1, 1)
        case Lookup():
            slopes = np.diff(layer.table.array, axis=1)
            falls = (slopes < 0).any(axis=1)
            if ((slopes > 0).any(axis=1) & falls).any():
                raise UnsupportedLayer(
                    layer.name,
                    "its table neither rises nor falls throughout, and FINN's Thresholding "
                    "carries monotone functions only.",
                    "use the streaming C++ design, or --backend hls4ml.",
                )
            return np.where(falls, -1, 1)


def threshold_bits(steps: int, bias: int) -> int:
    """Output bits of FINN's RTL thresholding (thresholding_rtl.py, O_BITS)."""
    if bias >= 0:
        return ceil(log2(steps + bias + 1))
    return 1 + ceil(log2(-bias if -bias >= (steps + 1) / 2 else steps + bias + 1))


def padded(thresholds: IntArray, bias: int, bits: int, never: int) -> IntArray:
    """Thresholds with ones that never fire, until FINN's output is as wide as the stream."""
    steps = max(1, thresholds.shape[1])
    while threshold_bits(steps, bias) < bits:
        steps += 1
    missing = steps - thresholds.shape[1]
    filler = np.full((thresholds.shape[0], missing), never, dtype=np.int64)
    return np.concatenate([thresholds, filler], axis=1)


def requant_constants(layer: Requantize) -> tuple[IntArray, IntArray] | None:
    """Scale and bias numerators over 2**(shift + 1) for FINN's Requant, if it may carry it.

    FINN computes clip(floor(x * scale + bias + 1/2)) over the whole range of an unsigned
    output, from a signed input. None where types are not of that form; whether the numbers
    are right is for the caller to check.
    """
    output = layer.output.type
    unsigned = output.lo >= 0 and output.bits >= 2 and layer.zero_point == 0
    if not (unsigned and layer.input.type.signed and (layer.multiplier.array > 0).all()):
        return None
    half = 0 if layer.rounding.value in ("round", "half_up", "half_down") else 1 << layer.shift
    return 2 * layer.multiplier.array, 2 * layer.offset.array - half
