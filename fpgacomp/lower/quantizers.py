"""QONNX's quantizers as functions from real numbers to integer levels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fpgacomp.ir.layers import Rounding
from fpgacomp.ir.types import FloatArray, IntArray

TIE_MARGIN = 2.0**-21  # part of a quantizer's step that is well inside the contract's ties

_ROUND: dict[str, Callable[[FloatArray], FloatArray]] = {
    "ROUND": np.round,
    "HALF_EVEN": np.round,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(abs(x)),
    "DOWN": np.trunc,
    "ROUND_TO_ZERO": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(abs(x) + 0.5),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(abs(x) - 0.5),
}
ROUNDING_MODES = tuple(_ROUND)

# The hardware's own rounding of the same name; CEIL is a FLOOR with another offset.
NATIVE: dict[str, Rounding] = {
    "ROUND": Rounding.ROUND,
    "HALF_EVEN": Rounding.ROUND,
    "FLOOR": Rounding.FLOOR,
    "UP": Rounding.UP,
    "DOWN": Rounding.DOWN,
    "ROUND_TO_ZERO": Rounding.DOWN,
    "HALF_UP": Rounding.HALF_UP,
    "HALF_DOWN": Rounding.HALF_DOWN,
}


@dataclass(frozen=True)
class Linear:
    """level = round(real / scale + zero_point): what a multiplier and a shift can express."""

    scale: FloatArray  # [1] or [C]
    zero_point: FloatArray  # [1] or [C]
    rounding: str


@dataclass(frozen=True)
class LevelQuantizer:
    """real [..., C] -> level -> integer = level * level_step + level_base.

    real value of an integer = integer * scale + offset.

    Args:
        levels: the rounding and clamping itself; never falls as its argument rises.
        lo: lowest level.
        hi: highest level.
        scale: [1] or [C].
        offset: [1] or [C]; zero unless a zero point is no integer.
        level_base: [1] or [C]; minus the zero point, or -1 for a bipolar quantizer.
        level_step: 1, or 2 for a bipolar quantizer.
        linear: how the levels come about, if by one rounding of a linear function.
        unit: the size in its argument that ties are measured against; the scale if None.
    """

    levels: Callable[[FloatArray], IntArray]
    lo: int
    hi: int
    scale: FloatArray
    offset: FloatArray
    level_base: IntArray
    level_step: int = 1
    linear: Linear | None = None
    unit: FloatArray | None = None

    def integers(self, real: FloatArray) -> IntArray:
        """Return the integers [..., C] that stand for these real numbers."""
        return self.levels(real) * self.level_step + self.level_base


def uniform(
    *,
    scale: FloatArray,
    zero_point: FloatArray,
    bits: int,
    signed: bool,
    narrow: bool,
    rounding: str,
) -> LevelQuantizer:
    """Return QONNX Quant: clamp(round(real / scale + zero_point)); 1-bit signed is bipolar."""
    if signed and bits == 1:
        return bipolar(scale=scale, threshold=-zero_point * scale, zero_point=zero_point)
    lo = (1 - (1 << (bits - 1)) if narrow else -(1 << (bits - 1))) if signed else 0
    hi = (1 << (bits - 1)) - 1 if signed else (1 << bits) - (2 if narrow else 1)

    def levels(real: FloatArray) -> IntArray:
        position = np.clip(real / scale + zero_point, lo, hi)
        return _ROUND[rounding](position).astype(np.int64)

    whole = np.array_equal(zero_point, np.round(zero_point))
    base = -zero_point.astype(np.int64) if whole else np.zeros(1, dtype=np.int64)
    offset = np.zeros(1) if whole else -zero_point * scale
    linear = Linear(scale, zero_point, rounding)
    return LevelQuantizer(levels, lo, hi, scale, offset, base, linear=linear)


def bipolar(
    *, scale: FloatArray, threshold: FloatArray, zero_point: FloatArray | None = None
) -> LevelQuantizer:
    """Return +1 where real >= threshold, else -1, times scale (BipolarQuant has threshold 0)."""

    def levels(real: FloatArray) -> IntArray:
        return (real >= threshold).astype(np.int64)

    offset = np.zeros(1) if zero_point is None else -zero_point * scale
    return LevelQuantizer(levels, 0, 1, scale, offset, np.array([-1]), level_step=2)


def truncation(
    *,
    scale: FloatArray,
    zero_point: FloatArray,
    shift: int,
    rounding: str,
    bounds: tuple[int, int],
    out_scale: FloatArray,
    out_zero_point: FloatArray,
) -> LevelQuantizer:
    """Return QONNX Trunc: round(round(real / scale + zero_point) / 2**shift), within bounds."""
    lo, hi = bounds

    def levels(real: FloatArray) -> IntArray:
        position = np.round(real / scale + zero_point) / 2.0**shift
        return np.clip(_ROUND[rounding](position), lo, hi).astype(np.int64)

    offset = -out_zero_point * out_scale
    return LevelQuantizer(levels, lo, hi, out_scale, offset, np.zeros(1, dtype=np.int64))


def multi_threshold(*, thresholds: FloatArray, scale: float, bias: float) -> LevelQuantizer:
    """Return MultiThreshold: scale * (number of thresholds[c] <= real) + bias.

    Args:
        thresholds: [C or 1, n] in the integer tensor's channel order.
        scale: out_scale.
        bias: out_bias.
    """
    ordered = np.sort(thresholds, axis=1)

    def levels(real: FloatArray) -> IntArray:
        count: IntArray = (real[..., None] >= ordered).sum(axis=-1, dtype=np.int64)
        return count

    steps = bias / scale
    whole = steps == np.round(steps)
    return LevelQuantizer(
        levels, 0, ordered.shape[1], np.array([scale]),
        np.zeros(1) if whole else np.array([bias]),
        np.array([int(steps) if whole else 0]),
        unit=np.ones(1),
    )  # fmt: skip
