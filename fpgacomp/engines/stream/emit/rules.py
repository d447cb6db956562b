"""One rule per streaming operator: which function of the library, with what, on which tables."""

from __future__ import annotations

from typing import assert_never

import numpy as np

from fpgacomp.devices.board import Board
from fpgacomp.engines.stream.dataflow import (
    Activate,
    Convert,
    Duplicate,
    Join,
    Label,
    MatrixVector,
    MaxOver,
    Operator,
    Pad,
    Repeat,
    ScaledAdd,
    Sink,
    Source,
    SumAll,
    SumOver,
    VectorVector,
    Window,
)
from fpgacomp.engines.stream.emit.context import Buffer, Call
from fpgacomp.engines.stream.emit.tables import (
    Table,
    banks,
    cpp_type,
    depthwise,
    lanes_of,
    matrix,
    per_channel,
    rom,
)
from fpgacomp.engines.stream.streams import Stream, container_bits
from fpgacomp.ir.layers import Lookup, Requantize, Rounding, Thresholds
from fpgacomp.ir.types import Ints, IntType

_ROUNDING = {
    Rounding.FLOOR: "RoundFloor",
    Rounding.ROUND: "RoundEven",
    Rounding.HALF_UP: "RoundHalfUp",
    Rounding.HALF_DOWN: "RoundHalfDown",
    Rounding.UP: "RoundUp",
    Rounding.DOWN: "RoundDown",
}
_ORDER = {"channels_inner": "ChannelsInner", "kernel_inner": "KernelInner"}
# A memory needs its read, add and write back to back in fewer cycles than this many words.
_FEW_SUMS = 4


def call(operator: Operator, streams: tuple[str, ...], name: str, board: Board) -> Call:
    """How an operator is called.

    Args:
        streams: C++ names of its inputs, then of its outputs (the port's for Source and Sink).
        name: what the operator's tables are called, with an ending where there are several.
        board: whose DSP blocks multiply.
    """
    match operator:
        case Source():
            elements = operator.output.words * operator.output.lanes
            return Call("from_axis", (elements, container_bits(operator.output.type)), streams)
        case Sink():
            elements = operator.input.words * operator.input.lanes
            return Call("to_axis", (elements, container_bits(operator.input.type)), streams)
        case Pad():
            borders = (*operator.rows, *operator.columns)
            return Call("pad", (*operator.shape, *borders, operator.fill), streams)
        case Window():
            return _window(operator, streams)
        case MatrixVector():
            return _matrix_vector(operator, streams, name, board)
        case VectorVector():
            taps, channels = operator.weight.shape
            style = "MulDsp" if operator.arithmetic == "dsp" else "MulLut"
            parameters = (channels, taps, operator.vectors, style)
            return _with_tables("vvau", parameters, streams, depthwise(name, operator))
        case Activate():
            return _activate(operator, streams, name)
        case MaxOver():
            return Call("max_pool", (operator.taps, operator.output.words), streams)
        case SumOver():
            return _sum_over(operator, streams, name)
        case SumAll():
            return _sum_all(operator, streams)
        case ScaledAdd():
            return _scaled_add(operator, streams, name)
        case Join():
            *parts, output = streams
            pixels = operator.output.words * operator.output.lanes // sum(operator.channels)
            return Call("concat", (pixels, *operator.channels), (output, *parts))
        case Repeat():
            _, width, channels = operator.shape
            row = _buffer("row", operator.input, width * channels // operator.input.lanes)
            arguments = (*streams, row.name)
            return Call("upsample", (*operator.shape, *operator.factors), arguments, buffers=(row,))
        case Duplicate():
            return Call("duplicate", (operator.input.words,), streams)
        case Convert():
            return Call("convert_width", (operator.input.words * operator.input.lanes,), streams)
        case Label():
            return Call("argmax", (operator.channels, operator.output.words), streams)
        case _:
            assert_never(operator)


def _with_tables(
    function: str, parameters: tuple[object, ...], streams: tuple[str, ...], *tables: Table
) -> Call:
    """A call whose tables follow its streams."""
    return Call(function, parameters, (*streams, *(table.name for table in tables)), tables)


def _buffer(name: str, stream: Stream, depth: int, storage: str = "auto") -> Buffer:
    return Buffer(name, f"Vec<{cpp_type(stream.type)}, {stream.lanes}>", depth, storage)


def _window(operator: Window, streams: tuple[str, ...]) -> Call:
    geometry = (*operator.shape, *operator.kernel, *operator.strides, *operator.dilations)
    if not operator.parallel:
        buffer = _buffer("buffer", operator.input, operator.buffer_words)
        parameters = (*geometry, _ORDER[operator.order])
        return Call("sliding_window", parameters, (*streams, buffer.name), buffers=(buffer,))
    _, width, channels = operator.shape
    above = max(1, operator.extent[0] - 1) * channels
    columns = Buffer("columns", f"Vec<{cpp_type(operator.input.type)}, {above}>", width, "auto")
    arguments = (*streams, columns.name)
    return Call("sliding_window_parallel", geometry, arguments, buffers=(columns,))


def _matrix_vector(
    operator: MatrixVector, streams: tuple[str, ...], name: str, board: Board
) -> Call:
    style = "MulLut"
    if operator.arithmetic == "dsp":
        lanes, shift = operator.packing(board.device.wide_port_bits)
        style = f"MulDspPacked<{lanes}, {shift}>" if lanes > 1 else "MulDsp"
    parameters = (*operator.weight.shape, operator.vectors, style)
    return _with_tables("mvau", parameters, streams, matrix(name, operator))


def _sum_over(operator: SumOver, streams: tuple[str, ...], name: str) -> Call:
    pixels = operator.output.words * operator.output.lanes // operator.channels
    parameters = (operator.taps, operator.channels, pixels)
    if operator.multiplier is None:
        return Call("sum_pool", parameters, streams)
    factors = operator.multiplier.array.reshape(-1, 1)
    title = f"Factor of each output position of {operator.layer}."
    table = rom(name, title, factors, IntType.of_values(factors), "auto")
    return _with_tables("sum_pool", parameters, streams, table)


def _sum_all(operator: SumAll, streams: tuple[str, ...]) -> Call:
    groups = operator.channels // operator.input.lanes
    storage = "registers" if groups < _FEW_SUMS else "auto"
    sums = _buffer("sums", operator.output, groups, storage)
    parameters = (operator.channels, operator.pixels)
    return Call("global_sum", parameters, (*streams, sums.name), buffers=(sums,))


def _scaled_add(operator: ScaledAdd, streams: tuple[str, ...], name: str) -> Call:
    layer, lanes = operator.add, operator.output.lanes
    factors = (layer.multiplier_a, layer.multiplier_b)
    if all(np.all(factor.array == 1) for factor in factors):
        return Call("add", (operator.output.words,), streams)
    tables = [
        per_channel(f"{name}_{side}", f"Factors of {layer.name}'s input {side}.", factor, lanes)
        for side, factor in zip("ab", factors)
    ]
    parameters = (layer.output.channels, layer.output.pixels)
    return _with_tables("scaled_add", parameters, streams, *tables)


def _activate(operator: Activate, streams: tuple[str, ...], name: str) -> Call:
    layer = operator.function
    match layer:
        case Requantize():
            return _requantize(layer, operator, streams, name)
        case Thresholds() if operator.search_levels:
            return _search(layer, operator, streams, name)
        case Thresholds():
            return _compare(layer, operator, streams, name)
        case Lookup():
            lanes, domain = operator.input.lanes, layer.input.type
            entries = lanes_of(layer.table.array, lanes).transpose(1, 0, 2).reshape(lanes, -1)
            title = f"Table of {layer.name}."
            table = banks(name, title, entries, operator.output.type, operator.memory)
            parameters = (layer.input.channels, layer.input.pixels, domain.lo, domain.count)
            return _with_tables("lookup", parameters, streams, table)
        case _:
            assert_never(layer)


def _requantize(layer: Requantize, operator: Activate, streams: tuple[str, ...], name: str) -> Call:
    lanes = operator.input.lanes
    tables = (
        per_channel(f"{name}_multiplier", f"Multiplier of {layer.name}.", layer.multiplier, lanes),
        per_channel(f"{name}_offset", f"Offset of {layer.name}.", layer.offset, lanes),
    )
    # Every intermediate: product, offset, rounding addend, bounds less the zero point.
    widest = layer.input.type.magnitude * int(abs(layer.multiplier.array).max())
    widest += int(abs(layer.offset.array).max()) + (1 << layer.shift)
    widest = max(widest, abs(layer.lo), abs(layer.hi)) + abs(layer.zero_point)
    bits = max(IntType(-widest, widest).bits, layer.shift + 2)
    parameters = (
        layer.input.channels, layer.input.pixels, bits, layer.shift, _ROUNDING[layer.rounding],
        layer.lo, layer.hi, layer.zero_point,
    )  # fmt: skip
    return _with_tables("requantize", parameters, streams, *tables)


def _levels(layer: Thresholds, lanes: int, name: str) -> tuple[str, tuple[Table, ...]]:
    """What a count of thresholds becomes, as an argument, and its tables."""
    base, step = layer.base.array, layer.step.array
    if np.all(base == base[0]) and np.all(step == step[0]):
        return f"SameLevels<{base[0]}, {step[0]}>()", ()
    tables = (
        per_channel(f"{name}_base", f"Lowest level of {layer.name}.", layer.base, lanes),
        per_channel(f"{name}_step", f"Step of {layer.name}.", layer.step, lanes),
    )
    return f"levels({tables[0].name}, {tables[1].name})", tables


def _never(layer: Thresholds) -> IntType:
    """A type of thresholds that also holds one that never fires."""
    last = layer.input.type.hi + 1
    values = np.append(layer.thresholds.array.ravel(), last)
    return IntType.of_values(values)


def _compare(layer: Thresholds, operator: Activate, streams: tuple[str, ...], name: str) -> Call:
    lanes, values = operator.input.lanes, layer.thresholds.array
    kind = IntType.of_values(values) if values.size else _never(layer)
    if not values.size:  # the library has no table of nothing: one that never fires
        values = np.full((1, 1), kind.hi)
    level, tables = _levels(layer, lanes, name)
    rows = lanes_of(values, lanes)
    title = f"Thresholds of {layer.name}."
    table = rom(name, title, rows.reshape(len(rows), -1), kind, operator.memory)
    parameters = (layer.input.channels, layer.input.pixels, values.shape[1])
    arguments = (*streams, table.name, level)
    return Call("thresholds", parameters, arguments, (*tables, table))


def _search(layer: Thresholds, operator: Activate, streams: tuple[str, ...], name: str) -> Call:
    lanes, depth, kind = operator.input.lanes, operator.search_levels, _never(layer)
    values = layer.thresholds.array
    missing = (1 << depth) - 1 - values.shape[1]
    never = Ints(np.pad(values, ((0, 0), (0, missing)), constant_values=kind.hi))
    table = lanes_of(never.array, lanes)
    level, tables = _levels(layer, lanes, name)
    steps = []
    for index in range(depth):
        first, stride = (1 << (depth - index - 1)) - 1, 1 << (depth - index)
        entries = table[:, :, first::stride].transpose(1, 0, 2).reshape(lanes, -1)
        title = f"Thresholds of {layer.name} that decide bit {depth - index - 1} of the count."
        steps.append(banks(f"{name}_{index}", title, entries, kind, operator.memory))
    parameters = (layer.input.channels, layer.input.pixels, cpp_type(kind))
    arguments = (*streams, level, *(step.name for step in steps))
    return Call("thresholds_search", parameters, arguments, (*tables, *steps))
