"""Random single layers under random foldings: the instances of our SystemVerilog to be measured.

Every choice comes from one `random.Random`, so that a seed names the same instances everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from fpgacomp.devices.board import Board
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.operators.convert import Convert
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.rtl.instance import Bits, Parameter
from fpgacomp.engines.stream.rtl.parts import (
    CONTROL,
    RtlPart,
    fifo_part,
    operator_part,
    parts_of,
)
from fpgacomp.engines.stream.rtl.registers import RegisterMap
from fpgacomp.engines.stream.streams import Stream
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
    Rounding,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import BIPOLAR, Ints, IntType
from fpgacomp.ir.verify import verify

MOST_BITS = 1500  # of partial products and table rows: larger ones take Yosys minutes
Made = Callable[["Draw"], Layer]


class Draw:
    """A graph of inputs and one layer, in the making.

    Args:
        choose: where every choice comes from.
    """

    def __init__(self, choose: Random) -> None:
        self.choose = choose
        self.layers: list[Layer] = []

    def input(self, shape: tuple[int, ...], kind: IntType) -> Tensor:
        """An input that arrives in words of as many elements as its reader likes."""
        raw = Tensor(f"raw{len(self.layers)}", shape, kind)
        self.layers.append(Input(name=raw.name, output=raw))
        ready = Upsample(name=f"ready{len(self.layers)}", input=raw,
                         output=unknown_output(f"ready{len(self.layers)}"),
                         factors=(1,) * (len(shape) - 1))  # fmt: skip
        self.layers.append(with_output(ready))
        return self.layers[-1].output

    def some(self, *values: Any) -> Any:
        return self.choose.choice(values)

    def kind(self, *bits: int, bipolar: bool = True) -> IntType:
        """A range of elements of one of these widths."""
        width = self.some(*bits)
        if width == 1 and bipolar and self.some(True, False):
            return BIPOLAR
        if width == 1 or self.some(True, False):
            return IntType(0, (1 << width) - 1)
        return IntType(-(1 << (width - 1)), (1 << (width - 1)) - 1)

    def weights(self, *shape: int) -> Ints:
        """Weights of 1 to 8 bits, some of them zero."""
        bits, size = self.some(1, 2, 2, 3, 4, 4, 6, 8), int(np.prod(shape))
        if bits == 1:
            values = [self.some(-1, 1) for _ in range(size)]
            values[:2] = [-1, 1][:size]
        else:
            most, zeros = (1 << (bits - 1)) - 1, self.some(0.0, 0.3, 0.6)
            values = [0 if self.choose.random() < zeros else self.choose.randint(-most, most)
                      for _ in range(size)]  # fmt: skip
            values[:2] = [-most, most][:size]
        return Ints(np.array(values, dtype=np.int64).reshape(shape))

    def ints(self, size: int, low: int, high: int) -> Ints:
        return Ints(np.array([self.choose.randint(low, high) for _ in range(size)], dtype=np.int64))

    def placed(self, layer: Any) -> Graph:
        """The graph of the inputs and this layer."""
        made = with_output(replace(layer, name="x", output=replace(layer.output, name="x")))
        return verify(Graph("swept", (*self.layers, made), (made.output,)))


def _vector(draw: Draw, channels: int, kind: IntType) -> Tensor:
    return draw.input(draw.some((1, channels), (5, channels), (4, 6, channels)), kind)


def dense(draw: Draw) -> Layer:
    n_in, n_out = draw.some(8, 12, 16, 24, 32, 48, 64), draw.some(4, 8, 10, 16, 24, 32, 64)
    x = _vector(draw, n_in, draw.kind(1, 2, 2, 3, 4, 4, 6, 8))
    return Dense(name="x", output=unknown_output("x"), input=x, weight=draw.weights(n_in, n_out))


def small_dense(draw: Draw) -> Layer:
    n_in, n_out = draw.some(4, 6, 8, 12), draw.some(3, 4, 8)
    x = _vector(draw, n_in, draw.kind(1, 2, 3, 4, 8))
    return Dense(name="x", output=unknown_output("x"), input=x, weight=draw.weights(n_in, n_out))


def conv(draw: Draw) -> Layer:
    kernel = draw.some((1, 1), (2, 2), (3, 3), (3, 3), (3, 2))
    channels, n_out = draw.some(1, 2, 3, 4, 8, 16), draw.some(4, 8, 12)
    x = draw.input((draw.some(6, 8, 12), draw.some(8, 12, 20), channels), draw.kind(2, 4, 8))
    pad = draw.some(0, 0, 1) if kernel == (3, 3) else 0
    return Conv(
        name="x", output=unknown_output("x"), input=x,
        weight=draw.weights(*kernel, channels, n_out),
        strides=draw.some((1, 1), (1, 1), (2, 2)), dilations=draw.some((1, 1), (1, 1), (2, 1)),
        pads=((pad, pad), (pad, pad)),
    )  # fmt: skip


def depthwise(draw: Draw) -> Layer:
    channels = draw.some(4, 8, 12, 16)
    x = draw.input((draw.some(6, 8), draw.some(8, 12), channels), draw.kind(2, 3, 4, 6, 8))
    return Conv(
        name="x", output=unknown_output("x"), input=x, weight=draw.weights(3, 3, 1, channels),
        strides=draw.some((1, 1), (2, 2)), dilations=(1, 1), pads=((0, 0), (0, 0)), groups=channels,
    )  # fmt: skip


def thresholds(draw: Draw) -> Layer:
    count = draw.some(1, 1, 2, 3, 3, 7, 7, 15, 15, 31, 63, 255)
    channels = draw.some(4, 8, 16, 32) if count < 63 else 8
    x = _vector(draw, channels, draw.kind(4, 6, 8, 10, 12, 16, bipolar=False))
    rows = draw.some(1, channels, channels)
    room = x.type.hi - x.type.lo
    table = [sorted(x.type.lo + draw.choose.randint(0, room) for _ in range(count))
             for _ in range(rows)]  # fmt: skip
    base, step = draw.some((0, 1), (0, 1), (count, -1)) if count > 1 else draw.some((-1, 2), (0, 1))
    return Thresholds(
        name="x", output=unknown_output("x"), input=x,
        thresholds=Ints(np.array(table, dtype=np.int64)),
        base=Ints(np.array([base])), step=Ints(np.array([step])),
    )  # fmt: skip


def requantize(draw: Draw) -> Layer:
    channels = draw.some(4, 8, 16, 32)
    x = _vector(draw, channels, draw.kind(4, 8, 10, 12, 16, 20, bipolar=False))
    rows, most = draw.some(1, channels, channels), draw.some(1, 15, 15, 255)
    shift, bits = draw.some(0, 3, 6, 8), draw.some(2, 4, 4, 8)
    low, high = draw.some((0, (1 << bits) - 1), (-(1 << (bits - 1)), (1 << (bits - 1)) - 1))
    return Requantize(
        name="x", output=unknown_output("x"), input=x, multiplier=draw.ints(rows, 1, most),
        offset=draw.ints(draw.some(1, channels), -(4 << shift), 4 << shift), shift=shift, lo=low,
        hi=high, rounding=draw.some(*Rounding),
    )  # fmt: skip


def lookup(draw: Draw) -> Layer:
    channels = draw.some(4, 8)
    x = _vector(draw, channels, draw.kind(2, 3, 4, 6, 8, bipolar=False))
    rows, most = draw.some(1, channels), draw.some(3, 9, 100)
    table = [draw.ints(x.type.count, -most, most).array for _ in range(rows)]
    return Lookup(name="x", output=unknown_output("x"), input=x, table=Ints(np.array(table)))


def add(draw: Draw) -> Layer:
    channels, shape = draw.some(4, 8, 16), draw.some((1,), (4,), (3, 3))
    kinds = draw.kind(2, 4, 8, 12), draw.kind(2, 4, 8, 12)
    a, b = (draw.input((*shape, channels), kind) for kind in kinds)
    rows, most = draw.some(1, channels), draw.some(1, 1, 7, 31)
    return Add(name="x", output=unknown_output("x"), a=a, b=b,
               multiplier_a=draw.ints(rows, 1, most),
               multiplier_b=draw.ints(rows, 1, most))  # fmt: skip


def max_pool(draw: Draw) -> Layer:
    x = draw.input((8, draw.some(8, 16), draw.some(2, 4, 8, 16)), draw.kind(1, 2, 4, 8))
    kernel = draw.some((2, 2), (3, 3), (2, 1))
    return MaxPool(name="x", output=unknown_output("x"), input=x, kernel=kernel,
                   strides=draw.some(kernel, (1, 1)), pads=((0, 0), (0, 0)))  # fmt: skip


def sum_pool(draw: Draw) -> Layer:
    x = draw.input((6, draw.some(6, 12), draw.some(2, 4, 8, 16)), draw.kind(1, 2, 4, 8))
    kernel = draw.some((2, 2), (3, 3), x.shape[:2], x.shape[:2])
    return SumPool(name="x", output=unknown_output("x"), input=x, kernel=kernel,
                   strides=kernel, pads=((0, 0), (0, 0)))  # fmt: skip


def upsample(draw: Draw) -> Layer:
    x = draw.input((4, draw.some(4, 8, 20), draw.some(2, 4, 8)), draw.kind(2, 4, 8))
    return Upsample(name="x", output=unknown_output("x"), input=x,
                    factors=draw.some((2, 2), (1, 2), (3, 2)))  # fmt: skip


def concat(draw: Draw) -> Layer:
    sizes = draw.some((4, 4), (2, 4, 6), (8, 16))
    parts = tuple(draw.input((4, size), draw.kind(2, 4, 8)) for size in sizes)
    return Concat(name="x", output=unknown_output("x"), parts=parts)


def arg_max(draw: Draw) -> Layer:
    x = _vector(draw, draw.some(4, 10, 12, 32), draw.kind(4, 8, 12, 16))
    return ArgMax(name="x", output=unknown_output("x"), input=x)


# What is drawn, and how often.
LAYERS: tuple[tuple[Made, int], ...] = (
    (dense, 120), (small_dense, 24), (conv, 50), (depthwise, 24), (thresholds, 70),
    (requantize, 50), (lookup, 24), (add, 24), (max_pool, 14), (sum_pool, 18), (upsample, 10),
    (concat, 10), (arg_max, 14),
)  # fmt: skip
CONVERTERS, FIFOS, DUPLICATES = 20, 40, 10
# Operators that come with others are plenty: no more than these are measured.
MOST = {"fpgacomp_source": 10, "fpgacomp_sink": 10, "fpgacomp_duplicate": 10, "fpgacomp_pad": 12,
        "fpgacomp_convert": 60, "fpgacomp_fifo": 80, "fpgacomp_repeat": 16}  # fmt: skip


def drawn(board: Board, seed: int) -> Iterator[RtlPart]:
    """Instances, with repetitions, for the device of a board."""
    choose, device = Random(seed), board.device
    for made, count in LAYERS:
        for _ in range(count):
            draw = Draw(choose)
            graph = draw.placed(made(draw))
            folding = _folding(graph, board, choose, unfolded=made is small_dense)
            design = StreamDesign(graph=graph, board=board, clock_mhz=100.0, folding=folding)
            yield from parts_of(expand(design), device)
    for index in range(CONVERTERS):
        draw = Draw(choose)
        kind, pixels = draw.kind(1, 2, 4, 8), draw.some(1, 6)
        lanes_in, lanes_out = draw.some(1, 2, 3, 4, 6, 8), draw.some(1, 2, 4, 5, 8, 12)
        elements = 120 * pixels
        ends = [Stream(side, kind, lanes, elements // lanes)
                for side, lanes in (("a", lanes_in), ("b", lanes_out))]  # fmt: skip
        if lanes_in != lanes_out:
            one = Convert(name="x", layer="x", input=ends[0], output=ends[1])
            yield operator_part(one, f"c{index}", device)
    for _ in range(FIFOS):
        draw = Draw(choose)
        stream = Stream("f", draw.kind(1, 2, 4, 8), draw.some(1, 2, 4, 8, 16), 1)
        depth = draw.some(2, 3, 4, 5, 8, 12, 17, 24, 33, 48, 65, 100, 128, 200, 257, 400, 600)
        yield fifo_part(replace(stream, depth=depth), "x", device)
    for ends in ((1, 1), (1, 1), (1, 2), (2, 1), (2, 2), (3, 1)):
        yield _registers(ends, f"{choose.getrandbits(128):032x}")
    for index in range(DUPLICATES):
        draw = Draw(choose)
        word = Stream("w", draw.kind(1, 2, 4, 8), draw.some(1, 2, 4, 8, 16), 1)
        copies = tuple(replace(word, name=f"w{copy}") for copy in range(draw.some(2, 2, 3)))
        one = Duplicate(name="x", layer="x", input=word, copies=copies)
        yield operator_part(one, f"d{index}", device)


def _registers(ends: tuple[int, int], identity: str) -> RtlPart:
    """The control registers of a design with so many inputs and outputs."""
    names = [tuple(f"{side}{index}" for index in range(count)) for side, count in zip("io", ends)]
    texts = RegisterMap(identity, *names).parameters
    return RtlPart("", CONTROL, {name: _parameter(text) for name, text in texts.items()})


def _parameter(text: str) -> Parameter:
    """A number as SystemVerilog has it."""
    if "'" not in text:
        return int(text)
    width, digits = text.split("'")
    value = int(digits[1:], 16 if digits[0] == "h" else 10)
    return Bits(int(width), value) if width else value


def _folding(
    graph: Graph, board: Board, choose: Random, *, unfolded: bool
) -> dict[str, StreamFolding]:
    """A random folding of the layer "x"; the inputs arrive in the words that it reads."""
    layer = graph.by_name["x"]
    rules = rules_of(layer)
    foldings = [one for one in rules.foldings(board.device) if _small(layer, one)]
    if unfolded:
        foldings = [max(foldings, key=lambda one: (one.pe * one.simd, one.memory, one.arithmetic))]
    # DSP blocks are counted, not fitted: a few of them do.
    plain = [one for one in foldings if one.arithmetic == "lut"] or foldings
    chosen = choose.choice(foldings if choose.random() < 0.2 else plain)
    lanes = rules.lanes_in(chosen) or 1
    names = [one.name for one in graph.layers if isinstance(one, Upsample) and one.name != "x"]
    ready = {}
    for name in names:
        channels = graph.by_name[name].output.channels
        ready[name] = StreamFolding(lanes if channels % lanes == 0 else channels)
    return ready | {"x": chosen}


def _small(layer: Layer, folding: StreamFolding) -> bool:
    if not isinstance(layer, Dense | Conv):
        return True
    weight, bits = layer.weight.type.bits, layer.input.type.bits
    products = folding.pe * folding.simd
    return products * weight * max(bits, 2) <= MOST_BITS and products <= 160
