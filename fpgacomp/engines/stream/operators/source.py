"""Source: the beginning of a design, from an AXI stream to words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.estimate.terms import word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, Named
from fpgacomp.engines.stream.rtl.instance import Instance, kind_code
from fpgacomp.engines.stream.streams import Stream, container_bits, element_bits
from fpgacomp.engines.stream.timing.steps import Steps, word_steps


@dataclass(frozen=True, kw_only=True)
class Source(Named):
    """Turns a graph input's AXI stream into words."""

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    output: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return ()

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.output,)

    @property
    def cycles(self) -> int:
        return self.output.words

    def steps(self, limit: int) -> Steps:
        return word_steps(0, 1, self.output.words, limit)

    def terms(self, port_bits: int) -> Terms:
        return word_terms(self.output.bits)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        parameters = (self.output.elements, container_bits(self.output.type))
        return Call("from_axis", parameters, streams)

    def stages(self, port_bits: int) -> int:
        return 1

    def instance(self, tables: str, port_bits: int) -> Instance:
        kind = self.output.type
        return Instance(
            "fpgacomp_source",
            {
                "LANES": self.output.lanes, "CONTAINER": container_bits(kind),
                "BITS": element_bits(kind), "KIND": kind_code(kind), "BEATS": self.output.words,
            },
        )  # fmt: skip
