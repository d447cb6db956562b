"""Cycles of hls4ml layers: to the first output, to the last, and between frames."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import assert_never

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.estimate.layers import product_unit
from fpgacomp.engines.hls4ml.limits import positions
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
    SumPool,
    Thresholds,
    Upsample,
    WeightLayer,
)


@dataclass(frozen=True)
class Timing:
    """One layer alone, its input always ready.

    Args:
        first: cycles from its first input word to its first output word.
        cycles: from its first input word to its last output word.
        interval: between frames.
    """

    first: int
    cycles: int
    interval: int


def layer_timing(
    layer: Layer, folding: Hls4mlFolding, io_type: IoType, clock_ns: float, level_ns: float
) -> Timing:
    """Cycles of one layer under its folding."""
    if io_type == "io_stream":
        return _stream(layer, folding, clock_ns, level_ns)
    return _parallel(layer, folding, clock_ns, level_ns)


def _parallel(layer: Layer, folding: Hls4mlFolding, clock_ns: float, level_ns: float) -> Timing:
    match layer:
        case Input() | Reshape() | Concat() | Upsample():
            return Timing(0, 0, 1)
        case Dense() | Conv():
            per_step, interval = _product_cycles(layer, folding, clock_ns, level_ns)
            steps = ceil(positions(layer) / folding.parallelization)
            if steps == 1:
                return Timing(per_step, per_step, interval)
            if folding.strategy == "latency":
                cycles = steps * interval + per_step
            else:
                cycles = steps * (folding.reuse_factor + RESOURCE_STEP)
            return Timing(cycles, cycles, cycles)
        case MaxPool() | SumPool():
            return _tree(prod(layer.kernel), folding, clock_ns, level_ns)
        case ArgMax():
            return _tree(layer.input.channels, folding, clock_ns, level_ns)
        case Requantize() | Thresholds() | Lookup() if folding.reuse_factor > 1:
            cycles = folding.reuse_factor + LANE_STEPS
            return Timing(cycles, cycles, cycles)
        case Add() | Requantize() | Thresholds() | Lookup():
            return Timing(1, 1, folding.reuse_factor)
        case _:
            assert_never(layer)


def _tree(leaves: int, folding: Hls4mlFolding, clock_ns: float, level_ns: float) -> Timing:
    """A balanced tree of two-input operators, pipelined."""
    depth = max(1, ceil(leaves.bit_length() * level_ns / clock_ns) - 1)
    return Timing(depth, depth, folding.reuse_factor)


# Cycles that an io_parallel Resource convolution adds per position: the window is filled,
# the accumulators are set and the result is cast outside the reuse loop.
RESOURCE_STEP = 5
# The same in io_stream (csynth: 47 cycles per pixel at RF 36, 83 at RF 72), and what an
# input pixel takes that completes no window.
STREAM_RESOURCE_STEP = 11
STREAM_PIXEL = 4
# What shifting a two-dimensional line buffer takes per pixel, at least (2355 cycles for 784
# pixels, 1204 for 400).
STREAM_WINDOW_STEP = 3
# What a loop over words or lanes takes beside its iterations: to fill, drain and start again.
LANE_STEPS = 3


def _product_cycles(
    layer: WeightLayer, folding: Hls4mlFolding, clock_ns: float, level_ns: float
) -> tuple[int, int]:
    """(latency, interval) of one output position."""
    unit = product_unit(layer, folding, clock_ns, level_ns)
    if folding.strategy == "latency":
        latency = unit.depth + unit.shared_cycles
        # A pipelined function never waits longer than it takes.
        return latency, min(folding.reuse_factor, latency + 1)
    return folding.reuse_factor + unit.depth, folding.reuse_factor


def _stream(layer: Layer, folding: Hls4mlFolding, clock_ns: float, level_ns: float) -> Timing:
    words = layer.output.pixels
    match layer:
        case Input():
            return Timing(0, words, words)
        case Dense():
            latency, interval = _product_cycles(layer, folding, clock_ns, level_ns)
            if words > 1:
                step = interval if folding.strategy == "latency" else interval + STREAM_PIXEL
                return Timing(latency + 2, words * step + latency, words * step)
            return Timing(latency + 4, latency + 4, latency + 4)
        case Conv():
            return _stream_conv(layer, folding, clock_ns, level_ns)
        case MaxPool() | SumPool():
            # hls_templates/hls4ml/nnet_utils/fpgacomp_pool.h: one padded position per II.
            padded = _padded(layer)
            read = prod(padded) * folding.reuse_factor + 4
            return Timing(_fill((*padded, 1), layer.kernel) * folding.reuse_factor + 3, read, read)
        case ArgMax() if words == 1:
            return _tree(layer.input.channels, folding, clock_ns, level_ns)
        case (
            Reshape()
            | Concat()
            | Upsample()
            | Add()
            | Requantize()
            | Thresholds()
            | Lookup()
            | ArgMax()
        ):
            per_word = folding.reuse_factor
            moved = max(words, *(tensor.pixels for tensor in layer.inputs))
            if moved == 1 and per_word == 1:
                return Timing(1, 1, 1)
            cycles = moved * per_word + LANE_STEPS
            return Timing(per_word + LANE_STEPS - 1, cycles, cycles)
        case _:
            assert_never(layer)


def _stream_conv(layer: Conv, folding: Hls4mlFolding, clock_ns: float, level_ns: float) -> Timing:
    """One input pixel per step; Resource is not pipelined over pixels (nnet_conv2d_stream.h)."""
    padded = _padded(layer)
    extent = tuple(d * (k - 1) + 1 for k, d in zip(layer.kernel, layer.dilations))
    pixels, outputs = prod(padded), layer.output.pixels
    latency, interval = _product_cycles(layer, folding, clock_ns, level_ns)
    fill = _fill((*padded, 1), extent)
    if folding.strategy == "latency":
        interval = max(interval, STREAM_WINDOW_STEP if len(extent) == 2 else 1)
        cycles = pixels * interval + latency + 2
        return Timing(fill * interval + latency, cycles, cycles)
    cycles = pixels * STREAM_PIXEL + outputs * (
        folding.reuse_factor + STREAM_RESOURCE_STEP - STREAM_PIXEL
    )
    return Timing(fill * STREAM_PIXEL + folding.reuse_factor, cycles, cycles)


def _padded(layer: Conv | MaxPool | SumPool) -> tuple[int, ...]:
    """Spatial extent of the padded input."""
    return tuple(
        n + before + after for n, (before, after) in zip(layer.input.shape[:-1], layer.pads)
    )


def _fill(shape: tuple[int, ...], kernel: tuple[int, ...]) -> int:
    """Words before the first window is complete."""
    width = shape[-2]
    return (kernel[0] - 1) * width + kernel[-1] if len(kernel) == 2 else kernel[0]
