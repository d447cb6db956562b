"""MaxOver: the maximum of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.estimate.memory import added
from fpgacomp.engines.stream.estimate.terms import word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance, kind_code
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Steps, gathering, repeated_steps


@dataclass(frozen=True, kw_only=True)
class MaxOver(OneToOne):
    """Writes the largest of each `taps` consecutive words, lane by lane."""

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    taps: int

    @property
    def cycles(self) -> int:
        return max(self.input.words, self.output.words)

    def steps(self, limit: int) -> Steps:
        return repeated_steps(gathering(self.taps), self.output.words, limit)

    def terms(self, port_bits: int) -> Terms:
        bits = self.output.bits
        return added(word_terms(bits), unit_terms({"maximum": bits}, {"register": bits}))

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        return Call("max_pool", (self.taps, self.output.words), streams)

    def stages(self, port_bits: int) -> int:
        return 1

    def instance(self, tables: str, port_bits: int) -> Instance:
        kind = self.input.type
        return Instance(
            "fpgacomp_max",
            {"LANES": self.input.lanes, "BITS": element_bits(kind), "KIND": kind_code(kind),
             "TAPS": self.taps},
        )  # fmt: skip
