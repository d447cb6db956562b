"""Join: tensors side by side along their channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd
from typing import ClassVar

import numpy as np

from fpgacomp.engines.shared.divisors import divisors
from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.emit.calls import Call
from fpgacomp.engines.stream.estimate.terms import word_terms
from fpgacomp.engines.stream.operators.operator import CostKind, Named
from fpgacomp.engines.stream.rtl.instance import Bits, Instance, element, kind_code, signed_bits
from fpgacomp.engines.stream.streams import Stream, element_bits
from fpgacomp.engines.stream.timing.steps import Pattern, Steps, repeated_steps


@dataclass(frozen=True, kw_only=True)
class Join(Named):
    """Writes each pixel's channels of one input after the other.

    Args:
        parts: the inputs, in words of the same lanes as the output's.
        channels: of each input.
    """

    cost_kind: ClassVar[CostKind] = "process"
    narrow: ClassVar[bool] = True

    parts: tuple[Stream, ...]
    channels: tuple[int, ...]
    output: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return self.parts

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.output,)

    @property
    def cycles(self) -> int:
        return self.output.words

    def steps(self, limit: int) -> Steps:
        """Within a pixel as long as it has more steps than the limit: one part follows another."""
        counts = [c // self.output.lanes for c in self.channels]
        common, size = gcd(*counts), sum(counts)
        words = 1
        if size > limit:  # the least that divides every part, or the most that does
            words = next((n for n in divisors(common) if size // n <= limit), common)
        source = np.repeat(np.arange(len(counts)), [count // words for count in counts])
        reads = [words * (source == index) for index in range(len(counts))]
        written = np.full(len(source), words)
        pixel = replace(Pattern.of(reads, [written], words), after=np.ones_like(source))
        return repeated_steps(pixel, self.output.words // size, max(limit, len(source)))

    def terms(self, port_bits: int) -> Terms:
        return word_terms(self.output.bits)

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        *parts, output = streams
        pixels = self.output.elements // sum(self.channels)
        return Call("concat", (pixels, *self.channels), (output, *parts))

    def stages(self, port_bits: int) -> int:
        return 1

    def instance(self, tables: str, port_bits: int) -> Instance:
        lanes, kinds = self.output.lanes, [part.type for part in self.parts]

        def each(values: list[int]) -> Bits:
            """A parameter of 32 bits for each part, the first lowest."""
            joined = sum(value << (32 * index) for index, value in enumerate(values))
            return Bits(32 * len(values), joined)

        return Instance(
            "fpgacomp_join",
            {
                "PARTS": len(self.parts), "LANES": lanes,
                "TOTAL_BITS": sum(part.bits for part in self.parts),
                "WORDS": each([count // lanes for count in self.channels]),
                "BITS": each([element_bits(kind) for kind in kinds]),
                "KIND": each([kind_code(kind) for kind in kinds]),
                **element("OUT", self.output.type),
                "VALUE_BITS": signed_bits(self.output.type, *kinds),
            },
        )  # fmt: skip
