"""ScaledAdd: the sum of two tensors, each times its factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.emit.calls import Call, call_with_tables
from fpgacomp.engines.stream.emit.tables import per_channel
from fpgacomp.engines.stream.estimate.memory import added
from fpgacomp.engines.stream.estimate.terms import scaling_terms, word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, Named
from fpgacomp.engines.stream.rtl.instance import Instance, Parameter, element, rows, signed_bits
from fpgacomp.engines.stream.rtl.instance import per_channel as channel_rows
from fpgacomp.engines.stream.streams import Stream, element_bits
from fpgacomp.engines.stream.timing.steps import Steps, word_steps
from fpgacomp.ir.layers import Add
from fpgacomp.ir.types import IntType


@dataclass(frozen=True, kw_only=True)
class ScaledAdd(Named):
    """Adds two streams word by word.

    Args:
        add: the layer, which has the factors.
    """

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    a: Stream
    b: Stream
    output: Stream
    add: Add

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.a, self.b)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.output,)

    @property
    def cycles(self) -> int:
        return self.output.words

    def steps(self, limit: int) -> Steps:
        return word_steps(2, 1, self.output.words, limit)

    def terms(self, port_bits: int) -> Terms:
        add, lanes = self.add, self.output.lanes
        channels = self.output.elements // max(add.output.pixels, 1)
        sides = [
            scaling_terms(factors, lanes, channels, element_bits(stream.type))
            for factors, stream in ((add.multiplier_a, self.a), (add.multiplier_b, self.b))
        ]
        return added(word_terms(self.output.bits, adder=self.output.bits), *sides)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        layer, lanes = self.add, self.output.lanes
        factors = (layer.multiplier_a, layer.multiplier_b)
        if all(np.all(factor.array == 1) for factor in factors):
            return Call("add", (self.output.words,), streams)
        roms = [
            per_channel(f"{tables}_{side}", f"Factors of {layer.name}'s input {side}.", one, lanes)
            for side, one in zip("ab", factors)
        ]
        parameters = (layer.output.channels, layer.output.pixels)
        return call_with_tables("scaled_add", parameters, streams, *roms)

    def stages(self, port_bits: int) -> int:
        return 3

    def instance(self, tables: str, port_bits: int) -> Instance:
        layer, lanes = self.add, self.output.lanes
        parameters: dict[str, Parameter] = {
            "LANES": lanes, "GROUPS": self.output.elements // max(layer.output.pixels, 1) // lanes,
            **element("A", self.a.type), **element("B", self.b.type),
            **element("OUT", self.output.type), "WIDE": signed_bits(self.output.type) + 1,
        }  # fmt: skip
        files: dict[str, bytes] = {}
        for side, factors in (("A", layer.multiplier_a), ("B", layer.multiplier_b)):
            kind = IntType.of_values(factors.array)
            file = f"{tables}_{side.lower()}.mem"
            table = rows(f"FACTOR_{side}_", file, channel_rows(factors, lanes), kind)
            parameters |= {
                **element(f"FACTOR_{side}", kind),
                f"FACTOR_{side}_ROWS": table.count,
                **table.parameters,
            }
            files |= table.files
        return Instance("fpgacomp_scaled_add", parameters, files)
