"""Label: the index of the largest channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.estimate.memory import added
from fpgacomp.engines.stream.estimate.terms import word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance, element
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Steps, gathering, repeated_steps


@dataclass(frozen=True, kw_only=True)
class Label(OneToOne):
    """Writes the index of the largest of each pixel's channels, the lowest of equal ones."""

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    channels: int

    @property
    def cycles(self) -> int:
        return self.input.words

    def steps(self, limit: int) -> Steps:
        groups = self.channels // self.input.lanes
        return repeated_steps(gathering(groups), self.output.words, limit)

    def terms(self, port_bits: int) -> Terms:
        return label_terms(self.input.bits, self.input.lanes, self.output.bits)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        return Call("argmax", (self.channels, self.output.words), streams)

    def stages(self, port_bits: int) -> int:
        return 2

    def instance(self, tables: str, port_bits: int) -> Instance:
        lanes = self.input.lanes
        return Instance(
            "fpgacomp_label",
            {
                "LANES": lanes, "GROUPS": self.channels // lanes,
                **element("IN", self.input.type), "OUT_BITS": element_bits(self.output.type),
            },
        )  # fmt: skip


def label_terms(input_bits: int, lanes: int, index_bits: int) -> Terms:
    """A comparator and a selector for each lane's value and its index, and their registers."""
    bits = input_bits + lanes * index_bits
    return added(word_terms(index_bits), unit_terms({"maximum": bits}, {"register": bits}))
