"""The vocabulary of the integer graph: one frozen class per layer, and nothing else.

    Graph   = Layer*                                   in topological order
    Layer   = Input | Dense | Conv | MaxPool | SumPool | Add | Concat
            | Reshape | Upsample | Requantize | Thresholds | Lookup | ArgMax
    Tensor  = name shape IntType                       channels last, no batch axis

Shapes are [C], [T, C] or [H, W, C]; "per channel" always means the last axis.
No layer holds a float. What the integers mean in the network's own units lives
beside the graph (`fpgacomp.network.lowered`).

Every weight layer is a pure sum of products: a bias, a scale and an activation
function are part of the Requantize, Thresholds or Lookup that follows it, or of
the software side where none follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import prod
from typing import assert_never

import numpy as np

from fpgacomp.ir.types import Ints, IntType


@dataclass(frozen=True, slots=True)
class Tensor:
    """What flows along an edge: integers of one exact range, channels last."""

    name: str
    shape: tuple[int, ...]
    type: IntType

    @property
    def channels(self) -> int:
        """Length of the last axis."""
        return self.shape[-1]

    @property
    def pixels(self) -> int:
        """How many positions one channel has (1 for a vector)."""
        return prod(self.shape[:-1])

    @property
    def size(self) -> int:
        """Number of integers of one sample."""
        return prod(self.shape)


class Rounding(StrEnum):
    """How a Requantize drops its fraction bits; the names are QONNX's."""

    FLOOR = "floor"  # towards minus infinity: a plain arithmetic shift
    ROUND = "round"  # to nearest, ties to even
    HALF_UP = "half_up"  # to nearest, ties away from zero
    HALF_DOWN = "half_down"  # to nearest, ties towards zero
    UP = "up"  # away from zero
    DOWN = "down"  # towards zero


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """Fields of every layer. `name` is unique in the graph and a C identifier."""

    name: str
    output: Tensor


@dataclass(frozen=True, kw_only=True)
class OneInput(_Layer):
    """Fields of every layer that reads one tensor."""

    input: Tensor

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that the layer reads, in order."""
        return (self.input,)


@dataclass(frozen=True, kw_only=True)
class Parameterless(OneInput):
    """Base of the layers that their input and their output's shape state in full.

    Their line of text has no fields, and they hold no constants that could take fewer bits.
    """


@dataclass(frozen=True, kw_only=True)
class Input(_Layer):
    """An integer tensor that the host hands over."""

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that the layer reads: none."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Dense(OneInput):
    """y[..., o] = sum_i x[..., i] * weight[i, o]; leading axes are positions."""

    weight: Ints  # [n_in, n_out]

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one sample."""
        return self.output.pixels * self.weight.array.size


@dataclass(frozen=True, kw_only=True)
class Conv(OneInput):
    """1-D or 2-D cross-correlation over zero-padded input, groups and dilation included.

    y[p, o] = sum over k, c of x[p * stride + k * dilation - pad_before, g(o) + c] * weight[k, c, o]
    """

    weight: Ints  # [*kernel, channels_in / groups, channels_out]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]  # (before, after) per spatial axis
    groups: int = 1

    @property
    def kernel(self) -> tuple[int, ...]:
        """Length of the window along each spatial axis."""
        return self.weight.shape[:-2]

    @property
    def depthwise(self) -> bool:
        """Whether the layer has one filter per channel and as many outputs as inputs."""
        return self.groups == self.input.channels == self.output.channels and self.groups > 1

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one sample."""
        return self.output.pixels * self.weight.array.size


@dataclass(frozen=True, kw_only=True)
class MaxPool(OneInput):
    """Maximum over a window; a padded position never wins."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class SumPool(OneInput):
    """Sum over a window of the zero-padded input: an average pool whose divisor is in the scale.

    `multiplier`, where present, is one integer per output position ([*spatial_out]):
    least common multiple of all divisors / divisor at this position, which makes
    an average that does not count its padding exact.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    multiplier: Ints | None = None


@dataclass(frozen=True, kw_only=True)
class Add(_Layer):
    """y = multiplier_a[c] * a + multiplier_b[c] * b (a residual addition on one common scale).

    Both inputs have the output's shape. Multipliers are [1] or [C].
    """

    a: Tensor
    b: Tensor
    multiplier_a: Ints
    multiplier_b: Ints

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that the layer reads, in order."""
        return (self.a, self.b)


@dataclass(frozen=True, kw_only=True)
class Concat(_Layer):
    """Tensors joined along the channel axis, in order."""

    parts: tuple[Tensor, ...]

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that the layer reads, in order."""
        return self.parts


@dataclass(frozen=True, kw_only=True)
class Reshape(Parameterless):
    """The same integers in the same (row-major, channels-last) order under another shape."""


@dataclass(frozen=True, kw_only=True)
class Upsample(OneInput):
    """Every position repeated factors[axis] times along each spatial axis (nearest)."""

    factors: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Requantize(OneInput):
    """y = clip(round((x * multiplier[c] + offset[c]) / 2**shift), lo, hi) - zero_point.

    All of it in integers; `rounding` says what happens to the shift's fraction.
    """

    multiplier: Ints  # [1] or [C], >= 0 except under a falling function
    offset: Ints  # [1] or [C]
    shift: int  # 0..62
    lo: int
    hi: int
    zero_point: int = 0
    rounding: Rounding = Rounding.FLOOR

    @property
    def is_affine(self) -> bool:
        """Whether nothing is rounded or clipped: y = x * multiplier + offset - zero_point."""
        ends = [
            int(end * m + o)
            for m, o in np.broadcast(self.multiplier.array, self.offset.array)
            for end in (self.input.type.lo, self.input.type.hi)
        ]
        return self.shift == 0 and self.lo <= min(ends) and max(ends) <= self.hi


@dataclass(frozen=True, kw_only=True)
class Thresholds(OneInput):
    """y = base[c] + step[c] * (number of thresholds[c] <= x).

    Thresholds ascend along the last axis. One that never fires is the input's
    hi + 1. step is +1 (rising), -1 (falling), or +2/-2 for a bipolar output.
    """

    thresholds: Ints  # [1 or C, n]
    base: Ints  # [1] or [C]
    step: Ints  # [1] or [C]


@dataclass(frozen=True, kw_only=True)
class Lookup(OneInput):
    """y = table[c, x - input.type.lo]: any function of a small range."""

    table: Ints  # [1 or C, input.type.count]


@dataclass(frozen=True, kw_only=True)
class ArgMax(Parameterless):
    """y[..., 0] = index of the largest channel at each position; of equal ones, the lowest index.

    That is the label of a classifier: C channels become one.
    """


Layer = (
    Input
    | Dense
    | Conv
    | MaxPool
    | SumPool
    | Add
    | Concat
    | Reshape
    | Upsample
    | Requantize
    | Thresholds
    | Lookup
    | ArgMax
)
WeightLayer = Dense | Conv
Activation = Requantize | Thresholds | Lookup


def kind(layer: Layer | type[Layer]) -> str:
    """Return the layer's class in lower case, as reports and the text form spell it."""
    cls = layer if isinstance(layer, type) else type(layer)
    return cls.__name__.lower()


def with_inputs(layer: Layer, inputs: Sequence[Tensor]) -> Layer:
    """Return the layer reading other tensors, as many as before; its output stays as it is."""
    match layer:
        case Input():
            return layer
        case Add():
            a, b = inputs
            return replace(layer, a=a, b=b)
        case Concat():
            return replace(layer, parts=tuple(inputs))
        case OneInput():
            (x,) = inputs
            return replace(layer, input=x)
        case _:
            assert_never(layer)
