"""The Thresholds form of Activate: a comparator per threshold, or a binary search."""

from __future__ import annotations

import numpy as np

from fpgacomp.engines.shared.terms import Amounts, Terms, unit_terms
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.emit.tables import Table, banks, cpp_type, lanes_of, per_channel, rom
from fpgacomp.engines.stream.estimate.memory import added, rom_terms
from fpgacomp.engines.stream.estimate.terms import banks_terms
from fpgacomp.engines.stream.rtl.instance import (
    Instance,
    Parameter,
    Rows,
    content,
    element,
    rows,
    style,
)
from fpgacomp.engines.stream.rtl.instance import per_channel as channel_rows
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Thresholds
from fpgacomp.ir.types import IntArray, Ints, IntType

# Up to here a comparator per threshold costs no more than a binary search.
_MOST_COMPARATORS = 3


def search_levels(layer: Thresholds) -> int:
    """Steps of a binary search; 0 where each threshold has a comparator."""
    return levels_of(layer.thresholds.shape[1])


def levels_of(count: int) -> int:
    """`search_levels` of so many thresholds for each channel."""
    return count.bit_length() if count > _MOST_COMPARATORS else 0


def thresholds_terms(
    *, lanes: int, channels: int, rows: int, count: int, in_bits: int, levels: int, memory: Memory
) -> Terms:
    """What it is made of; the fit builds the same from measured nodes.

    Args:
        lanes: channels a cycle.
        rows: 1 where all channels share their thresholds.
        count: thresholds of a channel, each with a comparator per lane if `levels` is 0.
        levels: comparators of a lane that search a table; 0 for no search.
    """
    groups = channels // lanes if rows > 1 else 1
    lut: Amounts = {"thresholds": 1, "thresholds_lane": lanes * in_bits}
    ff: Amounts = {"thresholds": 1, "thresholds_lane": lanes * in_bits}
    if not levels:
        lut["comparator"] = lanes * count * in_bits
        lut["adder"] = lanes * max(count - 1, 0)
        table = rom_terms(lanes * count * in_bits, groups, memory)
        return added(unit_terms(lut, ff), table)
    lut["comparator"] = lanes * levels * in_bits
    ff["register"] = lanes * levels * (in_bits + levels / 2)
    tables = [banks_terms(lanes, in_bits, groups << level, memory) for level in range(levels)]
    return added(unit_terms(lut, ff), *tables)


def thresholds_call(
    layer: Thresholds, lanes: int, streams: tuple[str, ...], name: str, memory: Memory
) -> Call:
    """Its call in C++, in whichever of the two ways is cheaper."""
    rule = _search_call if search_levels(layer) else _compare_call
    return rule(layer, lanes, streams, name, memory)


def _compare_call(
    layer: Thresholds, lanes: int, streams: tuple[str, ...], name: str, memory: Memory
) -> Call:
    """A comparator per threshold: all thresholds of a word's channels in one row of a Rom."""
    kind, values = _compared(layer)
    level, tables = _levels(layer, lanes, name)
    title = f"Thresholds of {layer.name}."
    table = rom(name, title, _flat(lanes_of(values, lanes)), kind, memory)
    parameters = (layer.input.channels, layer.input.pixels, values.shape[1])
    arguments = (*streams, table.name, level)
    return Call("thresholds", parameters, arguments, (*tables, table))


def _search_call(
    layer: Thresholds, lanes: int, streams: tuple[str, ...], name: str, memory: Memory
) -> Call:
    """A binary search: one set of Banks per bit of the count, filled up to a power of two."""
    kind, searched = _search_tables(layer, lanes)
    level, tables = _levels(layer, lanes, name)
    steps = []
    for index, entries in enumerate(searched):
        bit = len(searched) - index - 1
        title = f"Thresholds of {layer.name} that decide bit {bit} of the count."
        steps.append(banks(f"{name}_{index}", title, _flat(entries), kind, memory))
    parameters = (layer.input.channels, layer.input.pixels, cpp_type(kind))
    arguments = (*streams, level, *(step.name for step in steps))
    return Call("thresholds_search", parameters, arguments, (*tables, *steps))


def _compared(layer: Thresholds) -> tuple[IntType, IntArray]:
    """[1 or C, n >= 1] thresholds with a comparator each, and their range."""
    values = layer.thresholds.array
    if values.size:
        return IntType.of_values(values), values
    kind = _type_with_never(layer)  # the libraries have no table of nothing: one never fires
    return kind, np.full((1, 1), kind.hi)


def _search_tables(layer: Thresholds, lanes: int) -> tuple[IntType, list[IntArray]]:
    """For each bit of the count, the highest first: [lanes, 1 or groups, 2^bit] thresholds."""
    depth, kind = search_levels(layer), _type_with_never(layer)
    values = layer.thresholds.array
    missing = (1 << depth) - 1 - values.shape[1]
    never = np.pad(values, ((0, 0), (0, missing)), constant_values=kind.hi)
    table = lanes_of(never, lanes)
    steps = []
    for index in range(depth):
        first, stride = (1 << (depth - index - 1)) - 1, 1 << (depth - index)
        steps.append(table[:, :, first::stride].transpose(1, 0, 2))
    return kind, steps


def _flat(table: IntArray) -> IntArray:
    """[rows, ...] as [rows, n]."""
    return table.reshape(len(table), -1)


def _levels(layer: Thresholds, lanes: int, name: str) -> tuple[str, tuple[Table, ...]]:
    """The C++ argument that turns a count of thresholds into an output, and its tables."""
    base, step = layer.base.array, layer.step.array
    if np.all(base == base[0]) and np.all(step == step[0]):
        return f"SameLevels<{base[0]}, {step[0]}>()", ()
    tables = (
        per_channel(f"{name}_base", f"Lowest level of {layer.name}.", layer.base, lanes),
        per_channel(f"{name}_step", f"Step of {layer.name}.", layer.step, lanes),
    )
    return f"levels({tables[0].name}, {tables[1].name})", tables


def _type_with_never(layer: Thresholds) -> IntType:
    """A type that holds all thresholds and, as its highest, one that never fires."""
    last = layer.input.type.hi + 1
    values = np.append(layer.thresholds.array.ravel(), last)
    return IntType.of_values(values)


def thresholds_stages(layer: Thresholds) -> int:
    """Cycles through its module: thresholds, count and level, or two for each level of a search."""
    depth = search_levels(layer)
    return 2 * depth + 2 if depth else 3


def thresholds_instance(
    layer: Thresholds, source: Stream, output: Stream, name: str, memory: Memory
) -> Instance:
    """Its instance in SystemVerilog, in the same of the two ways as its call in C++."""
    lanes, depth = source.lanes, search_levels(layer)
    levels, level_bits = _level_rows(layer, lanes, f"{name}_levels.mem")
    parameters: dict[str, Parameter] = {
        "LANES": lanes, "GROUPS": layer.input.channels // lanes,
        **element("IN", source.type), **element("OUT", output.type),
        "LEVEL_BITS": level_bits, "LEVEL_ROWS": levels.count,
        **levels.parameters,
    }  # fmt: skip
    if depth:
        kind, tables = _search_tables(layer, lanes)
        stored = np.concatenate([entries.ravel() for entries in tables])
        parameters |= {
            "LEVELS": depth, "ROWS": tables[0].shape[1], **element("TABLE", kind),
            "CONTENT": content(stored, kind),
        }  # fmt: skip
        return Instance("fpgacomp_thresholds_search", parameters, levels.files)
    kind, values = _compared(layer)
    table = rows("TABLE_", f"{name}.mem", _flat(lanes_of(values, lanes)), kind)
    parameters |= {
        "COUNT": values.shape[1], **element("TABLE", kind), "STYLE": style(memory),
        "TABLE_ROWS": table.count,
        **table.parameters,
    }  # fmt: skip
    files = {**table.files, **levels.files}
    return Instance("fpgacomp_thresholds", parameters, files)


def _level_rows(layer: Thresholds, lanes: int, file: str) -> tuple[Rows, int]:
    """A table of each channel's lowest level and step, and the bits of one of them."""
    base, step = layer.base.array, layer.step.array
    count = layer.thresholds.shape[1]
    ends = np.concatenate([base, step, base + step * count, [-1]])
    bits = IntType.of_values(ends).bits + 1
    if np.all(base == base[0]) and np.all(step == step[0]):
        base, step = base[:1], step[:1]
    sides = [channel_rows(Ints(side), lanes) for side in np.broadcast_arrays(base, step)]
    both = np.concatenate(sides, axis=1)
    return rows("LEVEL_", file, both, IntType.of_bits(bits, signed=True)), bits
