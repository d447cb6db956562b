"""Convert: the same elements in words of another width."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, log2
from typing import ClassVar

import numpy as np

from fpgacomp.engines.shared.terms import Amounts, Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance
from fpgacomp.engines.stream.timing.steps import Pattern, Steps, repeated_steps


@dataclass(frozen=True, kw_only=True)
class Convert(OneToOne):
    """Rewrites a stream in words of other lanes, in any ratio."""

    cost_kind: ClassVar[CostKind] = "converter"
    narrow: ClassVar[bool] = False

    @property
    def cycles(self) -> int:
        return max(self.input.words, self.output.words)

    def steps(self, limit: int) -> Steps:
        """Narrow words are gathered, wide ones dealt out, over the least common multiple."""
        a, b = self.input.lanes, self.output.lanes
        elements = a * b // gcd(a, b)
        done = np.arange(1, elements // min(a, b) + 1) * min(a, b)
        # Gathering: an output once its elements are there; dealing: an input when it is needed.
        reads = np.diff(-(-done // a), prepend=0)
        writes = np.diff(done // b, prepend=0)
        pattern = Pattern.of([reads], [writes])
        return repeated_steps(pattern, self.input.elements // elements, limit)

    def terms(self, port_bits: int) -> Terms:
        return converter_terms(self.input.bits, self.output.bits)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        return Call("convert_width", (self.input.elements,), streams)

    def stages(self, port_bits: int) -> int:
        return 1

    def instance(self, tables: str, port_bits: int) -> Instance:
        common = gcd(self.input.lanes, self.output.lanes)
        unit = common * (self.input.bits // self.input.lanes)
        return Instance(
            "fpgacomp_convert",
            {"IN_BITS": self.input.bits, "OUT_BITS": self.output.bits, "UNIT": unit},
        )


def converter_terms(from_bits: int, to_bits: int) -> Terms:
    """What a converter between words of these bits is made of; the fit builds the same.

    It has a register of the wider word; an odd ratio also needs a shifter over both words.
    """
    narrow, wide = sorted((from_bits, to_bits))
    if wide % narrow:
        both = from_bits + to_bits
        select = both * log2(max(wide / narrow, 2)) + both
        return unit_terms({"converter": 1, "converter_select": select},
                          {"converter": 1, "converter_keep": 2 * both})  # fmt: skip
    lut: Amounts = {"converter": 1}
    ff: Amounts = {"converter": 1, "converter_keep": from_bits + to_bits}
    if to_bits < from_bits:
        lut["converter_select"] = max(to_bits, (from_bits - to_bits) / 2)
        ff["converter_keep"] += to_bits
    return unit_terms(lut, ff)
