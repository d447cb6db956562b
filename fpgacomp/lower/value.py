"""What lowering knows of each real tensor of the network: integers, their order, their meaning."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.types import FloatArray, IntArray
from fpgacomp.lower.scalar import Chain, Function


@dataclass(frozen=True)
class RawInput:
    """A network input that nothing has quantized yet."""

    name: str


@dataclass(frozen=True)
class Sum:
    """A sum of integer tensors whose scales have no small ratio; its Quant makes integers.

    Args:
        terms: each an integer tensor times its scale plus its offset, all of one source shape
            and one order; one alone where it is only close to what it stands for.
        error: how far the sum can be from the real number that it stands for.
    """

    terms: tuple[Value, ...]
    error: float = 0.0


@dataclass(frozen=True)
class Value:
    """A real tensor: chain(source integer), element by element.

    Args:
        source: the integer tensor, a raw input, or a sum that waits for its quantizer.
        source_shape: the source's shape, channels last.
        order: [network's shape with batch 1] flat position in the source of each element;
            a bijection, so Transpose and Reshape cost nothing.
        chain: what an integer means in real numbers.
    """

    source: Tensor | RawInput | Sum
    source_shape: tuple[int, ...]
    order: IntArray
    chain: Chain

    @property
    def channels(self) -> int:
        """Length of the source's last axis."""
        return self.source_shape[-1]

    def arranged(self, order: IntArray) -> Value:
        """Return the value with its elements in other places of the same source."""
        return replace(self, order=order)

    def times(self, factor: FloatArray) -> Value:
        """Return the value times a factor, [1] or [C]."""
        return replace(self, chain=self.chain.times(factor))

    def over(self, divisor: FloatArray) -> Value:
        """Return the value divided by a divisor, [1] or [C], none 0."""
        return replace(self, chain=self.chain.over(divisor))

    def plus(self, addend: FloatArray) -> Value:
        """Return the value plus an addend, [1] or [C]."""
        return replace(self, chain=self.chain.plus(addend))

    def then(self, function: Function) -> Value:
        """Return an activation function of the value."""
        return replace(self, chain=self.chain.then(function))

    def per_channel(self, constant: FloatArray) -> FloatArray | None:
        """Return a constant of the network's tensor as [1] or [C]; None if positions differ."""
        if constant.size == 1:
            return constant.reshape(1).astype(np.float64)
        try:
            wide = np.broadcast_to(constant, self.order.shape)
        except ValueError:
            return None
        placed = np.empty(self.order.size)
        placed[self.order.ravel()] = wide.ravel()
        rows = placed.reshape(-1, self.channels)
        if np.any(rows != rows[0]):
            return None
        first: FloatArray = rows[0]
        return first[:1] if np.all(first == first[0]) else first

    def flattened(self) -> Value:
        """Return the same source seen as one vector, with its parameters for every position."""
        positions = int(np.prod(self.source_shape[:-1]))
        size = positions * self.channels
        return replace(self, source_shape=(size,), chain=self.chain.spread(positions))

    @property
    def spatial_order(self) -> IntArray | None:
        """Positions [1, C, *S] in a channels-last source of this shape; None if not spatial."""
        if self.order.ndim < 3:
            return None
        _, channels, *spatial = self.order.shape
        return channels_last_order((*spatial, channels))


def channels_last_order(shape: tuple[int, ...]) -> IntArray:
    """Return [1, C, *S]: where a channels-first tensor's elements lie in an [*S, C] source."""
    positions = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    first: IntArray = np.moveaxis(positions, -1, 0)[None]
    return first
