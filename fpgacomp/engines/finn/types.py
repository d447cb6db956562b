"""Exact integer ranges as FINN's data types, and how FINN's integers read as ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fpgacomp.ir.types import IntArray, IntType


def finn_type(kind: IntType) -> str:
    """Name of the narrowest FINN type that FINN's operators take for this range.

    One bit is FINN's BINARY, which its matrix unit refuses, and INT1 does not exist:
    both take two bits.
    """
    if kind.bipolar:
        return "BIPOLAR"
    return f"{'INT' if kind.signed else 'UINT'}{max(2, kind.bits)}"


def joined_type(types: Iterable[str]) -> str:
    """What FINN's concat makes of streams of these types: it holds all that they may hold.

    That can be more than their integers need: 0 and 1 are a UINT2, which may hold 3.
    """
    kinds = [_held(name) for name in types]
    return finn_type(IntType(min(0, *(k.lo for k in kinds)), max(0, *(k.hi for k in kinds))))


def _held(name: str) -> IntType:
    """All that a type may hold."""
    if name == "BIPOLAR":
        return IntType(-1, 1)
    span = 2 ** int(name.removeprefix("U").removeprefix("INT"))
    lowest = 0 if name.startswith("U") else -span // 2
    return IntType(lowest, lowest + span - 1)


def plain(kind: IntType) -> IntType:
    """A bipolar range as an ordinary one, for operators that know no one-bit -1 and +1."""
    return IntType(kind.lo, kind.hi)


@dataclass(frozen=True)
class Coding:
    """A FINN tensor as ours: ours = sign[c] * (gain * finn + offset).

    Gain and offset other than 1 and 0 come from popcounts (FINN's bipolar products count
    equal bits), signs from weights flipped in front of a falling activation.
    """

    tensor: str
    shape: tuple[int, ...]
    sign: IntArray | None = None
    gain: int = 1
    offset: int = 0

    def decode(self, values: IntArray) -> IntArray:
        """Integers of the graph's tensor, [*shape]."""
        sign = 1 if self.sign is None else self.sign
        decoded: IntArray = sign * (self.gain * values + self.offset)
        return decoded.reshape(self.shape)


def whole(values: np.ndarray[tuple[int, ...], np.dtype[np.floating]], where: str) -> IntArray:
    """Floats that are integers, as int64.

    Raises:
        ValueError: one of them is not.
    """
    integers: IntArray = values.astype(np.int64)
    if not np.array_equal(integers, values):
        raise ValueError(f"FINN's {where} holds numbers that are not integers")
    return integers
