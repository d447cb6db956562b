"""How an ArgMax is streamed: one Label."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.channelwise import Channelwise
from fpgacomp.engines.stream.operators.label import Label
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import ArgMax


@dataclass(frozen=True)
class ArgMaxRules(Channelwise):
    """An ArgMax reads PE of its input's channels a cycle and writes one index a pixel."""

    layer: ArgMax

    @property
    def channels(self) -> int:
        """The input's channels: what PE divides."""
        return self.layer.input.channels

    def lanes_out(self, folding: StreamFolding) -> int:
        return 1

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer = self.layer
        source = plumbing.take_with_lanes(layer.input, folding.pe, layer.name)
        output = plumbing.output(layer.output, 1)
        plumbing.add(
            Label(name=layer.name, layer=layer.name, input=source, output=output,
                  channels=layer.input.channels)
        )  # fmt: skip
        return output
