"""MaxPool and SumPool: windows of a maximum or a sum, by calls of fpgacomp_pool.h."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TypeVar

import numpy as np

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Setting
from fpgacomp.engines.hls4ml.emit.nodes import Constants, Extension, NodeWeights, ap_type, parameter
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.without_folding import UnfoldedOperator
from fpgacomp.engines.hls4ml.registers import at_once, output_registers
from fpgacomp.engines.hls4ml.timing import Timing, tree
from fpgacomp.engines.hls4ml.windows import line_buffer, padded_extent, plane, words_to_fill
from fpgacomp.engines.shared.terms import Terms, constant_products, partial_results, unit_terms
from fpgacomp.ir.layers import MaxPool, SumPool
from fpgacomp.ir.types import Ints, IntType

PoolT_co = TypeVar("PoolT_co", bound=MaxPool | SumPool, covariant=True)
# Cycles that the kernel's loop over positions takes beside its iterations: up to its first
# output word, and in all.
FIRST_OVERHEAD = 3
LOOP_OVERHEAD = 4


@dataclass(frozen=True)
class PoolOperator(UnfoldedOperator[PoolT_co]):
    """A tree of two-input operators over the window of each element."""

    @property
    @abstractmethod
    def function(self) -> str:
        """Name of the kernel in fpgacomp_pool.h."""

    @property
    @abstractmethod
    def padding(self) -> int:
        """Value of a padded position."""

    @property
    @abstractmethod
    def factors(self) -> Ints | None:
        """One factor per output position, where results are scaled."""

    @property
    @abstractmethod
    def window_type(self) -> IntType:
        """Range of what one window holds before its factor."""

    @property
    @abstractmethod
    def cell(self) -> str:
        """Term that counts the bits of its two-input operators."""

    @property
    def windows_are_separate(self) -> bool:
        """Whether no two windows overlap, as pool_separate of fpgacomp_pool.h requires."""
        return all(s >= k for s, k in zip(self.layer.strides, self.layer.kernel))

    def nodes(self, planner: Planner) -> str:
        extension, weights = self.extension()
        return planner.call(self.layer, extension, weights)

    def extension(self) -> tuple[Extension, dict[str, NodeWeights]]:
        """The kernel's call, 1-D or 2-D, and the weights that it carries."""
        factors = np.ones(1, dtype=np.int64) if self.factors is None else self.factors.array
        weights = {"multiplier": parameter(factors)}
        constants = self._geometry() | {
            "padding": self.padding, "scaled": self.factors is not None,
            "n_multipliers": factors.size,
        }  # fmt: skip
        typedefs = {"accum_t": ap_type(self.window_type)}
        header = "fpgacomp_pool.h"
        return Extension(self.function, header, constants, typedefs, tuple(weights)), weights

    def _geometry(self) -> Constants:
        layer = self.layer
        kernel, strides = plane(layer.kernel), plane(layer.strides)
        (top, bottom), (left, right) = ((0, 0), *layer.pads)[-2:]
        in_height, in_width = plane(layer.input.shape[:-1])
        out_height, out_width = plane(layer.output.shape[:-1])
        return {
            "in_height": in_height, "in_width": in_width, "n_channels": layer.input.channels,
            "kernel_height": kernel[0], "kernel_width": kernel[1],
            "stride_height": strides[0], "stride_width": strides[1],
            "pad_top": top, "pad_left": left,
            "padded_height": in_height + top + bottom, "padded_width": in_width + left + right,
            "out_height": out_height, "out_width": out_width,
        }  # fmt: skip

    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        layer, lanes = self.layer, at_once(self.layer.output, setting)
        separate = setting.stream and self.windows_are_separate
        # Windows that do not overlap are reduced as their elements arrive (pool_separate).
        operators = lanes if separate else (prod(layer.kernel) - 1) * lanes
        yield unit_terms({self.cell: operators * self.window_type.bits})
        yield output_registers(layer.output, setting)
        if self.factors is not None:
            yield constant_products(self.factors, lanes, layer.output.type.bits)
        if separate:
            # One partial result per output column and channel, in registers of LUTs.
            columns = layer.output.shape[-2] if len(layer.output.shape) > 1 else 1
            yield partial_results(columns, layer.output.channels * self.window_type.bits)
        elif setting.stream:
            yield line_buffer(layer.input, layer.kernel, layer.pads)

    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return tree(prod(self.layer.kernel), folding, setting)

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        """The kernel reads one padded position per initiation interval."""
        extent, per_word = padded_extent(self.layer), folding.reuse_factor
        cycles = prod(extent) * per_word + LOOP_OVERHEAD
        fill = words_to_fill(extent, self.layer.kernel)
        return Timing(fill * per_word + FIRST_OVERHEAD, cycles, cycles)


@dataclass(frozen=True)
class MaxPoolOperator(PoolOperator[MaxPool]):
    """A padded position holds the input's least value, so that it never wins."""

    @property
    def function(self) -> str:
        return "maxpool"

    @property
    def padding(self) -> int:
        return self.layer.input.type.lo

    @property
    def factors(self) -> None:
        return None

    @property
    def window_type(self) -> IntType:
        return self.layer.input.type

    @property
    def cell(self) -> str:
        return "maximum"


@dataclass(frozen=True)
class SumPoolOperator(PoolOperator[SumPool]):
    """A sum over the zero-padded input, times a factor where positions count unequally."""

    @property
    def function(self) -> str:
        return "sumpool"

    @property
    def padding(self) -> int:
        return 0

    @property
    def factors(self) -> Ints | None:
        return self.layer.multiplier

    @property
    def window_type(self) -> IntType:
        if self.layer.multiplier is None:
            return self.layer.output.type
        data, taps = self.layer.input.type, prod(self.layer.kernel)
        return IntType(min(data.lo, 0) * taps, max(data.hi, 0) * taps)

    @property
    def cell(self) -> str:
        return "adder"
