"""How a depthwise Conv is streamed: windows in front of a VectorVector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from fpgacomp.devices.device import Device
from fpgacomp.engines.shared.divisors import divisors
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.rules import indivisible, window_exposure
from fpgacomp.engines.stream.layers.weights import (
    weight_arithmetics,
    weight_memories,
    weight_price_key,
)
from fpgacomp.engines.stream.layers.windows import place_windows
from fpgacomp.engines.stream.operators.vector_vector import VectorVector
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Conv
from fpgacomp.ir.types import Ints


@dataclass(frozen=True)
class DepthwiseRules:
    """A Conv with one filter per channel: a tap of PE channels a cycle; it has no SIMD."""

    layer: Conv

    @property
    def foldable(self) -> bool:
        return True

    @property
    def stores_constants(self) -> bool:
        return True

    @property
    def exposure(self) -> float:
        return window_exposure(self.layer.input, self.layer.output, self.layer.kernel)

    @property
    def price_key(self) -> object:
        layer = self.layer
        return weight_price_key(
            layer, layer.strides, layer.dilations, layer.pads, layer.groups, layer.kernel
        )

    def why_illegal(self, folding: StreamFolding) -> str:
        if folding.arithmetic == "adders":
            return "arithmetic adders is for layers whose outputs read the same inputs."
        return indivisible(folding, self.layer.output.channels)

    def foldings(self, device: Device) -> Iterable[StreamFolding]:
        channels = self.layer.output.channels
        return tuple(
            StreamFolding(pe, 1, memory, arithmetic)
            for pe in divisors(channels)
            for memory in weight_memories(prod(self.layer.kernel) * channels // pe)
            for arithmetic in weight_arithmetics(self.layer, device)
        )

    def lanes_in(self, folding: StreamFolding) -> int:
        return folding.pe

    def lanes_out(self, folding: StreamFolding) -> int:
        return folding.pe

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer, pe = self.layer, folding.pe
        assert folding.arithmetic != "adders", "why_illegal refuses it"
        source = plumbing.take_with_lanes(layer.input, pe, layer.name)
        windows = place_windows(
            layer, source, plumbing, order="kernel_inner", lanes=pe, dilations=layer.dilations
        )
        output = plumbing.output(layer.output, pe)
        weight = Ints(layer.weight.array.reshape(-1, layer.output.channels))
        plumbing.add(
            VectorVector(
                name=layer.name, layer=layer.name, input=windows, output=output, weight=weight,
                vectors=layer.output.pixels, pe=pe, memory=folding.memory,
                arithmetic=folding.arithmetic,
            )
        )  # fmt: skip
        return output
