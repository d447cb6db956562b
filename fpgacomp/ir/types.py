"""Integer types as exact value ranges, and arrays that behave as values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]  # of whatever element type a user's file or an ONNX tensor has
NamedArrays = Mapping[str, AnyArray]  # by tensor name, usually [N, *shape]


@dataclass(frozen=True, slots=True)
class IntType:
    """The integers from lo to hi; `bipolar` says that only -1 and +1 occur.

    The range is exact knowledge, the storage width follows from it: 0..9 is a
    4-bit unsigned number whose top codes never occur.
    """

    lo: int
    hi: int
    bipolar: bool = False

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise ValueError(f"empty integer range {self.lo}..{self.hi}")
        if self.bipolar and (self.lo, self.hi) != (-1, 1):
            raise ValueError(f"a bipolar type is -1..1, not {self.lo}..{self.hi}")

    @classmethod
    def of_bits(cls, bits: int, *, signed: bool) -> IntType:
        """Return the full range of a two's complement (signed) or plain binary number."""
        if signed:
            return cls(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        return cls(0, (1 << bits) - 1)

    @classmethod
    def of_values(cls, values: npt.ArrayLike) -> IntType:
        """Return the range that these integer values span."""
        array = np.asarray(values)
        return cls(int(array.min()), int(array.max()))

    @property
    def signed(self) -> bool:
        """Whether negative integers occur."""
        return self.lo < 0

    @property
    def bits(self) -> int:
        """Bits of ap_int (signed) or ap_uint (unsigned) that hold lo and hi; at least 1."""
        if self.signed:
            return max((-self.lo - 1).bit_length(), self.hi.bit_length() if self.hi > 0 else 0) + 1
        return max(self.hi.bit_length(), 1)

    @property
    def magnitude(self) -> int:
        """The largest absolute value."""
        return max(abs(self.lo), abs(self.hi))

    @property
    def count(self) -> int:
        """Number of integers in lo..hi."""
        return self.hi - self.lo + 1

    def contains(self, other: IntType) -> bool:
        """Return whether every integer of the other type is one of this type."""
        return self.lo <= other.lo and other.hi <= self.hi and (other.bipolar or not self.bipolar)

    def __str__(self) -> str:
        if self.bipolar:
            return "bipolar"
        return f"{'int' if self.signed else 'uint'}{self.bits}[{self.lo}..{self.hi}]"


BIPOLAR = IntType(-1, 1, bipolar=True)


class FrozenArray:
    """A read-only numpy array compared and hashed by content, so that layers are values."""

    __slots__ = ("_array", "_digest")

    def __init__(self, values: npt.ArrayLike, dtype: npt.DTypeLike) -> None:
        array = np.array(values, dtype=dtype, order="C")
        array.setflags(write=False)
        self._array = array
        self._digest = ""

    @property
    def array(self) -> AnyArray:
        """The values, read-only."""
        return self._array

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self._array.shape

    @property
    def digest(self) -> str:
        """SHA-256 of type, shape and content."""
        if not self._digest:
            head = f"{self._array.dtype.str}{self._array.shape}".encode()
            self._digest = hashlib.sha256(head + self._array.tobytes()).hexdigest()
        return self._digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenArray) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, sha256={self.digest[:8]})"


class Ints(FrozenArray):
    """Integers (int64): weights, thresholds, tables, multipliers.

    Raises:
        ValueError: a float value that is not an integer, or does not fit int64.
    """

    __slots__ = ("_stored", "_type")

    def __init__(self, values: npt.ArrayLike) -> None:
        array = np.asarray(values)
        if array.dtype.kind not in "iub":
            rounded = array.astype(np.int64)
            if not np.array_equal(rounded, array):
                raise ValueError("Ints takes integers only")
            array = rounded
        super().__init__(array, np.int64)
        # Computed once, on demand: a folding search asks for them thousands of times.
        self._type: IntType | None = None
        self._stored: IntType | None = None

    @property
    def array(self) -> IntArray:
        """The values, read-only."""
        return self._array

    @property
    def type(self) -> IntType:
        """The range that the values span."""
        if self._type is None:
            self._type = IntType.of_values(self._array)
        return self._type

    @property
    def stored_type(self) -> IntType:
        """`type`, or bipolar (one bit) where every value is -1 or +1."""
        if self._stored is None:
            one = self.type.magnitude == 1 and bool(self._array.all())
            self._stored = BIPOLAR if one else self.type
        return self._stored


class Reals(FrozenArray):
    """Real numbers (float64): scales and offsets, kept beside the integers."""

    __slots__ = ()

    def __init__(self, values: npt.ArrayLike) -> None:
        super().__init__(values, np.float64)

    @property
    def array(self) -> FloatArray:
        """The values, read-only."""
        return self._array
