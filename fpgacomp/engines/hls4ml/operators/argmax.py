"""ArgMax: the index of the largest channel, by a call of fpgacomp_argmax.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Setting
from fpgacomp.engines.hls4ml.emit.nodes import Extension, ap_type, elements
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.without_folding import UnfoldedOperator
from fpgacomp.engines.hls4ml.registers import output_registers
from fpgacomp.engines.hls4ml.timing import Timing, tree, word_loop
from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.ir.layers import ArgMax


@dataclass(frozen=True)
class ArgMaxOperator(UnfoldedOperator[ArgMax]):
    """A tree of comparisons per position; the index is selected along with the value."""

    def nodes(self, planner: Planner) -> str:
        layer = self.layer
        typedefs = {"value_t": ap_type(layer.input.type), "index_t": ap_type(layer.output.type)}
        extension = Extension("argmax", "fpgacomp_argmax.h", elements(layer.input), typedefs)
        return planner.call(layer, extension)

    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        layer = self.layer
        compared = (layer.input.channels - 1) * (1 if setting.stream else layer.output.pixels)
        bits = layer.input.type.bits + layer.output.type.bits
        # A comparison takes one LUT per bit, the selection behind it half of one.
        yield unit_terms({"adder": 1.5 * compared * bits})
        yield output_registers(layer.output, setting)

    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return tree(self.layer.input.channels, folding, setting)

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        if self.layer.output.pixels == 1:
            return tree(self.layer.input.channels, folding, setting)
        return word_loop(self.layer, folding)
