"""A streaming design spelled out: operators that fire once a cycle, joined by streams.

    Dataflow = Operator*                               in topological order
    Operator = Source | Sink | Pad | Window | MatrixVector | VectorVector | Activate
             | MaxOver | SumOver | SumAll | ScaledAdd | Join | Repeat | Duplicate | Convert
             | Label

An operator is one of hls_templates/stream with its template arguments as fields; the
C++ emitter, FINN's hardware graph, the estimator and the FIFO sizing all start from it.
Spatial shapes are (H, W, C); a 1-D tensor has H = 1, a vector H = W = 1. A stream of a
tensor carries words of `lanes` elements, row-major, channels last.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, assert_never

from fpgacomp.engines.stream.design import Arithmetic, Memory
from fpgacomp.engines.stream.streams import Stream, element_bits
from fpgacomp.ir.layers import Activation, Add, Thresholds
from fpgacomp.ir.types import Ints, IntType

Shape = tuple[int, int, int]
Pair = tuple[int, int]
Order = Literal["channels_inner", "kernel_inner"]
# Up to here a comparator per threshold costs no more than a binary search.
_MOST_COMPARATORS = 3
# A DSP block's narrower multiplier port (UG479, UG579).
_NARROW_PORT_BITS = 18


@dataclass(frozen=True, kw_only=True)
class _Operator:
    """`layer` is the layer of the integer graph that it works for ("" for plumbing)."""

    name: str
    layer: str


@dataclass(frozen=True, kw_only=True)
class _OneToOne(_Operator):
    input: Stream
    output: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.input,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.output,)


@dataclass(frozen=True, kw_only=True)
class Source(_Operator):
    """A graph input's AXI stream, turned into words."""

    output: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return ()

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.output,)


@dataclass(frozen=True, kw_only=True)
class Sink(_Operator):
    """A graph output's words, turned into an AXI stream."""

    input: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.input,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return ()


@dataclass(frozen=True, kw_only=True)
class Pad(_OneToOne):
    """`fill` around [H, W, C]: 0, or the type's lowest value in front of a maximum."""

    shape: Shape
    rows: Pair  # (top, bottom)
    columns: Pair  # (left, right)
    fill: int = 0


@dataclass(frozen=True, kw_only=True)
class Window(_OneToOne):
    """Every window of [H, W, C] one after the other.

    channels_inner: for each tap all channels (feeds MatrixVector). kernel_inner: for each
    group of `lanes` channels all taps (feeds VectorVector and pools). `parallel` windows
    are channels_inner from whole pixels, one word each.
    """

    shape: Shape
    kernel: Pair
    strides: Pair
    dilations: Pair
    order: Order

    @property
    def positions(self) -> Pair:
        """Windows down and across."""
        down, across = (
            (n - e) // s + 1 for n, e, s in zip(self.shape[:2], self.extent, self.strides)
        )
        return down, across

    @property
    def parallel(self) -> bool:
        """A whole window per word, a pixel a cycle; else one word of `lanes` channels a cycle."""
        return self.output.lanes > self.input.lanes

    @property
    def extent(self) -> Pair:
        """Rows and columns that a window spans."""
        down, across = (d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations))
        return down, across

    @property
    def buffer_words(self) -> int:
        """Input words that the line buffer holds.

        One window's span in input order, or whole rows above the current one where parallel.
        """
        groups = self.shape[2] // self.input.lanes
        rows, columns = self.extent
        if self.parallel:
            return max(1, rows - 1) * self.shape[1]
        return ((rows - 1) * self.shape[1] + columns) * groups

    @property
    def cycles(self) -> int:
        """Per frame, exactly (the schedule is explained in hls_templates/stream/README.md)."""
        if self.parallel:
            return self.input.words
        groups, taps = self.shape[2] // self.input.lanes, prod(self.kernel)
        (down, across), (rows, columns) = self.positions, self.strides
        width = self.shape[1]

        def slot(reads: int) -> int:
            ahead = taps * groups if self.order == "channels_inner" else groups + taps - 1
            return taps * groups + max(0, reads - ahead)

        first = slot(self.buffer_words)
        following = slot(columns * groups)
        row = slot((width * rows - (across - 1) * columns) * groups)
        seen = ((down - 1) * rows * width + (across - 1) * columns) * groups + self.buffer_words
        tail = self.input.words - seen
        return first + down * (across - 1) * following + (down - 1) * row + tail


@dataclass(frozen=True, kw_only=True)
class MatrixVector(_OneToOne):
    """y = x @ weight for `vectors` rows; PE outputs and SIMD inputs a cycle."""

    weight: Ints  # [MW, MH]
    vectors: int
    pe: int
    simd: int
    memory: Memory
    arithmetic: Arithmetic

    @property
    def fold(self) -> int:
        """Cycles per vector: also the rows of the weight memory."""
        mw, mh = self.weight.shape
        return (mw // self.simd) * (mh // self.pe)

    def packing(self, port_bits: int) -> tuple[int, int]:
        """(weights multiplied in one DSP block, bits between them); (1, 0) where only one.

        Weights with one input share a multiplier if they, each as far apart as a product
        is wide, fit its wider port (`port_bits`: 25 on DSP48E1, 27 on DSP48E2).
        """
        weight, x = self.weight.stored_type, self.input.type
        if element_bits(weight) == 1 or (x.signed and x.bits == 1):
            return 1, 0  # gates, not multipliers
        if _signed_bits(x) > _NARROW_PORT_BITS:
            return 1, 0
        ends = [a * b for a in (x.lo, x.hi) for b in (weight.lo, weight.hi)]
        shift = _signed_bits(IntType.of_values(ends))
        wide = _signed_bits(weight)
        room = port_bits - wide - (weight.lo == -(1 << (wide - 1)))
        lanes = min(self.pe, 1 + max(0, room // shift))
        return (lanes, shift) if lanes > 1 else (1, 0)


@dataclass(frozen=True, kw_only=True)
class VectorVector(_OneToOne):
    """Depthwise products: y[c] = sum over taps of x[k, c] * weight[k, c]; PE channels a cycle."""

    weight: Ints  # [taps, C]
    vectors: int
    pe: int
    memory: Memory
    arithmetic: Arithmetic


@dataclass(frozen=True, kw_only=True)
class Activate(_OneToOne):
    """Requantize, Thresholds or Lookup, `input.lanes` channels a cycle."""

    function: Activation
    memory: Memory

    @property
    def search_levels(self) -> int:
        """Steps of a binary search for Thresholds; 0 where each threshold has a comparator."""
        if not isinstance(self.function, Thresholds):
            return 0
        count = self.function.thresholds.shape[1]
        return count.bit_length() if count > _MOST_COMPARATORS else 0


@dataclass(frozen=True, kw_only=True)
class MaxOver(_OneToOne):
    """Largest of each `taps` consecutive words, lane by lane."""

    taps: int


@dataclass(frozen=True, kw_only=True)
class SumOver(_OneToOne):
    """Sum of each `taps` consecutive words, times one integer per output position if given."""

    taps: int
    channels: int
    multiplier: Ints | None  # [positions]


@dataclass(frozen=True, kw_only=True)
class SumAll(_OneToOne):
    """Sum over all `pixels` of a frame, per channel."""

    channels: int
    pixels: int


@dataclass(frozen=True, kw_only=True)
class ScaledAdd(_Operator):
    """The Add layer, word by word."""

    a: Stream
    b: Stream
    output: Stream
    add: Add

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.a, self.b)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.output,)


@dataclass(frozen=True, kw_only=True)
class Join(_Operator):
    """Concatenation along the channels; `channels` of each input, all words of equal lanes."""

    parts: tuple[Stream, ...]
    channels: tuple[int, ...]
    output: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return self.parts

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.output,)


@dataclass(frozen=True, kw_only=True)
class Repeat(_OneToOne):
    """Nearest-neighbour upsampling of [H, W, C]."""

    shape: Shape
    factors: Pair


@dataclass(frozen=True, kw_only=True)
class Duplicate(_Operator):
    """Every word to every output."""

    input: Stream
    copies: tuple[Stream, ...]

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.input,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return self.copies


@dataclass(frozen=True, kw_only=True)
class Convert(_OneToOne):
    """Words of other lanes, any ratio."""


@dataclass(frozen=True, kw_only=True)
class Label(_OneToOne):
    """Index of the largest of each pixel's channels, the lowest of equal ones; one lane out."""

    channels: int


Operator = (
    Source
    | Sink
    | Pad
    | Window
    | MatrixVector
    | VectorVector
    | Activate
    | MaxOver
    | SumOver
    | SumAll
    | ScaledAdd
    | Join
    | Repeat
    | Duplicate
    | Convert
    | Label
)


@dataclass(frozen=True)
class Dataflow:
    """Operators in topological order; every stream has one writer and one reader."""

    name: str
    operators: tuple[Operator, ...]

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Every stream, in the order of its writers."""
        return tuple(stream for operator in self.operators for stream in operator.outputs)


def _signed_bits(kind: IntType) -> int:
    """Bits as a signed number."""
    return max(kind.bits, 2) if kind.signed else kind.bits + 1


def cycles(operator: Operator) -> int:
    """Cycles per frame at one firing a cycle (the formulas of hls_templates/stream)."""
    match operator:
        case Source() | Duplicate() | Convert() | ScaledAdd() | MaxOver() | SumOver() | SumAll():
            return max(stream.words for stream in (*operator.inputs, *operator.outputs))
        case Pad() | Repeat() | Join() | Activate():
            return operator.output.words
        case Sink() | Label():
            return operator.input.words
        case Window():
            return operator.cycles
        case MatrixVector():
            return operator.vectors * operator.fold
        case VectorVector():
            taps, channels = operator.weight.shape
            return operator.vectors * taps * (channels // operator.pe)
        case _:
            assert_never(operator)
