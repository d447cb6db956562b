"""SumAll: the sum of a whole frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.emit.calls import Call, word_buffer
from fpgacomp.engines.stream.estimate.memory import added, buffer_terms
from fpgacomp.engines.stream.estimate.terms import word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance, element
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Pattern, Steps


@dataclass(frozen=True, kw_only=True)
class SumAll(OneToOne):
    """Writes the sum over all `pixels` of a frame, per channel."""

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    channels: int
    pixels: int

    @property
    def cycles(self) -> int:
        return max(self.input.words, self.output.words)

    def steps(self, limit: int) -> Steps:
        """The sums leave along with the last pixel."""
        pixel = np.ones(self.output.words)
        reading = Pattern.of([pixel], [0 * pixel])
        last = Pattern.of([pixel], [pixel])
        if self.pixels * self.output.words > limit:
            reading, last = reading.merged(), last.merged()
        return reading.times(self.pixels - 1).then(last).steps()

    def terms(self, port_bits: int) -> Terms:
        bits = self.output.bits
        return added(word_terms(bits, adder=bits), buffer_terms(bits, self.output.words))

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        groups = self.channels // self.input.lanes
        # A memory takes a few cycles from a read over the addition to the write. Fewer words
        # than these come round again before that; a buffer keeps so few in registers.
        sums = word_buffer("sums", self.output, groups)
        arguments = (*streams, sums.name)
        return Call("global_sum", (self.channels, self.pixels), arguments, buffers=(sums,))

    def stages(self, port_bits: int) -> int:
        return 2

    def instance(self, tables: str, port_bits: int) -> Instance:
        lanes = self.input.lanes
        return Instance(
            "fpgacomp_sum_all",
            {
                "LANES": lanes, **element("IN", self.input.type),
                "OUT_BITS": element_bits(self.output.type), "GROUPS": self.channels // lanes,
                "PIXELS": self.pixels,
            },
        )  # fmt: skip
