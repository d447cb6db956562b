"""Repeat: nearest-neighbour upsampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.emit.calls import Call, word_buffer
from fpgacomp.engines.stream.estimate.memory import added, buffer_terms
from fpgacomp.engines.stream.estimate.terms import word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance
from fpgacomp.engines.stream.shapes import Pair, Shape
from fpgacomp.engines.stream.timing.steps import Steps, pixel_steps


@dataclass(frozen=True, kw_only=True)
class Repeat(OneToOne):
    """Writes each row of an image `factors[0]` times and each pixel `factors[1]` times.

    Args:
        shape: of the input.
        factors: (down, across).
    """

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    shape: Shape
    factors: Pair

    @property
    def row_words(self) -> int:
        """Words of an input row, which is kept for its repetitions."""
        return self.shape[1] * self.shape[2] // self.input.lanes

    @property
    def cycles(self) -> int:
        return self.output.words

    def steps(self, limit: int) -> Steps:
        """The first copy of a row and of a pixel is read; the others come from the row buffer."""
        height, width, channels = self.shape
        down, across = self.factors
        fresh = np.zeros((height, down, width, across), dtype=np.int64)
        fresh[:, 0, :, 0] = 1
        return pixel_steps(fresh.ravel(), channels // self.input.lanes, limit)

    def terms(self, port_bits: int) -> Terms:
        bits = self.output.bits
        return added(word_terms(bits), buffer_terms(bits, self.row_words))

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        row = word_buffer("row", self.input, self.row_words)
        parameters = (*self.shape, *self.factors)
        return Call("upsample", parameters, (*streams, row.name), buffers=(row,))

    def stages(self, port_bits: int) -> int:
        return 2

    def instance(self, tables: str, port_bits: int) -> Instance:
        _, width, channels = self.shape
        return Instance(
            "fpgacomp_repeat",
            {
                "BITS": self.input.bits, "WIDTH": width, "GROUPS": channels // self.input.lanes,
                "DOWN": self.factors[0], "ACROSS": self.factors[1],
            },
        )  # fmt: skip
