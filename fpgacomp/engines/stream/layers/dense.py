"""How a Dense is streamed: one MatrixVector."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.matrix import MatrixRules
from fpgacomp.engines.stream.layers.rules import pixel_exposure
from fpgacomp.engines.stream.layers.weights import weight_price_key
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Dense
from fpgacomp.ir.types import Ints


@dataclass(frozen=True)
class DenseRules(MatrixRules):
    """A Dense reads SIMD channels and computes PE outputs a cycle."""

    layer: Dense

    @property
    def width(self) -> int:
        return self.layer.input.channels

    @property
    def matrix(self) -> Ints:
        return self.layer.weight

    @property
    def exposure(self) -> float:
        return pixel_exposure(self.layer.output)

    @property
    def price_key(self) -> object:
        return weight_price_key(self.layer)

    def lanes_in(self, folding: StreamFolding) -> int:
        return folding.simd

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer = self.layer
        source = plumbing.take_with_lanes(layer.input, self.lanes_in(folding), layer.name)
        return self._multiply(source, folding, plumbing)
