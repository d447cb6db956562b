"""Rules that layers share whose PE is channels per word."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable
from dataclasses import dataclass

from fpgacomp.devices.device import Device
from fpgacomp.engines.shared.divisors import divisors
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.rules import (
    WIDEST_WORD,
    indivisible,
    nameless,
    pixel_exposure,
)
from fpgacomp.ir.layers import Layer


@dataclass(frozen=True)
class Channelwise(ABC):
    """A layer that works on PE channels a cycle and has no constants to store."""

    layer: Layer

    @property
    def foldable(self) -> bool:
        return True

    @property
    def stores_constants(self) -> bool:
        return False

    @property
    def exposure(self) -> float:
        return pixel_exposure(self.layer.output)

    @property
    def price_key(self) -> object:
        return nameless(self.layer)

    @property
    def channels(self) -> int:
        """What PE divides."""
        return self.layer.output.channels

    @property
    def lane_counts(self) -> Iterable[int]:
        """Values of PE whose words, in and out, are no wider than WIDEST_WORD."""
        tensors = (*self.layer.inputs, self.layer.output)
        bits = max(tensor.type.bits for tensor in tensors)
        return (pe for pe in divisors(self.channels) if pe * bits <= WIDEST_WORD)

    def why_illegal(self, folding: StreamFolding) -> str:
        return indivisible(folding, self.channels)

    def foldings(self, device: Device) -> Iterable[StreamFolding]:
        return tuple(StreamFolding(pe) for pe in self.lane_counts)

    def lanes_in(self, folding: StreamFolding) -> int:
        return folding.pe

    def lanes_out(self, folding: StreamFolding) -> int:
        return folding.pe
