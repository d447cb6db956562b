"""SumOver: the sum of each window."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Call, call_with_tables
from fpgacomp.engines.stream.emit.tables import rom
from fpgacomp.engines.stream.estimate.memory import added, rom_terms
from fpgacomp.engines.stream.estimate.terms import word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance, element, rows
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Steps, gathering, repeated_steps
from fpgacomp.ir.types import Ints, IntType


@dataclass(frozen=True, kw_only=True)
class SumOver(OneToOne):
    """Writes the sum of each `taps` consecutive words, lane by lane.

    Args:
        multiplier: [positions] what the sums of each output position are multiplied by;
            None for nothing.
    """

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    taps: int
    channels: int
    multiplier: Ints | None

    @property
    def cycles(self) -> int:
        return max(self.input.words, self.output.words)

    def steps(self, limit: int) -> Steps:
        return repeated_steps(gathering(self.taps), self.output.words, limit)

    def terms(self, port_bits: int) -> Terms:
        bits = self.output.bits
        terms = word_terms(bits, adder=bits)
        if self.multiplier is None:
            return terms
        factor = int(self.multiplier.array.max()).bit_length()
        adder = self.output.lanes * factor * (self.output.type.bits + 1)
        table = rom_terms(factor, prod(self.multiplier.shape), "auto")
        return added(terms, unit_terms({"adder": adder}), table)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        parameters = (self.taps, self.channels, self.output.elements // self.channels)
        if self.multiplier is None:
            return Call("sum_pool", parameters, streams)
        factors = self.multiplier.array.reshape(-1, 1)
        title = f"Factor of each output position of {self.layer}."
        table = rom(tables, title, factors, IntType.of_values(factors), "auto")
        return call_with_tables("sum_pool", parameters, streams, table)

    def stages(self, port_bits: int) -> int:
        return 2

    def instance(self, tables: str, port_bits: int) -> Instance:
        lanes, kind = self.input.lanes, self.output.type
        parameters = {
            "LANES": lanes, **element("IN", self.input.type), "OUT_BITS": element_bits(kind),
            "TAPS": self.taps, "GROUPS": self.channels // lanes,
        }  # fmt: skip
        if self.multiplier is None:
            return Instance("fpgacomp_sum_over", parameters)
        factors = self.multiplier.array.reshape(-1, 1)
        factor = IntType.of_values(factors)
        table = rows("", f"{tables}.mem", factors, factor)
        parameters |= {
            "FACTOR_BITS": element_bits(factor),
            "FACTOR_ROWS": table.count,
            **table.parameters,
        }
        return Instance("fpgacomp_sum_over", parameters, table.files)
