"""Convert: the same elements in words of another width."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, lcm, log2
from typing import ClassVar

import numpy as np

from fpgacomp.engines.shared.terms import Amounts, Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.estimate.memory import added
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance
from fpgacomp.engines.stream.timing.steps import Pattern, Steps, repeated_steps


@dataclass(frozen=True, kw_only=True)
class Convert(OneToOne):
    """Rewrites a stream in words of other lanes, in any ratio.

    The last word of a frame of either side may be filled up, where it passes a port.
    """

    cost_kind: ClassVar[CostKind] = "converter"
    narrow: ClassVar[bool] = False

    @property
    def cycles(self) -> int:
        return conversion_cycles(self.input.elements, self.input.lanes, self.output.lanes)

    def steps(self, limit: int) -> Steps:
        """Narrow words are gathered, wide ones dealt out, over the least common multiple."""
        common = lcm(self.input.lanes, self.output.lanes)
        times, rest = divmod(self.input.elements, common)
        whole = self._pattern(common)
        if not rest:
            return repeated_steps(whole, times, limit)
        end = self._pattern(rest)
        if not times or limit == 1 or len(whole.cycles) * times + len(end.cycles) <= limit:
            frame = whole.times(times).then(end)
            return (frame if len(frame.cycles) <= limit else frame.merged()).steps()
        group = next(n for n in range(1, times + 1) if times % n == 0 and times // n < limit)
        return whole.times(group).merged().times(times // group).then(end.merged()).steps()

    def _pattern(self, elements: int) -> Pattern:
        """The steps of so many elements, whose last word in or out may not be full."""
        a, b = self.input.lanes, self.output.lanes
        words_in, words_out = -(-elements // a), -(-elements // b)
        if a >= b:  # dealing: a word is read when one that is written needs it
            done = np.arange(1, words_out + 1)
            read, written = -(-done * b // a), done
        else:  # gathering: a word is written once its elements are there, the last in any case
            full = (words_in - 1) * a // b + 1
            done = np.arange(1, words_in + words_out - full + 1)
            read, written = done, np.where(done < words_in, done * a // b, full + done - words_in)
        read = np.minimum(read, words_in)
        return Pattern.of([np.diff(read, prepend=0)], [np.diff(written, prepend=0)])

    def terms(self, port_bits: int) -> Terms:
        terms = converter_terms(self.input.bits, self.output.bits)
        if not self._filled:
            return terms
        counters = self.input.words.bit_length() + self.cycles.bit_length()
        return added(terms, unit_terms({"adder": counters}, {"register": counters}))

    @property
    def _filled(self) -> bool:
        return self.input.filling > 0 or self.output.filling > 0

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        return Call("convert_width", (self.input.elements,), streams)

    def stages(self, port_bits: int) -> int:
        return 1

    def instance(self, tables: str, port_bits: int) -> Instance:
        common = gcd(self.input.lanes, self.output.lanes)
        unit = common * (self.input.bits // self.input.lanes)
        return Instance(
            "fpgacomp_convert",
            {
                "IN_BITS": self.input.bits, "OUT_BITS": self.output.bits, "UNIT": unit,
                **({"IN_WORDS": self.input.words, "STEPS": self.cycles} if self._filled else {}),
            },
        )  # fmt: skip


def conversion_cycles(elements: int, a: int, b: int) -> int:
    """Cycles of a frame of so many elements from words of `a` lanes to words of `b`."""
    words_in, words_out = -(-elements // a), -(-elements // b)
    if a >= b:
        return words_out
    last_in, last_out = elements - (words_in - 1) * a, elements - (words_out - 1) * b
    # The last word read may complete a word and leave elements for one more.
    return words_in + (last_out < last_in)


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
