"""How an Add is streamed: one ScaledAdd."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.channelwise import Channelwise
from fpgacomp.engines.stream.operators.scaled_add import ScaledAdd
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Add


@dataclass(frozen=True)
class AddRules(Channelwise):
    """An Add of PE channels a cycle."""

    layer: Add

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer = self.layer
        a = plumbing.take_with_lanes(layer.a, folding.pe, layer.name, "_a")
        b = plumbing.take_with_lanes(layer.b, folding.pe, layer.name, "_b")
        output = plumbing.output(layer.output, folding.pe)
        plumbing.add(
            ScaledAdd(name=layer.name, layer=layer.name, a=a, b=b, output=output, add=layer)
        )
        return output
