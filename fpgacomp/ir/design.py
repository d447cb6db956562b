"""A design: one graph on one board with one folding. Decisions live here, never in the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fpgacomp.ir.board import Board
from fpgacomp.ir.graph import Graph

IoType = Literal["io_parallel", "io_stream"]
Strategy = Literal["latency", "resource"]


@dataclass(frozen=True, slots=True)
class Target:
    """What the folding aims at; a rate or latency asked for is a bound, not a wish.

    Args:
        goal: latency: shortest first answer; throughput: most frames per second;
            area: least of the board at the bounds given.
        fps: frames per second that must be reached, or None.
        latency_us: latency that must be kept, or None.
    """

    goal: Literal["latency", "throughput", "area"] = "latency"
    fps: float | None = None
    latency_us: float | None = None


@dataclass(frozen=True, slots=True)
class Hls4mlFolding:
    """One layer under hls4ml.

    Args:
        strategy: `latency` unrolls and skips zero weights, `resource` time-multiplexes.
        reuse_factor: how many products share a multiplier, or elements of a Thresholds,
            Requantize or Lookup a lane (1 = fully parallel).
        parallelization: output pixels at once (io_parallel convolutions only).
    """

    strategy: Strategy = "latency"
    reuse_factor: int = 1
    parallelization: int = 1


@dataclass(frozen=True, kw_only=True)
class Hls4mlDesign:
    """What the hls4ml backend emits and the estimator judges.

    Args:
        folding: layer name -> folding; every layer of the graph has one.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    io_type: IoType
    folding: Mapping[str, Hls4mlFolding] = field(default_factory=dict)

    @property
    def clock_ns(self) -> float:
        return 1e3 / self.clock_mhz


Memory = Literal["auto", "lutram", "bram", "uram"]
Arithmetic = Literal["lut", "dsp"]


@dataclass(frozen=True, slots=True)
class StreamFolding:
    """One layer of a streaming design.

    Args:
        pe: outputs computed at once. Weight layers: rows of the matrix (divides the output
            channels; for a depthwise convolution, channels). Others: channels per word
            (of an ArgMax: of its input).
        simd: products per PE and cycle (weight layers only). It divides the matrix's width,
            and for a convolution divides the input channels or is a multiple of them.
        memory: where weights and thresholds lie.
        arithmetic: what multiplies.
    """

    pe: int = 1
    simd: int = 1
    memory: Memory = "auto"
    arithmetic: Arithmetic = "lut"


@dataclass(frozen=True, kw_only=True)
class StreamDesign:
    """What the FINN backend emits and the streaming estimator judges.

    Args:
        folding: layer name -> folding; every layer but Input and Reshape has one.
        fifo_depths: stream name (see `fpgacomp.ir.dataflow`) -> words; 2 where absent.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    folding: Mapping[str, StreamFolding] = field(default_factory=dict)
    fifo_depths: Mapping[str, int] = field(default_factory=dict)

    @property
    def clock_ns(self) -> float:
        return 1e3 / self.clock_mhz
