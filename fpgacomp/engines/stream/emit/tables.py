"""Constant tables of a streaming design: integers in the layout of hls_templates/stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fpgacomp.engines.stream.dataflow import MatrixVector, VectorVector
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.ir.types import IntArray, Ints, IntType


@dataclass(frozen=True)
class Table:
    """One constant of the design: the context of rom.h.j2.

    Args:
        kind: Rom has one row per cycle, Banks one memory per lane.
        rows: of 64-bit words (Rom) or of elements (Banks), without sign.
        columns: lanes of a Rom, depth of a Banks.
    """

    name: str
    title: str
    kind: Literal["Rom", "Banks"]
    element: str
    rows: Sequence[Sequence[int]]
    columns: int
    storage: Memory


def cpp_type(kind: IntType) -> str:
    """The C++ element of a range."""
    if kind.bipolar:
        return "Bipolar"
    return f"ap_int<{kind.bits}>" if kind.signed else f"ap_uint<{kind.bits}>"


def rom(name: str, title: str, values: IntArray, kind: IntType, storage: Memory) -> Table:
    """[rows, lanes] integers, as many lanes a word as rom.hpp packs."""
    bits, lanes = element_bits(kind), values.shape[1]
    words = -(-lanes // (64 // bits))
    per_word = -(-lanes // words)
    padded = np.zeros((len(values), words * per_word), dtype=np.uint64)
    padded[:, :lanes] = _codes(values, kind)
    shifts = np.arange(per_word, dtype=np.uint64) * np.uint64(bits)
    cells = padded.reshape(len(values), words, per_word) << shifts
    rows = np.bitwise_or.reduce(cells, axis=2).tolist()
    return Table(name, title, "Rom", cpp_type(kind), rows, lanes, storage)


def banks(name: str, title: str, values: IntArray, kind: IntType, storage: Memory) -> Table:
    """[lanes, depth] integers."""
    rows = _codes(values, kind).tolist()
    return Table(name, title, "Banks", cpp_type(kind), rows, values.shape[1], storage)


def per_channel(name: str, title: str, values: Ints, lanes: int) -> Table:
    """[1] as one row for all channels, [C] as a row per group of `lanes` channels."""
    array = values.array
    rows = np.repeat(array, lanes)[None] if array.size == 1 else array.reshape(-1, lanes)
    return rom(name, title, rows, IntType.of_values(array), "auto")


def matrix(name: str, operator: MatrixVector) -> Table:
    """Row nf * SF + sf, lane pe * SIMD + s is weight[sf * SIMD + s, nf * PE + pe]."""
    (mw, mh), pe, simd = operator.weight.shape, operator.pe, operator.simd
    tiles = operator.weight.array.reshape(mw // simd, simd, mh // pe, pe).transpose(2, 0, 3, 1)
    kind = operator.weight.stored_type
    title = f"Weights of {operator.layer}: {mw} x {mh}, {pe} PE of {simd} SIMD a row."
    return rom(name, title, tiles.reshape(-1, pe * simd), kind, operator.memory)


def depthwise(name: str, operator: VectorVector) -> Table:
    """Row f * taps + k, lane i is weight[k, f * PE + i]."""
    (taps, channels), pe = operator.weight.shape, operator.pe
    rows = operator.weight.array.reshape(taps, channels // pe, pe).transpose(1, 0, 2)
    kind = operator.weight.stored_type
    title = f"Weights of {operator.layer}: {taps} taps of {channels} channels, {pe} PE a row."
    return rom(name, title, rows.reshape(-1, pe), kind, operator.memory)


def lanes_of(table: IntArray, lanes: int) -> IntArray:
    """[1 or C, n] as [1 or groups, lanes, n]."""
    if len(table) == 1:
        return np.repeat(table[None], lanes, axis=1)
    return table.reshape(-1, lanes, table.shape[1])


def _codes(values: IntArray, kind: IntType) -> npt.NDArray[np.uint64]:
    """What is stored of each value: two's complement, or one bit of a bipolar."""
    if kind.bipolar:
        return (values > 0).astype(np.uint64)
    mask = np.uint64((1 << kind.bits) - 1)
    return np.bitwise_and(values.astype(np.uint64), mask)
