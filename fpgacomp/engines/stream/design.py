"""A streaming design: one graph on one board with one folding and its FIFO depths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from fpgacomp.devices.board import Board
from fpgacomp.devices.device import Device
from fpgacomp.ir.graph import Graph

Memory = Literal["auto", "lutram", "bram", "uram"]
Arithmetic = Literal["lut", "dsp"]
FoldedArithmetic = Literal["lut", "dsp", "adders"]


@dataclass(frozen=True, slots=True)
class StreamFolding:
    """How parallel one layer of a streaming design is, and what it is built from.

    Args:
        pe: outputs computed at once. Layers with weights: columns of the weight matrix (PE
            divides the output channels; for a depthwise convolution, channels). Others:
            channels per word (of an ArgMax: of its input).
        simd: products per PE and cycle (Dense and Conv only; a depthwise one has none). It
            divides the products of an output, and for a convolution divides the input
            channels or is a multiple of them.
        memory: where weights, thresholds and lookup tables lie.
        arithmetic: what multiplies weights: LUTs or DSP blocks; or additions that the outputs
            share, of a Dense or Conv whose every product has hardware of its own.
    """

    pe: int = 1
    simd: int = 1
    memory: Memory = "auto"
    arithmetic: FoldedArithmetic = "lut"

    def multiplies_on(self, device: Device) -> bool:
        """Whether the device has what multiplies."""
        return self.arithmetic != "dsp" or device.multiplier is not None


class Clocked(Protocol):
    """What is emitted as a dataflow: a graph on a board at a clock."""

    @property
    def graph(self) -> Graph: ...

    @property
    def board(self) -> Board: ...

    @property
    def clock_ns(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class StreamDesign:
    """A folded graph on a board: what the streaming engine emits and its estimator judges.

    Args:
        clock_mhz: the clock that the design will run at.
        folding: layer name -> folding; every layer but Input and Reshape has one.
        fifo_depths: stream name (see `fpgacomp.engines.stream.dataflow`) -> words of its FIFO in
            the C++; 2 where absent. Those of the SystemVerilog follow from the design
            (`fold.rtl_fifos`).
    """

    graph: Graph
    board: Board
    clock_mhz: float
    folding: Mapping[str, StreamFolding] = field(default_factory=dict)
    fifo_depths: Mapping[str, int] = field(default_factory=dict)

    @property
    def clock_ns(self) -> float:
        """Period of the clock in nanoseconds."""
        return 1e3 / self.clock_mhz
