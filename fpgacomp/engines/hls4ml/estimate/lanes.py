"""Thresholds, Requantize and Lookup in terms: what the lanes compute, hold and read.

With reuse factor 1 every parameter is a constant of its lane. Lanes that serve several
channels (schedule.groups > 1) read per-channel parameters from a ROM bank each, and what was
an operation by a constant becomes one of two variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import assert_never

import numpy as np

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.lanes import LaneLayer, LaneSchedule, lane_schedule
from fpgacomp.engines.shared.terms import (
    Terms,
    activation_terms,
    constant_products,
    memory_bram18,
    unit_terms,
    variable_products,
)
from fpgacomp.ir.layers import Lookup, Requantize, Thresholds
from fpgacomp.ir.types import Ints

# A table of up to this many bits is LUT ROM (64 bits each), a larger one block RAM.
LUT_ROM_BITS = 4096
# A comparison with a variable takes half a LUT per bit, one with a constant a third.
VARIABLE_COMPARATOR = 1.5
# Loop counter and state of a kernel with shared lanes, beside the process it is in.
LANE_CONTROL = 16.0


def lane_terms(layer: LaneLayer, folding: Hls4mlFolding, io_type: IoType) -> Iterator[Terms]:
    """All terms of the layer but those of its process and FIFO."""
    stream = io_type == "io_stream"
    schedule = lane_schedule(layer.output, folding.reuse_factor, io_type)
    match layer:
        case Thresholds():
            yield from _thresholds(layer, schedule)
        case Requantize():
            yield from _requantize(layer, schedule)
        case Lookup():
            yield _lookup(layer, schedule)
        case _:
            assert_never(layer)
    tensor = layer.output
    elements = tensor.channels if stream else tensor.size
    yield unit_terms({}, {"register": elements * tensor.type.bits})
    if folding.reuse_factor > 1:
        yield from _shifting(layer, elements, stream)


def _shifting(layer: LaneLayer, elements: int, stream: bool) -> Iterator[Terms]:
    """Elements wait in one shift register, loaded in parallel, and are collected in another."""
    waiting = elements * layer.input.type.bits
    collected = 0 if stream else elements * layer.output.type.bits
    yield unit_terms(
        {"lane_shift": waiting, "adder": LANE_CONTROL}, {"register": waiting + collected}
    )


def _thresholds(layer: Thresholds, schedule: LaneSchedule) -> Iterator[Terms]:
    rows, count = layer.thresholds.shape
    banked = schedule.groups > 1 and rows > 1
    compare = (VARIABLE_COMPARATOR if banked else 1.0) * count * layer.input.type.bits
    adders = schedule.lanes * max(count - 1, 0)
    yield unit_terms({"comparator": schedule.lanes * compare, "popcount": adders})
    for parameter, each in ((layer.thresholds, count), (layer.base, 1), (layer.step, 1)):
        yield _banks(parameter, each, schedule)


def _requantize(layer: Requantize, schedule: LaneSchedule) -> Iterator[Terms]:
    lanes, in_bits = schedule.lanes, layer.input.type.bits
    wide = in_bits + int(abs(layer.multiplier.array).max()).bit_length()
    if schedule.groups > 1 and layer.multiplier.array.size > 1:
        multiplier_bits = layer.multiplier.type.bits
        yield variable_products(lanes, in_bits, multiplier_bits)
    else:
        yield constant_products(layer.multiplier, lanes, in_bits)
    if np.any(layer.offset.array):
        yield unit_terms({"adder": lanes * wide})
    yield activation_terms(lanes, max(wide - layer.shift, 1), layer.output.type.bits)
    for parameter in (layer.multiplier, layer.offset):
        yield _banks(parameter, 1, schedule)


def _lookup(layer: Lookup, schedule: LaneSchedule) -> Terms:
    """A ROM per lane where that is all the lane's channels need; logic of constants otherwise."""
    rows, depth = layer.table.shape
    width = layer.output.type.bits
    if rows > 1 and schedule.groups > 1:
        return _rom(schedule.lanes, width, depth * schedule.groups)
    return unit_terms({"rom": schedule.lanes * width * ceil(depth / 64)})


def _banks(parameter: Ints, each: int, schedule: LaneSchedule) -> Terms:
    """ROM banks of a per-channel parameter with `each` values per channel."""
    if schedule.groups == 1 or parameter.shape[0] == 1 or not each:
        return unit_terms({})
    width = parameter.type.bits
    return _rom(schedule.lanes * each, width, schedule.groups)


def _rom(banks: int, width: int, depth: int) -> Terms:
    if depth * width <= LUT_ROM_BITS:
        return unit_terms({"rom": banks * width * ceil(depth / 64)})
    return unit_terms({}, {}, {"lookup_rom": banks * memory_bram18(width, depth)})
