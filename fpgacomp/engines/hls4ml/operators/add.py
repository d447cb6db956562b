"""Add: two tensors on one common scale, each times a constant, as a call of fpgacomp_add.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Setting
from fpgacomp.engines.hls4ml.emit.nodes import Extension, elements, parameter
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.without_folding import UnfoldedOperator
from fpgacomp.engines.hls4ml.registers import at_once, output_registers
from fpgacomp.engines.hls4ml.timing import Timing, word_loop
from fpgacomp.engines.shared.terms import Terms, constant_products, unit_terms
from fpgacomp.ir.layers import Add


@dataclass(frozen=True)
class AddOperator(UnfoldedOperator[Add]):
    """An adder per element behind two products by constants."""

    def nodes(self, planner: Planner) -> str:
        weights = {
            "multiplier_a": parameter(self.layer.multiplier_a.array),
            "multiplier_b": parameter(self.layer.multiplier_b.array),
        }
        constants = elements(self.layer.output) | {
            f"{name}_rows": weight.values.size for name, weight in weights.items()
        }
        extension = Extension("add", "fpgacomp_add.h", constants, {}, tuple(weights))
        return planner.call(self.layer, extension, weights)

    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        layer, lanes = self.layer, at_once(self.layer.output, setting)
        for tensor, by in ((layer.a, layer.multiplier_a), (layer.b, layer.multiplier_b)):
            yield constant_products(by, lanes, tensor.type.bits)
        yield unit_terms({"adder": lanes * layer.output.type.bits})
        yield output_registers(layer.output, setting)

    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return Timing(1, 1, folding.reuse_factor)

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return word_loop(self.layer, folding)
