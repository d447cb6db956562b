"""How Requantize, Thresholds and Lookup are streamed: one Activate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from fpgacomp.devices.device import Device
from fpgacomp.engines.shared.divisors import divisors
from fpgacomp.engines.stream.design import Memory, StreamFolding
from fpgacomp.engines.stream.layers.channelwise import Channelwise
from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Activation, Lookup, Requantize, Thresholds

_MEMORIES: tuple[Memory, ...] = ("lutram", "bram")


@dataclass(frozen=True)
class ActivationRules(Channelwise):
    """An activation of PE channels a cycle."""

    layer: Activation

    @property
    def lane_counts(self) -> Iterable[int]:
        """All divisors: sums of a wide layer, which it reads, have words beyond WIDEST_WORD."""
        return divisors(self.channels)

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer, pe = self.layer, folding.pe
        source = plumbing.take_with_lanes(layer.input, pe, layer.name)
        output = plumbing.output(layer.output, pe)
        plumbing.add(
            Activate(name=layer.name, layer=layer.name, input=source, output=output,
                     function=layer, memory=folding.memory)
        )  # fmt: skip
        return output


@dataclass(frozen=True)
class RequantizeRules(ActivationRules):
    """A Requantize, whose few constants the tools place."""

    layer: Requantize


@dataclass(frozen=True)
class TableRules(ActivationRules):
    """Thresholds or a Lookup, whose table lies in LUTs or in block RAM."""

    layer: Thresholds | Lookup

    @property
    def stores_constants(self) -> bool:
        return True

    def foldings(self, device: Device) -> Iterable[StreamFolding]:
        return tuple(
            StreamFolding(pe, 1, memory) for pe, memory in product(self.lane_counts, _MEMORIES)
        )
