"""A streaming design: one graph on one board with one folding and its FIFO depths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fpgacomp.devices.board import Board
from fpgacomp.ir.graph import Graph

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
        fifo_depths: stream name (see `fpgacomp.engines.stream.dataflow`) -> words; 2 where absent.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    folding: Mapping[str, StreamFolding] = field(default_factory=dict)
    fifo_depths: Mapping[str, int] = field(default_factory=dict)

    @property
    def clock_ns(self) -> float:
        return 1e3 / self.clock_mhz
