"""Dense: a vector times a matrix, by hls4ml's own Dense or pointwise convolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Hls4mlStrategy, Setting
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.base import CalibrationKind
from fpgacomp.engines.hls4ml.operators.convolution import convolution, types, weights
from fpgacomp.engines.hls4ml.operators.with_matrix import SHARED_KIND, STREAM_PIXEL, MatrixOperator
from fpgacomp.engines.hls4ml.timing import Timing, product_cycles
from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.ir.layers import Dense
from fpgacomp.ir.types import IntArray

# Cycles that a Dense process takes in io_stream beside its product: to read the vector's words
# and to write the result, or only to write it where the product runs at every position.
VECTOR_OVERHEAD = 4
POSITION_OVERHEAD = 2


@dataclass(frozen=True)
class DenseOperator(MatrixOperator[Dense]):
    """One product with the matrix per position."""

    def nodes(self, planner: Planner) -> str:
        """Dense on a vector, or a pointwise convolution where there are positions.

        hls4ml would make that replacement itself, silently (multi_dense.py); here it is asked
        for.
        """
        layer, (n_in, n_out) = self.layer, self.matrix_shape
        if len(layer.output.shape) > 1:
            ones = (1,) * (len(layer.output.shape) - 1)
            kernel = layer.weight.array.reshape(*ones, n_in, n_out)
            sums = self.planned_sums(planner)
            return convolution(planner, layer, kernel, ones, ((0, 0),) * len(ones), sums=sums)
        matrix = layer.weight.array
        return planner.hls4ml(
            "Dense", layer.output, (planner.read_shaped(layer.input),),
            {"n_in": n_in, "n_out": n_out}, folding=planner.folding(layer),
            weights=weights(matrix), types=types(matrix, layer.output),
            sums=self.planned_sums(planner),
        )  # fmt: skip

    @property
    def matrix_shape(self) -> tuple[int, int]:
        n_in, n_out = self.layer.weight.shape
        return n_in, n_out

    @property
    def products(self) -> int:
        return self.layer.weight.array.size

    @property
    def summands(self) -> int:
        return self.matrix_shape[0]

    @property
    def matrix(self) -> IntArray:
        return self.layer.weight.array

    @property
    def strategies(self) -> tuple[Hls4mlStrategy, ...]:
        return ("latency", "resource", "distributed_arithmetic")

    @property
    def is_pointwise(self) -> bool:
        return self.layer.output.pixels > 1

    @property
    def has_positions(self) -> bool:
        return self.layer.output.pixels > 1

    def stream_buffers(self) -> Iterator[Terms]:
        bits = self.layer.input.channels * self.layer.input.type.bits
        yield unit_terms({}, {"register": bits})

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        latency, interval = product_cycles(self.unit(folding, setting))
        words = self.layer.output.pixels
        if words == 1:
            cycles = latency + VECTOR_OVERHEAD
            return Timing(cycles, cycles, cycles)
        step = interval + STREAM_PIXEL if folding.strategy == "resource" else interval
        return Timing(latency + POSITION_OVERHEAD, words * step + latency, words * step)

    def calibration_kind(self, folding: Hls4mlFolding) -> CalibrationKind:
        return SHARED_KIND if folding.strategy == "distributed_arithmetic" else folding.strategy
