"""Sink: the end of a design, from words to an AXI stream."""

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
class Sink(Named):
    """Turns a graph output's words into an AXI stream."""

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    input: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.input,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return ()

    @property
    def cycles(self) -> int:
        return self.input.words

    def steps(self, limit: int) -> Steps:
        return word_steps(1, 0, self.input.words, limit)

    def terms(self, port_bits: int) -> Terms:
        return word_terms(self.input.bits)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        parameters = (self.input.elements, container_bits(self.input.type))
        return Call("to_axis", parameters, streams)

    def stages(self, port_bits: int) -> int:
        return 1

    def instance(self, tables: str, port_bits: int) -> Instance:
        kind = self.input.type
        return Instance(
            "fpgacomp_sink",
            {
                "LANES": self.input.lanes, "CONTAINER": container_bits(kind),
                "BITS": element_bits(kind), "KIND": kind_code(kind), "BEATS": self.input.words,
                "REST": self.input.lanes - self.input.filling,
            },
        )  # fmt: skip
