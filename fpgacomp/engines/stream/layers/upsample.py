"""How an Upsample is streamed: one Repeat."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.channelwise import Channelwise
from fpgacomp.engines.stream.operators.repeat import Repeat
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.shapes import pair, plane
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Upsample


@dataclass(frozen=True)
class UpsampleRules(Channelwise):
    """An Upsample writes PE channels a cycle."""

    layer: Upsample

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer = self.layer
        source = plumbing.take_with_lanes(layer.input, folding.pe, layer.name)
        output = plumbing.output(layer.output, folding.pe, source.type)
        plumbing.add(
            Repeat(name=layer.name, layer=layer.name, input=source, output=output,
                   shape=plane(layer.input.shape), factors=pair(layer.factors, 1))
        )  # fmt: skip
        return output
