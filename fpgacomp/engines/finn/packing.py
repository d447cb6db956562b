"""FINN's packing of integers into hexadecimal words, by numpy instead of value by value.

FINN builds a string of bits for each value, which takes nine tenths of the time in which it writes
the weights of a large network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

# Values come as float32, which holds every integer of so many bits.
_WIDEST_BITS = 24


@contextlib.contextmanager
def quick_packing() -> Iterator[None]:
    """FINN's `array2hexstring` in this process is the quick one, until the context ends."""
    from finn.util import data_packing

    own = data_packing.array2hexstring
    data_packing.array2hexstring = _beside(own)
    try:
        yield
    finally:
        data_packing.array2hexstring = own


def _beside(own: Callable[..., str]) -> Callable[..., str]:
    """A function that returns what FINN's returns, and asks it for whatever it refuses."""

    def array2hexstring(
        array: Any, dtype: Any, pad_to_nbits: int, prefix: str = "0x", reverse: bool = False
    ) -> str:
        word = _word(np.asarray(array, dtype=np.float32), dtype, pad_to_nbits, reverse)
        if word is None:
            return own(array, dtype, pad_to_nbits, prefix=prefix, reverse=reverse)
        return prefix + word

    return array2hexstring


def _word(values: npt.NDArray[np.float32], dtype: Any, word_bits: int, reverse: bool) -> str | None:
    """The hexadecimal digits of a word, the first value highest; None of what FINN has to see."""
    word_bits = max(word_bits, 4)
    bits, filled = dtype.bitwidth(), values.size * dtype.bitwidth()
    if values.ndim != 1 or not dtype.is_integer() or dtype.is_fixed_point():
        return None
    if bits > _WIDEST_BITS or filled > word_bits or word_bits % 4:
        return None
    if not _allowed(values, dtype):
        return None
    if dtype.name == "BIPOLAR":
        values = np.maximum(values, 0)
    numbers = values[::-1] if reverse else values
    places = np.arange(bits - 1, -1, -1)
    ones = (numbers.astype(np.int64)[:, np.newaxis] >> places) & 1
    whole = np.zeros(-(-word_bits // 8) * 8, np.uint8)
    whole[whole.size - filled :] = ones.ravel()
    return np.packbits(whole).tobytes().hex()[-(word_bits // 4) :]


def _allowed(values: npt.NDArray[np.float32], dtype: Any) -> bool:
    """Whether FINN takes each of the values as one of this type."""
    if dtype.name == "BIPOLAR":
        return bool(np.all(np.abs(values) == 1))
    low, high = dtype.min(), dtype.max()
    return bool(np.all((values >= low) & (values <= high) & (np.rint(values) == values)))
