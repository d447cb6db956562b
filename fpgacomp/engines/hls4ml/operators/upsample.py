"""Upsample: every position repeated along each spatial axis, by a call of fpgacomp_upsample.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Setting
from fpgacomp.engines.hls4ml.emit.nodes import Constants, Extension
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.without_folding import UnfoldedOperator
from fpgacomp.engines.hls4ml.registers import output_registers
from fpgacomp.engines.hls4ml.timing import WIRES, Timing, word_loop
from fpgacomp.engines.hls4ml.windows import plane
from fpgacomp.engines.shared.terms import Terms
from fpgacomp.ir.layers import Upsample


@dataclass(frozen=True)
class UpsampleOperator(UnfoldedOperator[Upsample]):
    """Wires in io_parallel; in io_stream a process that writes each word several times."""

    def nodes(self, planner: Planner) -> str:
        height, width = plane(self.layer.input.shape[:-1])
        down, across = plane(self.layer.factors)
        constants: Constants = {
            "in_height": height, "in_width": width, "n_channels": self.layer.input.channels,
            "factor_height": down, "factor_width": across,
        }  # fmt: skip
        extension = Extension("upsample", "fpgacomp_upsample.h", constants)
        return planner.call(self.layer, extension)

    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        yield output_registers(self.layer.output, setting)

    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return WIRES

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return word_loop(self.layer, folding)
