"""How a Conv is streamed: windows in front of a MatrixVector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.matrix import MatrixRules
from fpgacomp.engines.stream.layers.rules import WIDEST_WORD, window_exposure
from fpgacomp.engines.stream.layers.weights import weight_price_key
from fpgacomp.engines.stream.layers.windows import place_windows
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Conv
from fpgacomp.ir.types import Ints


@dataclass(frozen=True)
class ConvRules(MatrixRules):
    """A Conv that is not depthwise; its groups become blocks of one matrix."""

    layer: Conv

    @property
    def width(self) -> int:
        return self.layer.input.channels * prod(self.layer.kernel)

    @property
    def matrix(self) -> Ints:
        return _matrix(self.layer.weight, self.layer.groups)

    @property
    def exposure(self) -> float:
        return window_exposure(self.layer.input, self.layer.output, self.layer.kernel)

    @property
    def price_key(self) -> object:
        layer = self.layer
        return weight_price_key(
            layer, layer.strides, layer.dilations, layer.pads, layer.groups, layer.kernel
        )

    @property
    def needs_window(self) -> bool:
        """False for a 1x1 convolution of every position."""
        layer = self.layer
        padded = any(max(pad) for pad in layer.pads)
        return prod(layer.kernel) > 1 or max(layer.strides) > 1 or padded

    def lanes_in(self, folding: StreamFolding) -> int:
        return min(folding.simd, self.layer.input.channels)

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        layer, lanes = self.layer, self.lanes_in(folding)
        source = plumbing.take_with_lanes(layer.input, lanes, layer.name)
        if self.needs_window:
            source = place_windows(
                layer, source, plumbing, order="channels_inner",
                lanes=self._window_lanes(folding), dilations=layer.dilations,
            )  # fmt: skip
        source = plumbing.with_lanes(source, folding.simd, layer.name, "_products")
        return self._multiply(source, folding, plumbing)

    def _window_lanes(self, folding: StreamFolding) -> int:
        """Whole windows where the products take fewer cycles than words of a pixel would."""
        layer, lanes = self.layer, self.lanes_in(folding)
        fold = (self.width // folding.simd) * (layer.output.channels // folding.pe)
        hurried = folding.simd > lanes and fold < prod(layer.kernel)
        one_word = self.width * layer.input.type.bits <= WIDEST_WORD
        return self.width if hurried and one_word else lanes


@lru_cache(maxsize=16)  # a folding search expands the same layers over and over
def _matrix(kernels: Ints, groups: int) -> Ints:
    """[taps * C, O]: a convolution's weights in the order of `channels_inner` windows.

    Groups are block-diagonal: products with the zeros cost nothing that is not built.
    """
    weight = kernels.array
    *kernel, per_group, filters = weight.shape
    whole = np.zeros((prod(kernel), per_group * groups, filters), dtype=np.int64)
    flat = weight.reshape(prod(kernel), per_group, filters)
    share = filters // groups
    for group in range(groups):
        rows = slice(group * per_group, (group + 1) * per_group)
        columns = slice(group * share, (group + 1) * share)
        whole[:, rows, columns] = flat[:, :, columns]
    return Ints(whole.reshape(-1, filters))
