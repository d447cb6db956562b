"""Small networks that together use every operator, as integer graphs with live activations."""

from __future__ import annotations

import numpy as np

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, window_counts, with_output
from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import (
    Add,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Requantize,
    Reshape,
    Rounding,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import IntArray, Ints, IntType

FRAMES = 3


class Network:
    """Grows a graph layer by layer and runs it along, so that thresholds can be placed."""

    def __init__(self, name: str, shape: tuple[int, ...], type_: IntType, seed: int = 0) -> None:
        self.name = name
        self.rng = np.random.default_rng(seed)
        tensor = Tensor("x", shape, type_)
        self.layers: list[Layer] = [Input(name="x", output=tensor)]
        choices = np.array([-1, 1]) if type_.bipolar else np.arange(type_.lo, type_.hi + 1)
        self.values: dict[str, IntArray] = {"x": self.rng.choice(choices, (FRAMES, *shape))}
        self.last = tensor

    def put(self, layer: Layer) -> Tensor:
        made = with_output(layer)
        self.layers.append(made)
        operands = [self.values[tensor.name] for tensor in made.inputs]
        self.values[made.output.name] = execute(made, operands)
        self.last = made.output
        return made.output

    def _next(self, kind: str) -> dict[str, object]:
        name = f"{kind}{len(self.layers)}"
        return {"name": name, "output": unknown_output(f"{name}_y"), "input": self.last}

    def weight(self, shape: tuple[int, ...], bits: int) -> Ints:
        if bits == 1:
            return Ints(self.rng.choice([-1, 1], size=shape))
        return Ints(self.rng.integers(1 - (1 << (bits - 1)), 1 << (bits - 1), size=shape))

    def conv(
        self,
        channels: int,
        kernel: tuple[int, ...] = (3, 3),
        *,
        stride: int = 1,
        dilation: int = 1,
        pads: tuple[tuple[int, int], ...] | None = None,
        bits: int = 3,
        depthwise: bool = False,
        groups: int = 1,
    ) -> Tensor:
        rank = len(kernel)
        groups = self.last.channels if depthwise else groups
        inner = self.last.channels // groups
        return self.put(
            Conv(
                **self._next("conv"),  # type: ignore[arg-type]
                weight=self.weight((*kernel, inner, channels), bits),
                strides=(stride,) * rank,
                dilations=(dilation,) * rank,
                pads=pads or ((0, 0),) * rank,
                groups=groups,
            )
        )

    def dense(self, outputs: int, bits: int = 3) -> Tensor:
        weight = self.weight((self.last.channels, outputs), bits)
        return self.put(Dense(**self._next("dense"), weight=weight))  # type: ignore[arg-type]

    def thresholds(self, levels: int, *, bipolar: bool = False, mixed: bool = False) -> Tensor:
        """`levels` thresholds per channel at the quantiles of what was seen."""
        values = self.values[self.last.name].reshape(-1, self.last.channels)
        where = (np.arange(levels) + 1) / (levels + 1)
        table = np.sort(np.quantile(values, where, axis=0).T.round().astype(np.int64), axis=1)
        table = np.clip(table, self.last.type.lo, self.last.type.hi + 1)
        step = np.array([2 if bipolar else 1])
        if mixed:
            step = self.rng.choice([-1, 1], size=self.last.channels) * step
        base = -np.sign(step) if bipolar else np.where(step < 0, levels, 0)
        return self.put(
            Thresholds(
                **self._next("act"),  # type: ignore[arg-type]
                thresholds=Ints(table),
                base=Ints(base),
                step=Ints(step),
            )
        )

    def requantize(self, bits: int, rounding: Rounding, *, zero_point: int = 0) -> Tensor:
        """Onto an unsigned range, with a multiplier and an offset per channel."""
        channels = self.last.channels
        shift = max(0, self.last.type.magnitude.bit_length() + 5 - bits)
        return self.put(
            Requantize(
                **self._next("requantize"),  # type: ignore[arg-type]
                multiplier=Ints(self.rng.integers(20, 60, size=channels)),
                offset=Ints(self.rng.integers(-(1 << shift), 1 << shift, size=channels)),
                shift=shift,
                lo=0,
                hi=(1 << bits) - 1,
                zero_point=zero_point,
                rounding=rounding,
            )
        )

    def lookup(self) -> Tensor:
        count = self.last.type.count
        table = Ints(self.rng.integers(-5, 9, size=(self.last.channels, count)))
        return self.put(Lookup(**self._next("lookup"), table=table))  # type: ignore[arg-type]

    def pool(self, kind: type[MaxPool] | type[SumPool], kernel, stride, pads) -> Tensor:  # type: ignore[no-untyped-def]
        common = self._next("pool")
        return self.put(kind(**common, kernel=kernel, strides=stride, pads=pads))

    def average(self, kernel, stride, pads) -> Tensor:  # type: ignore[no-untyped-def]
        """A sum pool that does not count its padding."""
        common = self._next("average")
        plain = with_output(SumPool(**common, kernel=kernel, strides=stride, pads=pads))
        counts = window_counts(plain)
        factors = Ints(np.lcm.reduce(counts.ravel()) // counts)
        return self.put(
            SumPool(**common, kernel=kernel, strides=stride, pads=pads, multiplier=factors)
        )

    def add(self, a: Tensor, b: Tensor, scales: tuple[int, int] | None = None) -> Tensor:
        name = f"add{len(self.layers)}"
        one = scales is None
        factors = [
            Ints([1]) if one else Ints(self.rng.integers(1, 9, size=n)) for n in (a.channels, 1)
        ]
        return self.put(
            Add(
                name=name,
                output=unknown_output(f"{name}_y"),
                a=a,
                b=b,
                multiplier_a=factors[0],
                multiplier_b=factors[1],
            )
        )

    def concat(self, *parts: Tensor) -> Tensor:
        name = f"concat{len(self.layers)}"
        return self.put(Concat(name=name, output=unknown_output(f"{name}_y"), parts=parts))

    def upsample(self, *factors: int) -> Tensor:
        return self.put(Upsample(**self._next("up"), factors=factors))  # type: ignore[arg-type]

    def flatten(self) -> Tensor:
        name = f"flat{len(self.layers)}"
        shape = (self.last.size,)
        return self.put(
            Reshape(name=name, output=unknown_output(f"{name}_y", shape), input=self.last)
        )

    def graph(self, *outputs: Tensor) -> Graph:
        return Graph(self.name, tuple(self.layers), outputs or (self.last,))


def residual() -> Network:
    """Residual sums (scaled and plain), depthwise, strides, global pool, branches."""
    n = Network("residual", (8, 9, 3), IntType(0, 255), 1)
    n.conv(8, pads=((1, 1), (0, 1)))
    trunk = n.requantize(4, Rounding.ROUND)
    n.conv(8, depthwise=True, pads=((1, 1), (1, 1)), bits=4)
    n.requantize(4, Rounding.HALF_UP, zero_point=8)
    n.conv(8, (1, 1))
    branch = n.thresholds(7, mixed=True)
    n.add(trunk, branch, (1, 2))
    n.thresholds(31)
    left = n.last
    n.conv(12, stride=2, pads=((1, 0), (0, 1)), bits=2)
    n.requantize(3, Rounding.FLOOR)
    n.last = left
    right = n.conv(12, (1, 1), stride=2)
    n.requantize(3, Rounding.DOWN)
    right = n.last
    n.add(n.layers[-3].output, right)
    n.pool(SumPool, n.last.shape[:-1], (1, 1), ((0, 0), (0, 0)))
    n.flatten()
    n.dense(10)
    return n


def unet() -> Network:
    """Encoder and decoder with concat, upsample, padded pools, lookup, dilation; two outputs."""
    n = Network("unet", (8, 8, 2), IntType(-8, 7), 2)
    n.conv(4, pads=((2, 2), (2, 2)), dilation=2)
    skip = n.thresholds(15)
    n.pool(MaxPool, (3, 3), (2, 2), ((1, 1), (1, 1)))
    n.conv(6, pads=((1, 1), (1, 1)), groups=2)
    n.requantize(4, Rounding.UP)
    n.lookup()
    small = n.last
    n.upsample(2, 2)
    n.concat(skip, n.last)
    n.conv(5, (2, 3), pads=((0, 1), (1, 1)))
    n.requantize(5, Rounding.HALF_DOWN)
    n.average((2, 2), (1, 1), ((1, 0), (0, 1)))
    out = n.last
    n.last = small
    side = n.pool(SumPool, (2, 2), (2, 1), ((0, 1), (1, 0)))
    n.last = out
    n.graph_outputs = (out, side)  # type: ignore[attr-defined]
    return n


def binary() -> Network:
    """A bipolar network: XNOR products, sign thresholds, a bipolar padding-free convolution."""
    n = Network("binary", (6, 6, 4), IntType(-1, 1, bipolar=True), 3)
    n.conv(8, bits=1)
    n.thresholds(1, bipolar=True, mixed=True)
    n.pool(MaxPool, (2, 2), (2, 2), ((0, 0), (0, 0)))
    n.conv(4, (2, 2), bits=1, pads=((1, 0), (0, 1)))
    n.thresholds(1, bipolar=True)
    n.flatten()
    n.dense(6, bits=1)
    n.thresholds(3)
    n.dense(5, bits=1)
    return n


def sequence() -> Network:
    """One spatial axis: convolution, depthwise, pool and upsample in 1-D."""
    n = Network("sequence", (20, 3), IntType.of_bits(6, signed=True), 4)
    n.conv(6, (5,), stride=2, pads=((2, 2),))
    n.requantize(4, Rounding.ROUND)
    n.conv(6, (3,), depthwise=True, dilation=2, pads=((2, 1),))
    n.thresholds(3)
    n.pool(MaxPool, (2,), (2,), ((0, 1),))
    n.upsample(3)
    n.dense(4)
    return n


def cnv() -> Network:
    """The VGG-like CIFAR-10 network of the FINN papers with 2-bit weights and activations."""
    n = Network("cnv", (32, 32, 3), IntType(0, 255), 5)
    for block, channels in enumerate((64, 128, 256)):
        for _ in range(2):
            n.conv(channels, bits=2)
            n.thresholds(3)
        if block < 2:
            n.pool(MaxPool, (2, 2), (2, 2), ((0, 0), (0, 0)))
    n.flatten()
    for _ in range(2):
        n.dense(512, bits=2)
        n.thresholds(3)
    n.dense(10, bits=2)
    return n
