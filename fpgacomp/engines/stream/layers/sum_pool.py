"""How a SumPool is streamed: a SumAll over the whole frame, or windows in front of a SumOver."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.channelwise import Channelwise
from fpgacomp.engines.stream.layers.rules import window_exposure
from fpgacomp.engines.stream.layers.windows import place_windows
from fpgacomp.engines.stream.operators.sum_all import SumAll
from fpgacomp.engines.stream.operators.sum_over import SumOver
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import SumPool
from fpgacomp.ir.types import Ints


@dataclass(frozen=True)
class SumPoolRules(Channelwise):
    """A SumPool reads a tap of PE channels a cycle."""

    layer: SumPool

    @property
    def exposure(self) -> float:
        return window_exposure(self.layer.input, self.layer.output, self.layer.kernel)

    @property
    def is_global(self) -> bool:
        """Whether its only window is the whole unpadded frame."""
        layer = self.layer
        whole = layer.kernel == layer.input.shape[:-1]
        return whole and layer.multiplier is None and not any(max(pad) for pad in layer.pads)

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer, pe = self.layer, folding.pe
        source = plumbing.take_with_lanes(layer.input, pe, layer.name)
        output = plumbing.output(layer.output, pe)
        if self.is_global:
            plumbing.add(
                SumAll(name=layer.name, layer=layer.name, input=source, output=output,
                       channels=layer.input.channels, pixels=layer.input.pixels)
            )  # fmt: skip
            return output
        windows = place_windows(layer, source, plumbing, order="kernel_inner", lanes=pe)
        multiplier = None if layer.multiplier is None else Ints(layer.multiplier.array.ravel())
        plumbing.add(
            SumOver(name=layer.name, layer=layer.name, input=windows, output=output,
                    taps=prod(layer.kernel), channels=layer.output.channels,
                    multiplier=multiplier)
        )  # fmt: skip
        return output
