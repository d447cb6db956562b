"""A streaming design spelled out: operators that fire once a cycle, joined by streams.

    Dataflow = Operator*                               in topological order
    Operator = Source | Sink | Pad | Window | MatrixVector | VectorVector | Activate
             | MaxOver | SumOver | SumAll | ScaledAdd | Join | Repeat | Duplicate | Convert

An operator is one of hls_templates/stream with its template arguments as fields; the
C++ emitter, FINN's hardware graph, the estimator and the FIFO sizing all start from it.
Spatial shapes are (H, W, C); a 1-D tensor has H = 1, a vector H = W = 1. A stream of a
tensor carries words of `lanes` elements, row-major, channels last.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, assert_never

from fpgacomp.ir.design import Arithmetic, Memory
from fpgacomp.ir.layers import Activation, Add
from fpgacomp.ir.types import Ints, IntType

Shape = tuple[int, int, int]
Pair = tuple[int, int]
Order = Literal["channels_inner", "kernel_inner"]


@dataclass(frozen=True, slots=True)
class Stream:
    """A FIFO between two operators.

    Args:
        name: unique in the design, a C identifier.
        type: of one element.
        lanes: elements per word.
        words: words per frame.
        tensor: the integer tensor it carries in full, "" for windows, pads and the like.
        depth: words that the FIFO holds.
    """

    name: str
    type: IntType
    lanes: int
    words: int
    tensor: str = ""
    depth: int = 2

    @property
    def bits(self) -> int:
        """Width of a word."""
        return self.lanes * element_bits(self.type)


def element_bits(kind: IntType) -> int:
    """Bits of an element in a stream; a bipolar one takes a single bit."""
    return 1 if kind.bipolar else kind.bits


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
    group of `lanes` channels all taps (feeds VectorVector and pools).
    """

    shape: Shape
    kernel: Pair
    strides: Pair
    dilations: Pair
    order: Order

    @property
    def positions(self) -> Pair:
        """Windows down and across."""
        extent = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations)]
        down, across = ((n - e) // s + 1 for n, e, s in zip(self.shape[:2], extent, self.strides))
        return down, across

    @property
    def buffer_words(self) -> int:
        """One window's span in input order, which is what the line buffer must hold."""
        (kh, kw), (dh, dw) = self.kernel, self.dilations
        groups = self.shape[2] // self.input.lanes
        return ((kh - 1) * dh * self.shape[1] + (kw - 1) * dw + 1) * groups


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


def cycles(operator: Operator) -> int:
    """Cycles per frame at one firing a cycle (the formulas of hls_templates/stream)."""
    match operator:
        case Source() | Duplicate() | Convert() | ScaledAdd() | MaxOver() | SumOver() | SumAll():
            return max(stream.words for stream in (*operator.inputs, *operator.outputs))
        case Pad() | Repeat() | Join() | Activate():
            return operator.output.words
        case Sink():
            return operator.input.words
        case Window():
            return max(operator.output.words, operator.input.words)
        case MatrixVector():
            return operator.vectors * operator.fold
        case VectorVector():
            taps, channels = operator.weight.shape
            return operator.vectors * taps * (channels // operator.pe)
        case _:
            assert_never(operator)


def frame_words(shape: tuple[int, ...], lanes: int) -> int:
    """Words of one frame."""
    return prod(shape) // lanes
