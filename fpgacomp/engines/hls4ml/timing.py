"""Cycles of one hls4ml layer: to its first output, to its last, and between frames."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Protocol

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Setting
from fpgacomp.engines.shared.release import VITIS_2022, Release, release_of
from fpgacomp.engines.shared.terms import Strategy
from fpgacomp.ir.layers import Layer

# Cycles that a loop over words or lanes takes beside its iterations: to fill its pipeline, to
# drain it and to start again.
LOOP_OVERHEAD = 3
# Cycles that an io_stream Resource convolution takes per input pixel beside its reuse factor: the
# reports state 4 to 11 (hls4ml_csynth_layers.csv).
STREAM_RESOURCE_STEP = 8
# Least cycles per input pixel of an io_stream Latency convolution, by the release of the tool.
# Vivado HLS 2019 and 2020 shift a line buffer in one cycle, Vitis HLS takes three.
WINDOW_STEP_BEFORE_2022 = 1
WINDOW_STEP = 3
DEFAULT_TOOL = "2024.1"  # release of the vendor tool that is predicted where none is stated
DEFAULT_RELEASE = release_of(DEFAULT_TOOL)


@dataclass(frozen=True)
class Timing:
    """Cycles of one layer alone, its input always ready.

    Args:
        first: cycles from its first input word to its first output word.
        cycles: cycles from its first input word to its last output word.
        interval: cycles between the starts of two frames.
    """

    first: int
    cycles: int
    interval: int


class Sums(Protocol):
    """What the cycles of a sum of products follow from."""

    @property
    def strategy(self) -> Strategy: ...

    @property
    def reuse_factor(self) -> int: ...

    @property
    def depth(self) -> int: ...

    @property
    def shared_cycles(self) -> int: ...


WIRES = Timing(0, 0, 1)  # of a layer in io_parallel that only renames its input's elements


def tree(leaves: int, folding: Hls4mlFolding, setting: Setting) -> Timing:
    """Cycles of a balanced, pipelined tree of two-input operators."""
    delay_ns = leaves.bit_length() * setting.level_ns
    depth = max(1, ceil(delay_ns / setting.clock_ns) - 1)
    return Timing(depth, depth, folding.reuse_factor)


def word_loop(layer: Layer, folding: Hls4mlFolding) -> Timing:
    """Cycles of a stream process that takes `reuse_factor` cycles for each word it moves.

    It moves as many words as the longest of its input and output streams has per frame.
    """
    per_word = folding.reuse_factor
    moved = max(layer.output.pixels, *(tensor.pixels for tensor in layer.inputs))
    if moved == 1 and per_word == 1:
        return Timing(1, 1, 1)
    cycles = moved * per_word + LOOP_OVERHEAD
    return Timing(per_word + LOOP_OVERHEAD - 1, cycles, cycles)


def product_cycles(unit: Sums) -> tuple[int, int]:
    """(latency, interval) in cycles of a sum of products at one output position."""
    if unit.strategy == "latency":
        latency = unit.depth + unit.shared_cycles
        # A pipelined function never waits longer than it takes.
        return latency, min(unit.reuse_factor, latency + 1)
    return unit.reuse_factor + unit.depth, unit.reuse_factor


def window_step(release: Release) -> int:
    """Least cycles per input pixel of a sliding window, as this release builds it."""
    return WINDOW_STEP if release >= VITIS_2022 else WINDOW_STEP_BEFORE_2022


def stream_convolution(
    unit: Sums, *, pixels: int, fill: int, release: Release = DEFAULT_RELEASE
) -> Timing:
    """Cycles of a convolution in io_stream, which takes its input pixel by pixel.

    Resource has no pipeline over the pixels: every one of them, whether it completes a window
    or not, takes the reuse factor and STREAM_RESOURCE_STEP (nnet_conv2d_stream.h).

    Args:
        pixels: of the padded input.
        fill: pixels that are read before the first window is complete.
        release: of the vendor tool.
    """
    latency, interval = product_cycles(unit)
    if unit.strategy == "latency":
        step = max(interval, window_step(release))
        cycles = pixels * step + latency + 2
        return Timing(fill * step + latency, cycles, cycles)
    step = unit.reuse_factor + STREAM_RESOURCE_STEP
    return Timing(fill * step, pixels * step, pixels * step)
