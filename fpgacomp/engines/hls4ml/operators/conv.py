"""Conv: a sum of products over a window, by hls4ml's own convolution layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Hls4mlStrategy, IoType, Setting
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.base import CalibrationKind
from fpgacomp.engines.hls4ml.operators.convolution import convolution
from fpgacomp.engines.hls4ml.operators.with_matrix import SHARED_KIND, MatrixOperator
from fpgacomp.engines.hls4ml.thinning import thinned
from fpgacomp.engines.hls4ml.timing import Timing, stream_convolution
from fpgacomp.engines.hls4ml.windows import line_buffer, padded_extent, words_to_fill
from fpgacomp.engines.shared.divisors import divisors
from fpgacomp.engines.shared.terms import Terms, fifo_terms, process_terms
from fpgacomp.ir.layers import Conv
from fpgacomp.ir.types import IntArray

MOST_PARALLEL = 12  # numbers of output positions at once that a search considers


@dataclass(frozen=True)
class ConvOperator(MatrixOperator[Conv]):
    """A convolution; groups and dilation are zeros in its kernel.

    A depthwise convolution stays one: window * channels products, one column per channel.
    """

    def nodes(self, planner: Planner) -> str:
        layer = self.layer
        kernel = _dilated(layer.weight.array, layer.dilations)
        # A one-row window makes hls4ml's depthwise stream declare a line buffer of no lines.
        depthwise = layer.depthwise and (kernel.ndim == 3 or kernel.shape[0] > 1)
        if depthwise:
            kernel = kernel.swapaxes(-1, -2)  # [*kernel, 1, C] -> [*kernel, C, 1]
        elif layer.groups > 1:
            kernel = _block_diagonal(kernel, layer.groups)
        return convolution(
            planner, layer, kernel, layer.strides, layer.pads, depthwise=depthwise,
            sums=self.planned_sums(planner),
        )  # fmt: skip

    @property
    def window(self) -> tuple[int, ...]:
        """The kernel's extent as the hardware has it: dilation is zeros inserted into it."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.layer.kernel, self.layer.dilations))

    @property
    def matrix_shape(self) -> tuple[int, int]:
        return prod(self.window) * self.layer.input.channels, self.layer.output.channels

    @property
    def products(self) -> int:
        n_in, n_out = self.matrix_shape
        return n_in if self.layer.depthwise else n_in * n_out

    @property
    def summands(self) -> int:
        return prod(self.window) if self.layer.depthwise else self.matrix_shape[0]

    @property
    def matrix(self) -> IntArray:
        layer = self.layer
        kernel = _dilated(layer.weight.array, layer.dilations)
        if layer.groups > 1:
            kernel = _block_diagonal(kernel, layer.groups)
        return kernel.reshape(self.matrix_shape)

    @property
    def strategies(self) -> tuple[Hls4mlStrategy, ...]:
        """The Resource form of a depthwise convolution aborts by a C assert in io_parallel.

        One filter per channel has nothing to share with the others.
        """
        if self.layer.depthwise:
            return ("latency",)
        return ("latency", "resource", "distributed_arithmetic")

    @property
    def is_pointwise(self) -> bool:
        return prod(self.window) == 1 and not self.layer.depthwise

    @property
    def has_positions(self) -> bool:
        return True

    def stream_buffers(self) -> Iterator[Terms]:
        layer = self.layer
        yield line_buffer(layer.input, self.window, layer.pads)
        if any(before or after for before, after in layer.pads):
            yield process_terms()  # the zero-padding process in front
            yield fifo_terms(layer.input.channels * layer.input.type.bits, layer.input.pixels)

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        """One input pixel per step."""
        extent = padded_extent(self.layer)
        return stream_convolution(
            self.unit(folding, setting),
            pixels=prod(extent), fill=words_to_fill(extent, self.window),
        )  # fmt: skip

    def calibration_kind(self, folding: Hls4mlFolding) -> CalibrationKind:
        # Under Latency nearly all of it is constants; under Resource its window and its loop count.
        match folding.strategy:
            case "latency":
                return "latency"
            case "resource":
                return "conv"
            case "distributed_arithmetic":
                return SHARED_KIND

    def foldings(self, io_type: IoType) -> tuple[Hls4mlFolding, ...]:
        found = super().foldings(io_type)
        return (*found, *self._parallel_positions()) if io_type == "io_parallel" else found

    def _parallel_positions(self) -> Iterator[Hls4mlFolding]:
        """Several output positions per cycle, each with its own products."""
        counts = [n for n in divisors(self.layer.output.pixels) if n > 1]
        for count in thinned(counts, MOST_PARALLEL):
            folding = Hls4mlFolding("latency", 1, count)
            if not self.problems(folding, "io_parallel"):
                yield folding


def _dilated(weight: IntArray, dilations: tuple[int, ...]) -> IntArray:
    """The kernel with dilation - 1 zeros between its taps."""
    if all(d == 1 for d in dilations):
        return weight
    rank = len(dilations)
    extent = tuple(d * (k - 1) + 1 for k, d in zip(weight.shape, dilations))
    kernel = np.zeros((*extent, *weight.shape[rank:]), dtype=np.int64)
    kernel[tuple(slice(None, None, d) for d in dilations)] = weight
    return kernel


def _block_diagonal(weight: IntArray, groups: int) -> IntArray:
    """[*kernel, c_in, groups * c_out] -> [*kernel, groups * c_in, groups * c_out] with zeros."""
    *kernel, c_in, total_out = weight.shape
    c_out = total_out // groups
    full = np.zeros((*kernel, groups * c_in, total_out), dtype=np.int64)
    for g in range(groups):
        outputs = slice(g * c_out, (g + 1) * c_out)
        full[..., g * c_in : (g + 1) * c_in, outputs] = weight[..., outputs]
    return full
