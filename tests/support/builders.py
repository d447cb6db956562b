"""Small integer graphs for the tests of the hls4ml backend and of the C-simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.devices.board import Board
from fpgacomp.devices.families import FAMILIES
from fpgacomp.devices.resources import counts
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, Hls4mlStrategy, IoType
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import (
    Add,
    ArgMax,
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
from fpgacomp.ir.verify import verify

BOARD = Board(
    name="test", title="Test", vendor="xilinx", part="xc7z020clg400-1", family="zynq-7000",
    device=FAMILIES["zynq-7000"],
    resources=counts(53200, 106400, 220, 280), lutram=17400, shell=counts(),
    clock_mhz_default=100.0, clock_mhz_max=200.0, memory="DDR3", host="zynq-ps",
    sources=("test",), path=Path("test.yaml"),
)  # fmt: skip


class GraphBuilder:
    """Adds layers one by one; every method returns the tensor it made."""

    def __init__(self, name: str = "net", seed: int = 0) -> None:
        self.name = name
        self.rng = np.random.default_rng(seed)
        self.layers: list[Layer] = []

    def add(self, layer: Any) -> Tensor:
        made = with_output(layer)
        self.layers.append(made)
        return made.output

    def graph(self, *outputs: Tensor) -> Graph:
        return verify(Graph(self.name, tuple(self.layers), outputs))

    def input(self, name: str, shape: tuple[int, ...], lo: int, hi: int, **kind: Any) -> Tensor:
        tensor = Tensor(name, shape, IntType(lo, hi, **kind))
        self.layers.append(Input(name=name, output=tensor))
        return tensor

    def weights(self, shape: tuple[int, ...], lo: int, hi: int) -> Ints:
        values = self.rng.integers(lo, hi + 1, size=shape)
        values.reshape(-1)[:2] = (lo, hi)[: values.size]
        return Ints(values)

    def dense(self, name: str, x: Tensor, n_out: int, lo: int = -7, hi: int = 7) -> Tensor:
        weight = self.weights((x.channels, n_out), lo, hi)
        return self.add(Dense(name=name, output=unknown_output(name), input=x, weight=weight))

    def conv(self, name: str, x: Tensor, n_out: int, kernel: tuple[int, ...], *,
             strides: tuple[int, ...] | None = None, dilations: tuple[int, ...] | None = None,
             pads: tuple[tuple[int, int], ...] | None = None, groups: int = 1,
             lo: int = -4, hi: int = 3) -> Tensor:  # fmt: skip
        ones = (1,) * len(kernel)
        weight = self.weights((*kernel, x.channels // groups, n_out), lo, hi)
        return self.add(Conv(
            name=name, output=unknown_output(name), input=x, weight=weight,
            strides=strides or ones, dilations=dilations or ones,
            pads=pads or ((0, 0),) * len(kernel), groups=groups,
        ))  # fmt: skip

    def thresholds(self, name: str, x: Tensor, count: int, *, per_channel: bool = True,
                   base: Any = 0, step: Any = 1, never: bool = False) -> Tensor:  # fmt: skip
        rows = x.channels if per_channel else 1
        table = np.sort(self.rng.integers(x.type.lo, x.type.hi + 1, size=(rows, count)), axis=1)
        if never:
            table[:, -1] = x.type.hi + 1
        return self.add(Thresholds(
            name=name, output=unknown_output(name), input=x, thresholds=Ints(table),
            base=Ints(np.atleast_1d(base)), step=Ints(np.atleast_1d(step)),
        ))  # fmt: skip

    def requantize(self, name: str, x: Tensor, lo: int = 0, hi: int = 15, *,
                   shift: int | None = None, rounding: Rounding = Rounding.FLOOR,
                   per_channel: bool = True, zero_point: int = 0,
                   negative: bool = False) -> Tensor:  # fmt: skip
        size = x.channels if per_channel else 1
        multiplier = self.rng.integers(1, 12, size=size) * (-1 if negative else 1)
        if shift is None:
            shift = max((x.type.magnitude * 12 // max(hi - lo, 1)).bit_length() - 2, 0)
        offset = self.rng.integers(-(1 << shift), (1 << shift) + 1, size=size)
        return self.add(Requantize(
            name=name, output=unknown_output(name), input=x, multiplier=Ints(multiplier),
            offset=Ints(offset), shift=shift, lo=lo, hi=hi, zero_point=zero_point,
            rounding=rounding,
        ))  # fmt: skip

    def lookup(self, name: str, x: Tensor, *, per_channel: bool = True) -> Tensor:
        rows = x.channels if per_channel else 1
        table = Ints(self.rng.integers(-9, 10, size=(rows, x.type.count)))
        return self.add(Lookup(name=name, output=unknown_output(name), input=x, table=table))

    def maxpool(self, name: str, x: Tensor, kernel: tuple[int, ...],
                strides: tuple[int, ...] | None = None,
                pads: tuple[tuple[int, int], ...] | None = None) -> Tensor:  # fmt: skip
        return self.add(MaxPool(name=name, output=unknown_output(name), input=x, kernel=kernel,
                                strides=strides or kernel,
                                pads=pads or ((0, 0),) * len(kernel)))  # fmt: skip

    def sumpool(self, name: str, x: Tensor, kernel: tuple[int, ...],
                strides: tuple[int, ...] | None = None,
                pads: tuple[tuple[int, int], ...] | None = None,
                scaled: bool = False) -> Tensor:  # fmt: skip
        pads = pads or ((0, 0),) * len(kernel)
        layer = SumPool(name=name, output=unknown_output(name), input=x, kernel=kernel,
                        strides=strides or kernel, pads=pads)  # fmt: skip
        if scaled:
            spatial = with_output(layer).output.shape[:-1]
            factors = self.rng.integers(1, 7, size=spatial)
            layer = SumPool(**{**vars(layer), "multiplier": Ints(factors)})
        return self.add(layer)

    def add_two(self, name: str, a: Tensor, b: Tensor, *, per_channel: bool = False) -> Tensor:
        size = a.channels if per_channel else 1
        factors = [Ints(self.rng.integers(1, 6, size=size)) for _ in range(2)]
        return self.add(Add(name=name, output=unknown_output(name), a=a, b=b,
                            multiplier_a=factors[0], multiplier_b=factors[1]))  # fmt: skip

    def concat(self, name: str, *parts: Tensor) -> Tensor:
        return self.add(Concat(name=name, output=unknown_output(name), parts=parts))

    def reshape(self, name: str, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        return self.add(Reshape(name=name, output=unknown_output(name, shape), input=x))

    def argmax(self, name: str, x: Tensor) -> Tensor:
        return self.add(ArgMax(name=name, output=unknown_output(name), input=x))

    def upsample(self, name: str, x: Tensor, factors: tuple[int, ...]) -> Tensor:
        return self.add(Upsample(name=name, output=unknown_output(name), input=x, factors=factors))


def design(graph: Graph, io_type: IoType = "io_parallel", strategy: Hls4mlStrategy = "latency",
           reuse_factor: int = 1, **special: Hls4mlFolding) -> Hls4mlDesign:  # fmt: skip
    """Every layer at the same folding, except those named in `special`.

    Depthwise convolutions and activations keep the Latency strategy.
    """
    folding = {}
    for layer in graph.layers:
        plain = not isinstance(layer, Dense | Conv)
        unrolled = plain or (isinstance(layer, Conv) and layer.depthwise)
        folding[layer.name] = Hls4mlFolding(
            "latency" if unrolled else strategy, 1 if plain else reuse_factor
        )
    return Hls4mlDesign(graph=graph, board=BOARD, clock_mhz=100.0, io_type=io_type,
                        folding={**folding, **special})  # fmt: skip


def inputs(graph: Graph, samples: int, seed: int = 1) -> dict[str, IntArray]:
    """Random integers in range; the first two samples are all-lowest and all-highest."""
    rng = np.random.default_rng(seed)
    made = {}
    for layer in graph.inputs:
        kind = layer.output.type
        values = rng.integers(kind.lo, kind.hi + 1, size=(samples, *layer.output.shape))
        if kind.bipolar:
            values = np.where(values < 0, -1, 1)
        values[0], values[1] = kind.lo, kind.hi
        made[layer.output.name] = values.astype(np.int64)
    return made


def mlp(name: str = "mlp") -> Graph:
    """Dense, Thresholds, Dense, Requantize, Dense: the smallest network that shows the path."""
    b = GraphBuilder(name)
    x = b.input("x", (6,), -8, 7)
    h = b.thresholds("act1", b.dense("fc1", x, 8), 7, never=True)
    h = b.requantize("act2", b.dense("fc2", h, 8), 0, 15, rounding=Rounding.ROUND)
    return b.graph(b.dense("fc3", h, 5))


def cnn(name: str = "cnn") -> Graph:
    """Conv, Thresholds, MaxPool, Conv, Requantize, Flatten, Dense."""
    b = GraphBuilder(name)
    x = b.input("x", (8, 8, 2), 0, 15)
    h = b.thresholds("t1", b.conv("c1", x, 4, (3, 3), pads=((1, 1), (1, 1))), 7)
    h = b.maxpool("p1", h, (2, 2))
    h = b.requantize("q2", b.conv("c2", h, 6, (3, 3)), -8, 7)
    return b.graph(b.dense("fc", b.reshape("flat", h, (24,)), 5))


def windows(rank: int, seed: int = 0) -> Graph:
    """Every layer that has a window, a position or two inputs, in `rank` dimensions."""
    b = GraphBuilder(f"windows{rank}d", seed)
    spatial = (6, 5) if rank == 2 else (9,)

    def axes(*values: Any) -> tuple[Any, ...]:
        return values[:rank]

    x = b.input("x", (*spatial, 4), -4, 5)
    made = [
        b.conv("asymmetric", x, 3, axes(3, 2), strides=axes(2, 1), pads=axes((0, 2), (1, 0))),
        b.conv("dilated", x, 2, axes(2, 3), dilations=axes(2, 1), pads=axes((1, 1), (0, 2))),
        b.conv("grouped", x, 4, axes(3, 2), groups=2, pads=axes((1, 0), (0, 1))),
        b.conv("pointwise", x, 3, axes(1, 1)),
        b.conv("pointwise_strided", x, 3, axes(1, 1), strides=axes(2, 3)),
        b.conv("one_row", x, 2, axes(1, 2), strides=axes(3, 3)),
        b.conv("depthwise_one_row", x, 4, axes(1, 2), groups=4),
        b.dense("positions", x, 5),
        b.maxpool("max_padded", x, axes(3, 2), strides=axes(2, 1), pads=axes((1, 2), (0, 1))),
        b.maxpool("max_separate", x, axes(2, 2)),
        b.maxpool("max_overlapping", x, axes(3, 3), strides=axes(1, 2)),
        b.maxpool("max_gaps", x, axes(1, 2), strides=axes(2, 3)),
        b.sumpool("sum_padded", x, axes(3, 2), strides=axes(2, 2), pads=axes((1, 1), (1, 0))),
        b.sumpool("sum_scaled", x, axes(3, 3), strides=axes(2, 2), pads=axes((1, 1), (1, 1)),
                  scaled=True),
        b.sumpool("sum_gaps", x, axes(2, 1), strides=axes(3, 2), pads=axes((1, 0), (0, 0))),
        b.sumpool("sum_global", x, spatial),
        b.upsample("upsampled", x, axes(2, 3)),
    ]  # fmt: skip
    depthwise = b.conv("depthwise", x, 4, axes(3, 2), groups=4, pads=axes((1, 1), (1, 0)))
    total = b.add_two("added", x, depthwise, per_channel=True)
    joined = b.concat("joined", x, total, depthwise, x)
    doubled = b.add_two("doubled", x, x)
    return b.graph(*made, depthwise, total, joined, doubled, b.requantize("last", total, -4, 3))


def labels(seed: int = 0) -> Graph:
    """ArgMax of many ties, of every kind of number, at one position and at several."""
    b = GraphBuilder("labels", seed)
    x = b.input("x", (12,), -2, 2)
    image = b.input("image", (3, 2, 6), 0, 3)
    signs = b.input("signs", (7,), -1, 1, bipolar=True)
    wide = b.requantize("wide", b.dense("fc", x, 10), -(10**6), 10**6, shift=0)
    made = [
        b.argmax("few", x),
        b.argmax("pixels", image),
        b.argmax("bipolar", signs),
        b.argmax("flat", b.reshape("flattened", image, (36,))),
        b.argmax("shaped", b.reshape("pixel", x, (1, 1, 12))),
        b.argmax("sums", wide),
        b.argmax("lone", b.dense("one", x, 1)),
        b.argmax("pair", b.dense("two", x, 2)),
    ]
    return b.graph(*made, b.dense("behind", b.argmax("inner", x), 3))


def activations(seed: int = 0) -> Graph:
    """Requantize in every rounding mode, Thresholds in every form, Lookup, Reshape."""
    b = GraphBuilder("activations", seed)
    x = b.input("x", (3, 3, 4), -8, 7)
    y = b.input("y", (3, 3, 4), 0, 3)
    c = b.conv("c1", x, 4, (2, 2), pads=((1, 0), (0, 1)))
    made = []
    for i, mode in enumerate(Rounding):
        made += [
            b.requantize(f"clipped_{mode.value}", c, -8, 7, rounding=mode, shift=4,
                         zero_point=i - 3, per_channel=i % 2 == 0, negative=i == 1),
            b.requantize(f"wide_{mode.value}", c, -(10**6), 10**6, rounding=mode, shift=i),
        ]  # fmt: skip
    made += [
        b.requantize("unshifted", c, -4, 9, shift=0),
        b.requantize("far_shifted", c, -4, 9, shift=30),
        b.requantize("constant", c, 3, 3),
        b.thresholds("shared", c, 15, per_channel=False, never=True),
        b.thresholds("falling", c, 7, base=7, step=-1),
        b.thresholds("bipolar", c, 1, base=[-1, 1, -1, 1], step=[2, -2, 2, -2]),
        b.thresholds("unsigned_in", y, 3, never=True),
        b.thresholds("mixed", c, 5, base=[-2, 3, 0, 1], step=[1, -1, 1, -1]),
        b.thresholds("none", c, 0, base=[4, 5, 6, 7]),
        b.lookup("table", y),
        b.lookup("shared_table", x, per_channel=False),
        b.reshape("fewer_words", x, (3, 12)),
        b.reshape("more_words", x, (18, 2)),
        b.reshape("uneven_words", x, (6, 6)),
        b.reshape("same_words", y, (9, 4)),
    ]
    return b.graph(*made)


def traps(seed: int = 0) -> Graph:
    """What hls4ml gets silently wrong unless it is told otherwise (facts: traps)."""
    b = GraphBuilder("traps", seed)
    x = b.input("x", (8,), -8, 7)
    bits = b.input("bits", (8,), 0, 1)
    signs = b.input("signs", (8,), -1, 1, bipolar=True)
    made = [
        b.dense("two_bits", x, 6, -2, 1),  # ap_int<2> weights would be -1, 0, 1
        b.dense("ternary", x, 6, -1, 1),
        b.dense("negative", x, 6, -1, 0),
        b.dense("xnor", bits, 6, 0, 1),  # ap_uint<1> times ap_uint<1> would be XNOR
        b.dense("bit_times_two_bits", bits, 6, -2, 1),
        b.dense("bit_times_ternary", bits, 6, -1, 1),
        b.dense("binary", signs, 6, -1, 1),
        b.thresholds("binarized", b.dense("wide", signs, 6), 1, base=-1, step=2, never=True),
    ]
    return b.graph(*made, signs)
