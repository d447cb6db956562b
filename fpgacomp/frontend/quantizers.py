"""QONNX's quantizers in numpy, as float32 executes them, and the integer ranges they mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatingArray = npt.NDArray[np.floating]

# The names QONNX 1.0 knows, in canonical spelling; HALF_EVEN is another word for ROUND.
ROUNDING: dict[str, Callable[[FloatingArray], FloatingArray]] = {
    "ROUND": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "DOWN": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5),
}
ROUNDING_ALIASES = {"HALF_EVEN": "ROUND", "ROUND_TO_ZERO": "DOWN"}


def integer_range(bits: int, *, signed: bool, narrow: bool) -> tuple[int, int]:
    """Return the lowest and highest integer of a Quant (unsigned narrow tops out
    at 2**bits - 2).
    """
    if signed:
        return -(1 << (bits - 1)) + int(narrow), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1 - int(narrow)


MAX_BITS = 32


def whole_width(bits: npt.ArrayLike) -> int | None:
    """The one bit width that an array holds; None where it is none from 1 to MAX_BITS."""
    values = np.asarray(bits, dtype=np.float64)
    if not values.size or not np.all((values >= 1) & (values <= MAX_BITS)):
        return None  # comparisons with NaN are false, too
    width = int(values.flat[0])
    return width if np.all(values == width) else None


@dataclass(frozen=True)
class IntegerFormat:
    """The bit width and the two flags of a Quant."""

    bits: int
    signed: bool
    narrow: bool

    @property
    def range(self) -> tuple[int, int]:
        """Lowest and highest integer of the format."""
        return integer_range(self.bits, signed=self.signed, narrow=self.narrow)

    @staticmethod
    def exactly(lo: int, hi: int) -> IntegerFormat | None:
        """Return the format whose range is lo..hi, or None where QONNX has none.

        One bit signed is left out: QONNX executes it as bipolar.
        """
        if lo == 0 and hi >= 1:
            bits = hi.bit_length()
            if hi == (1 << bits) - 1:
                return IntegerFormat(bits, signed=False, narrow=False)
            bits = (hi + 1).bit_length()
            return IntegerFormat(bits, False, True) if hi == (1 << bits) - 2 else None
        if hi >= 1 and hi & (hi + 1) == 0 and lo in (-hi, -hi - 1):
            return IntegerFormat(hi.bit_length() + 1, signed=True, narrow=lo == -hi)
        return None

    @staticmethod
    def covering(lo: int, hi: int) -> IntegerFormat:
        """Return the narrowest signed or unsigned format that holds lo..hi."""
        if lo >= 0:
            return IntegerFormat(max(hi.bit_length(), 1), signed=False, narrow=False)
        bits = max((-lo - 1).bit_length(), max(hi, 0).bit_length()) + 1
        return IntegerFormat(max(bits, 2), signed=True, narrow=False)


def quant(
    x: FloatingArray,
    scale: FloatingArray,
    zero_point: FloatingArray,
    integers: IntegerFormat,
    rounding: str,
) -> FloatingArray:
    """Compute QONNX Quant: (round(clip(x / scale + zero_point)) - zero_point) * scale, in x's
    dtype.
    """
    y: FloatingArray = x / scale + zero_point
    if integers.bits == 1 and integers.signed:
        y = np.where(y >= 0, x.dtype.type(1), x.dtype.type(-1))
    else:
        lo, hi = integers.range
        y = ROUNDING[rounding](np.clip(y, x.dtype.type(lo), x.dtype.type(hi)))
    result: FloatingArray = (y - zero_point) * scale
    return result


def bipolar_quant(x: FloatingArray, scale: FloatingArray) -> FloatingArray:
    """Compute QONNX BipolarQuant: +scale where x >= 0, else -scale."""
    result: FloatingArray = np.where(x >= 0, x.dtype.type(1), x.dtype.type(-1)) * scale
    return result
