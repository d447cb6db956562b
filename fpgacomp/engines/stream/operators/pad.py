"""Pad: a border around an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.estimate.terms import word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Bits, Instance, codes, element, packed, signed_bits
from fpgacomp.engines.stream.shapes import Pair, Shape
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Steps, pixel_steps


@dataclass(frozen=True, kw_only=True)
class Pad(OneToOne):
    """Puts pixels around an image.

    Args:
        shape: of the input.
        rows: added (above, below).
        columns: added (left, right).
        fill: value of the added elements: 0, or the type's lowest in front of a maximum.
    """

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = False

    shape: Shape
    rows: Pair
    columns: Pair
    fill: int = 0

    @property
    def cycles(self) -> int:
        return self.output.words

    def steps(self, limit: int) -> Steps:
        height, width, channels = self.shape
        padded = (height + sum(self.rows), width + sum(self.columns))
        inside = np.zeros(padded, dtype=np.int64)
        top, left = self.rows[0], self.columns[0]
        inside[top : top + height, left : left + width] = 1
        return pixel_steps(inside.ravel(), channels // self.input.lanes, limit)

    def terms(self, port_bits: int) -> Terms:
        return word_terms(self.output.bits)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        return Call("pad", (*self.shape, *self.rows, *self.columns, self.fill), streams)

    def stages(self, port_bits: int) -> int:
        return 1

    def instance(self, tables: str, port_bits: int) -> Instance:
        height, width, channels = self.shape
        lanes, kind = self.input.lanes, self.output.type
        fill = np.full((1, lanes), self.fill)
        bits = element_bits(kind)
        return Instance(
            "fpgacomp_pad",
            {
                "BITS": self.output.bits, "HEIGHT": height, "WIDTH": width,
                "GROUPS": channels // lanes, "TOP": self.rows[0], "BOTTOM": self.rows[1],
                "LEFT": self.columns[0], "RIGHT": self.columns[1], "LANES": lanes,
                **element("IN", self.input.type), "IN_BITS": self.input.bits,
                "OUT_KIND": element("OUT", kind)["OUT_KIND"],
                "VALUE_BITS": signed_bits(self.input.type, kind),
                "FILL": Bits(self.output.bits, packed(codes(fill, kind, bits), bits)[0]),
            },
        )  # fmt: skip
