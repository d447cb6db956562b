"""Constant tables of a streaming design, in the layout that hls_templates/stream reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.storage import TableStorage, table_storage
from fpgacomp.ir.types import IntArray, Ints, IntType


@dataclass(frozen=True)
class Table:
    """One constant of the design: the context of rom.h.j2.

    Args:
        title: a sentence on what it holds, for the comment above it.
        kind: a Rom is read one row per cycle, Banks are one memory per lane.
        element: C++ type of an element.
        rows: 64-bit words of each row (Rom), or elements of each bank (Banks), unsigned.
        columns: lanes of a Rom, depth of a bank.
        storage: what BIND_STORAGE names.
    """

    name: str
    title: str
    kind: Literal["Rom", "Banks"]
    element: str
    rows: Sequence[Sequence[int]]
    columns: int
    storage: TableStorage


def cpp_type(kind: IntType) -> str:
    """The C++ type of an element of this range."""
    if kind.bipolar:
        return "Bipolar"
    return f"ap_int<{cpp_bits(kind)}>" if kind.signed else f"ap_uint<{kind.bits}>"


def cpp_bits(kind: IntType) -> int:
    """Bits of that type: a signed number has two or more, because ap_int<1> is Bipolar."""
    if kind.bipolar:
        return 1
    return max(kind.bits, 2) if kind.signed else kind.bits


def rom(name: str, title: str, values: IntArray, kind: IntType, storage: Memory) -> Table:
    """A Rom of [rows, lanes] integers, packed into 64-bit words as rom.hpp unpacks them."""
    bits, lanes = cpp_bits(kind), values.shape[1]
    words = -(-lanes // (64 // bits))
    per_word = -(-lanes // words)
    padded = np.zeros((len(values), words * per_word), dtype=np.uint64)
    padded[:, :lanes] = _codes(values, kind)
    shifts = np.arange(per_word, dtype=np.uint64) * np.uint64(bits)
    cells = padded.reshape(len(values), words, per_word) << shifts
    rows = np.bitwise_or.reduce(cells, axis=2).tolist()
    return Table(name, title, "Rom", cpp_type(kind), rows, lanes, table_storage(storage, len(rows)))


def banks(name: str, title: str, values: IntArray, kind: IntType, storage: Memory) -> Table:
    """One memory per lane from [lanes, depth] integers."""
    rows, depth = _codes(values, kind).tolist(), values.shape[1]
    return Table(name, title, "Banks", cpp_type(kind), rows, depth, table_storage(storage, depth))


def per_channel(name: str, title: str, values: Ints, lanes: int) -> Table:
    """A Rom of one integer per channel: [1] is one row for all channels, [C] a row per `lanes`."""
    array = values.array
    rows = np.repeat(array, lanes)[None] if array.size == 1 else array.reshape(-1, lanes)
    return rom(name, title, rows, IntType.of_values(array), "auto")


def lanes_of(table: IntArray, lanes: int) -> IntArray:
    """[1 or C, n] integers per channel as [1 or groups, lanes, n]."""
    if len(table) == 1:
        return np.repeat(table[None], lanes, axis=1)
    return table.reshape(-1, lanes, table.shape[1])


def _codes(values: IntArray, kind: IntType) -> npt.NDArray[np.uint64]:
    """The stored bits of each value: two's complement, or one bit (+1 is 1) of {-1, +1}."""
    if kind.bipolar:
        return (values > 0).astype(np.uint64)
    mask = np.uint64((1 << cpp_bits(kind)) - 1)
    return np.bitwise_and(values.astype(np.uint64), mask)
