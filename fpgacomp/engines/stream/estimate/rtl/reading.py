"""Reads the parameters and tables of an instance as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fpgacomp.engines.stream.rtl.instance import Bits
from fpgacomp.engines.stream.rtl.parts import RtlPart

BitMatrix = npt.NDArray[np.uint8]  # [rows, bits], bit 0 first


def width_of(count: int) -> int:
    """Bits of a counter of so many steps: none where there is one."""
    return (count - 1).bit_length() if count > 1 else 0


@dataclass(frozen=True)
class Reading:
    """An instance whose parameters are asked for by name."""

    made: RtlPart

    def __getitem__(self, name: str) -> int:
        """A parameter that is a number."""
        value = self.made.parameters[name]
        return value.value if isinstance(value, Bits) else int(value)

    def get(self, name: str, default: int) -> int:
        """A parameter that is a number and may be left to its default."""
        return self[name] if name in self.made.parameters else default

    def table(self, prefix: str = "") -> BitMatrix:
        """The rows of the table whose FILE or ROW begins with a prefix."""
        file = self.made.parameters.get(f"{prefix}FILE")
        if isinstance(file, str) and file in self.made.files:
            return _rows_of(self.made.files[file])
        row = self.made.parameters.get(f"{prefix}ROW", Bits(1, 0))
        assert isinstance(row, Bits)
        return _bits_of(row.value, row.width)

    def content(self, name: str) -> BitMatrix:
        """A parameter of many bits, as one row."""
        value = self.made.parameters[name]
        assert isinstance(value, Bits)
        return _bits_of(value.value, value.width)


@lru_cache(maxsize=8)
def _rows_of(content: bytes) -> BitMatrix:
    """The rows of a table's file: hexadecimal numbers of equal length, one a line."""
    digits = content.index(b"\n")
    text = np.frombuffer(content, dtype=np.uint8).reshape(-1, digits + 1)[:, digits - 1 :: -1]
    values = np.where(text > ord("9"), text - (ord("a") - 10), text - ord("0"))
    bits = values[:, :, None] >> np.arange(4, dtype=np.uint8) & np.uint8(1)
    return bits.reshape(len(text), 4 * digits).astype(np.uint8)


def _bits_of(value: int, width: int) -> BitMatrix:
    """A number of so many bits, as one row."""
    size = max(-(-width // 8), 1)
    whole = (value & ((1 << width) - 1)).to_bytes(size, "little")
    return np.unpackbits(np.frombuffer(whole, dtype=np.uint8), bitorder="little")[None, :width]


def columns_of(table: BitMatrix) -> int:
    """Columns of a table that hardware is made for: not constant, equal ones once."""
    if len(table) < 2:
        return 0
    return len(np.unique(table[:, table.min(axis=0) != table.max(axis=0)], axis=1).T)


def signed(table: BitMatrix, bits: int, kind: int) -> npt.NDArray[np.int64]:
    """Numbers of so many bits each, [rows, numbers]; `kind` as the modules' KIND parameters."""
    lanes = table[:, : table.shape[1] // bits * bits].reshape(len(table), -1, bits)
    if kind == 2:
        return lanes[:, :, 0].astype(np.int64) * 2 - 1
    weights = np.int64(1) << np.arange(bits, dtype=np.int64)
    if kind == 1:
        weights[-1] = -weights[-1]
    found: npt.NDArray[np.int64] = lanes.astype(np.int64) @ weights
    return found


def bits_used(table: BitMatrix, bits: int) -> npt.NDArray[np.int64]:
    """[numbers, 2] of each number of a row: bits that vary, equal ones once; bits that are ever 1.

    A product with the number is a function of the first, and has a row of adders for each of the
    second.
    """
    numbers = table.shape[1] // bits
    table = table[:, : numbers * bits]
    ever = table.max(axis=0, initial=0).reshape(numbers, bits).sum(axis=1, dtype=np.int64)
    if len(table) < 2:
        return np.stack([np.zeros_like(ever), ever], axis=1)
    _, kinds = np.unique(table, axis=1, return_inverse=True)
    kinds = kinds.reshape(-1) + 1
    kinds[table.min(axis=0) == table.max(axis=0)] = 0
    of_numbers = np.sort(kinds.reshape(numbers, bits), axis=1)
    fresh = np.diff(of_numbers, axis=1, prepend=0) > 0
    return np.stack([fresh.sum(axis=1), ever], axis=1)
