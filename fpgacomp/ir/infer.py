"""Infers shape and exact range of every layer's output from its inputs and its constants."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TypeVar, assert_never

import numpy as np

from fpgacomp.ir.layers import (
    Add,
    ArgMax,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Requantize,
    Reshape,
    Rounding,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import BIPOLAR, IntArray, IntType

LayerT = TypeVar("LayerT", bound=Layer)
ChannelRange = tuple[IntArray, IntArray]  # (lo, hi), each [1] or [C]

_UNKNOWN = Tensor("", (1,), IntType(0, 0))
_INT64_BOUND = 1 << 62  # results below it cannot overflow int64, nor can the sum of two


def unknown_output(name: str, shape: tuple[int, ...] = (1,)) -> Tensor:
    """Return a tensor to construct a layer with before `with_output` says what it really is.

    A Reshape's target shape is taken from here; every other field is inferred.
    """
    return replace(_UNKNOWN, name=name, shape=shape)


def with_output(layer: LayerT) -> LayerT:
    """Return the layer with the output shape and range that follow from its inputs."""
    output = Tensor(layer.output.name, output_shape(layer), output_type(layer))
    return replace(layer, output=output)


def output_shape(layer: Layer) -> tuple[int, ...]:
    """Return the shape of the layer's output, channels last, without batch."""
    match layer:
        case Input() | Reshape():
            return layer.output.shape
        case Dense():
            return (*layer.input.shape[:-1], layer.weight.shape[1])
        case Conv():
            extent = tuple(d * (k - 1) + 1 for k, d in zip(layer.kernel, layer.dilations))
            return (*_windows(layer, extent), layer.weight.shape[-1])
        case MaxPool() | SumPool():
            return (*_windows(layer, layer.kernel), layer.input.channels)
        case Add():
            return layer.a.shape
        case Concat():
            return (*layer.parts[0].shape[:-1], sum(part.channels for part in layer.parts))
        case Upsample():
            spatial = (n * f for n, f in zip(layer.input.shape, layer.factors))
            return (*spatial, layer.input.channels)
        case Requantize() | Thresholds() | Lookup():
            return layer.input.shape
        case ArgMax():
            return (*layer.input.shape[:-1], 1)
        case _:
            assert_never(layer)


def _windows(layer: Conv | MaxPool | SumPool, extent: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many positions a window of this extent takes along each spatial axis."""
    spatial = layer.input.shape[:-1]
    return tuple(
        (n + before + after - e) // s + 1
        for n, (before, after), e, s in zip(spatial, layer.pads, extent, layer.strides)
    )


def output_type(layer: Layer) -> IntType:
    """Return the union of the channel ranges; bipolar where only -1 and +1 can occur."""
    if isinstance(layer, Input):
        return layer.output.type
    if _only_bipolar(layer):
        return BIPOLAR
    lo, hi = channel_range(layer)
    return IntType(int(lo.min()), int(hi.max()))


def _only_bipolar(layer: Layer) -> bool:
    match layer:
        case Input():
            return layer.output.type.bipolar
        case MaxPool() | Reshape() | Upsample() | Concat():
            return all(tensor.type.bipolar for tensor in layer.inputs)
        case Thresholds():
            if layer.thresholds.shape[1] != 1 or not np.all(abs(layer.step.array) == 2):
                return False
            return bool(np.all(layer.base.array == -np.sign(layer.step.array)))
        case Lookup():
            values = layer.table.array
            return bool(np.all(abs(values) == 1) and values.min() < values.max())
        case Dense() | Conv() | SumPool() | Add() | Requantize() | ArgMax():
            return False
        case _:
            assert_never(layer)


def channel_range(layer: Layer) -> ChannelRange:
    """Return the lowest and highest output of each channel over all inputs in range, [1] or [C]
    each.

    For sums of products these are the sums of the products' own extremes, which the
    weights themselves attain: no wider, and never too narrow.
    """
    match layer:
        case Input():
            return _constant(layer.output.type)
        case Dense():
            return _products(layer.weight.array, layer.input.type)
        case Conv():
            seen = _with_padding(layer.input.type, layer.pads)
            return _products(layer.weight.array.reshape(-1, layer.weight.shape[-1]), seen)
        case MaxPool() | Reshape() | Upsample():
            return _constant(layer.input.type)
        case SumPool():
            seen = _with_padding(layer.input.type, layer.pads)
            # The multiplier of an average that does not count padding is lcm / count, so that
            # no output exceeds the largest input times lcm.
            factor = _sum_pool_factor(layer)
            return _constant(IntType(seen.lo * factor, seen.hi * factor))
        case Add():
            a, b = layer.a.type, layer.b.type
            bound = sum(
                max(_magnitude(multiplier.array), 1) * tensor.magnitude
                for multiplier, tensor in ((layer.multiplier_a, a), (layer.multiplier_b, b))
            )
            low_a, high_a = _scaled(_exactly(layer.multiplier_a.array, bound), a)
            low_b, high_b = _scaled(_exactly(layer.multiplier_b.array, bound), b)
            return low_a + low_b, high_a + high_b
        case Concat():
            types = [part.type for part in layer.parts]
            return (
                np.repeat([t.lo for t in types], [p.channels for p in layer.parts]),
                np.repeat([t.hi for t in types], [p.channels for p in layer.parts]),
            )
        case Requantize():
            ends = [requantize(layer, np.array([[end]])) for end in _ends(layer.input.type)]
            both = np.concatenate(ends)
            return both.min(axis=0), both.max(axis=0)
        case Thresholds():
            fires = layer.thresholds.array <= layer.input.type.hi
            always = layer.thresholds.array <= layer.input.type.lo
            first = layer.base.array + layer.step.array * always.sum(axis=1)
            last = layer.base.array + layer.step.array * fires.sum(axis=1)
            return np.minimum(first, last), np.maximum(first, last)
        case Lookup():
            return layer.table.array.min(axis=1), layer.table.array.max(axis=1)
        case ArgMax():
            return _constant(IntType(0, layer.input.channels - 1))
        case _:
            assert_never(layer)


def requantize(layer: Requantize, values: IntArray) -> IntArray:
    """Return what a Requantize makes of int64 values [..., C], as its class states it."""
    product = values * layer.multiplier.array + layer.offset.array
    rounded = round_shift(product, layer.shift, layer.rounding)
    clipped: IntArray = np.clip(rounded, layer.lo, layer.hi)
    return clipped - layer.zero_point


def round_shift(values: IntArray, shift: int, rounding: Rounding) -> IntArray:
    """Return values / 2**shift rounded to integers, computed in int64 throughout."""
    if shift == 0:
        return values
    half = 1 << (shift - 1)
    match rounding:
        case Rounding.FLOOR:
            return values >> shift
        case Rounding.ROUND:
            # Round half up, then take one off where that turned a tie into an odd number.
            up: IntArray = (values + half) >> shift
            tie = (values & ((1 << shift) - 1)) == half
            return np.where(tie & ((up & 1) == 1), up - 1, up)
        case Rounding.HALF_UP:
            addend = half
        case Rounding.HALF_DOWN:
            addend = half - 1
        case Rounding.UP:
            addend = (1 << shift) - 1
        case Rounding.DOWN:
            addend = 0
        case _:
            assert_never(rounding)
    magnitude: IntArray = (abs(values) + addend) >> shift
    return np.where(values < 0, -magnitude, magnitude)


def _ends(values: IntType) -> tuple[int, int]:
    return values.lo, values.hi


def _constant(values: IntType) -> ChannelRange:
    bound = values.magnitude
    return _exactly(np.array([values.lo]), bound), _exactly(np.array([values.hi]), bound)


def _magnitude(values: IntArray) -> int:
    """Return the largest absolute value as a Python integer, which cannot overflow."""
    return max(abs(int(values.max())), abs(int(values.min()))) if values.size else 0


def _exactly(values: IntArray, bound: int) -> IntArray:
    """Return the integers as such that hold every result up to `bound`: int64, or Python's own.

    A range that int64 cannot hold would wrap in silence, and come out narrow.
    """
    return values if bound < _INT64_BOUND else values.astype(object)


def _scaled(multiplier: IntArray, values: IntType) -> ChannelRange:
    ends = np.stack([multiplier * values.lo, multiplier * values.hi])
    return ends.min(axis=0), ends.max(axis=0)


def _products(weight: IntArray, values: IntType) -> ChannelRange:
    """Return the range of sum_i x_i * weight[i, o] for x_i in lo..hi."""
    weight = _exactly(weight, max(_magnitude(weight), 1) * max(len(weight), 1) * values.magnitude)
    positive = np.where(weight > 0, weight, 0).sum(axis=0)
    negative = np.where(weight < 0, weight, 0).sum(axis=0)
    low = positive * values.lo + negative * values.hi
    high = positive * values.hi + negative * values.lo
    return low, high


def _with_padding(values: IntType, pads: tuple[tuple[int, int], ...]) -> IntType:
    """Return the range with zero in it where the input is padded."""
    if not any(before or after for before, after in pads):
        return values
    return IntType(min(values.lo, 0), max(values.hi, 0))


def _sum_pool_factor(layer: SumPool) -> int:
    """Return the most that a window can multiply its largest input by."""
    if layer.multiplier is None:
        return prod(layer.kernel)
    return int((layer.multiplier.array * window_counts(layer)).max())


def window_counts(layer: SumPool) -> IntArray:
    """Return how many real (not padded) inputs each output position covers: [*spatial_out]."""
    counts: IntArray = np.ones(1, dtype=np.int64)
    for n, (before, _), k, s, positions in zip(
        layer.input.shape[:-1], layer.pads, layer.kernel, layer.strides, output_shape(layer)
    ):
        starts = np.arange(positions) * s - before
        covered = np.minimum(starts + k, n) - np.maximum(starts, 0)
        counts = np.multiply.outer(counts, covered)
    only: IntArray = counts[0]
    return only
