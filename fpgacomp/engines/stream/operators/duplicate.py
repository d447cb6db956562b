"""Duplicate: one stream for several readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.estimate.terms import word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, Named
from fpgacomp.engines.stream.rtl.instance import Instance
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.engines.stream.timing.steps import Steps, word_steps


@dataclass(frozen=True, kw_only=True)
class Duplicate(Named):
    """Writes every word to every output."""

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    input: Stream
    copies: tuple[Stream, ...]

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.input,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return self.copies

    @property
    def cycles(self) -> int:
        return self.input.words

    def steps(self, limit: int) -> Steps:
        return word_steps(1, len(self.copies), self.input.words, limit)

    def terms(self, port_bits: int) -> Terms:
        return word_terms(self.input.bits)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        return Call("duplicate", (self.input.words,), streams)

    def stages(self, port_bits: int) -> int:
        return 1

    def instance(self, tables: str, port_bits: int) -> Instance:
        copies = len(self.copies)
        return Instance("fpgacomp_duplicate", {"BITS": self.input.bits, "COPIES": copies})
