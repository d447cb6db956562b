"""How a MaxPool is streamed: windows in front of a MaxOver."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.channelwise import Channelwise
from fpgacomp.engines.stream.layers.rules import window_exposure
from fpgacomp.engines.stream.layers.windows import place_windows
from fpgacomp.engines.stream.operators.max_over import MaxOver
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import MaxPool


@dataclass(frozen=True)
class MaxPoolRules(Channelwise):
    """A MaxPool reads a tap of PE channels a cycle; padding is the lowest value there is."""

    layer: MaxPool

    @property
    def exposure(self) -> float:
        return window_exposure(self.layer.input, self.layer.output, self.layer.kernel)

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer, pe = self.layer, folding.pe
        source = plumbing.take_with_lanes(layer.input, pe, layer.name)
        output = plumbing.output(layer.output, pe, source.type)  # a maximum is an input
        windows = place_windows(
            layer, source, plumbing, order="kernel_inner", lanes=pe, fill=source.type.lo
        )
        plumbing.add(
            MaxOver(name=layer.name, layer=layer.name, input=windows, output=output,
                    taps=prod(layer.kernel))
        )  # fmt: skip
        return output
