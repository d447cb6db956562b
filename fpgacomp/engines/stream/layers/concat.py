"""How a Concat is streamed: one Join."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.channelwise import Channelwise
from fpgacomp.engines.stream.layers.rules import too_small
from fpgacomp.engines.stream.operators.join import Join
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Concat


@dataclass(frozen=True)
class ConcatRules(Channelwise):
    """A Concat of PE channels a cycle, which divide the channels of every input."""

    layer: Concat

    @property
    def channels(self) -> int:
        """The greatest common divisor of its inputs' channels: what PE divides."""
        return gcd(*(part.channels for part in self.layer.parts))

    def why_illegal(self, folding: StreamFolding) -> str:
        if why := too_small(folding):
            return why
        if self.channels % folding.pe:
            return f"pe {folding.pe} does not divide all of its inputs' channels."
        return ""

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer, pe = self.layer, folding.pe
        parts = tuple(
            plumbing.take_with_lanes(part, pe, layer.name, f"_{index}")
            for index, part in enumerate(layer.parts)
        )
        output = plumbing.output(layer.output, pe)
        channels = tuple(part.channels for part in layer.parts)
        plumbing.add(
            Join(name=layer.name, layer=layer.name, parts=parts, channels=channels, output=output)
        )
        return output
