"""The range of each input of a network as C: what lies beyond it is counted, as numpy does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fpgacomp.deploy.c.side import CArray, CConstant, collapsed, index_of, strides_in
from fpgacomp.deploy.c.spelling import C_TYPES, numbers
from fpgacomp.ir.types import AnyArray
from fpgacomp.runtime.input_range import InputBounds


@dataclass(frozen=True)
class CRange:
    """Where an input's values lie beyond its range: a loop over its elements.

    Args:
        number: of the input.
        place: the array that its values lie in.
        extents: of the loop's indices i0, i1, ...
        index: of an element.
        low, high: the ends for it, as C.
    """

    number: int
    place: CArray
    extents: tuple[int, ...]
    index: str
    low: str
    high: str


def ranges_in_c(
    places: Mapping[str, CArray], bounds: Mapping[str, InputBounds | None]
) -> tuple[Sequence[CRange], Sequence[CConstant]]:
    """The ranges that are known, and the tables that they need.

    Args:
        places: input -> its array, in the network's order.
        bounds: see `input_bounds`.
    """
    ranges: list[CRange] = []
    tables: list[CConstant] = []
    for number, (name, place) in enumerate(places.items()):
        known = bounds.get(name)
        if known is None:
            continue
        low, high = (_folded(end, place.shape) for end in known.ends)
        own = strides_in(place.shape, place.shape)
        walks = [strides_in(tuple(end.shape), place.shape) for end in (low, high)]
        extents, (at, *moves) = collapsed(place.shape, [own, *walks])
        ends = [
            _end(f"fpgacomp_{side}_{number}", end, move, place.type, tables)
            for side, end, move in zip(("low", "high"), (low, high), moves)
        ]
        ranges.append(CRange(number, place, extents, index_of(at), *ends))
    return ranges, tables


def _folded(end: AnyArray | float, shape: Sequence[int]) -> AnyArray:
    """An end element by element, with length 1 along each axis on which it does not change."""
    found = np.asarray(end, np.float64)
    if not found.ndim:
        return found.reshape([1] * len(shape))
    for axis in range(found.ndim):
        first = found.take([0], axis)
        if (found == first).all():
            found = first
    return found


def _end(
    name: str, end: AnyArray, strides: Sequence[int], kind: str, tables: list[CConstant]
) -> str:
    """An end as C: a number where it is one, else an element of a table.

    numpy compares an array of float32 with a single number in float32, and so does C.
    """
    if end.size == 1:
        values = end.astype("float32" if kind == "float32" else "float64").ravel().tolist()
        return numbers(values, "float64")[0].rstrip(",")
    lines = numbers(end.ravel().tolist(), "float64")
    tables.append(CConstant(name, C_TYPES["float64"], end.size, lines))
    return f"{name}[{index_of(strides)}]"
