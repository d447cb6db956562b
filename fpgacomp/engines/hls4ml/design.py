"""A design under hls4ml: one graph on one board with one folding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fpgacomp.devices.board import Board
from fpgacomp.engines.engine import IoType as IoType
from fpgacomp.ir.graph import Graph

Hls4mlStrategy = Literal["latency", "resource", "distributed_arithmetic"]


@dataclass(frozen=True, slots=True)
class Hls4mlFolding:
    """How much hardware hls4ml builds for one layer.

    Args:
        strategy: `latency` gives every product a multiplier and skips zero weights, `resource`
            lets a multiplier serve several products one after the other,
            `distributed_arithmetic` makes all sums of additions that they share.
        reuse_factor: how many products share a multiplier, or elements of a Thresholds,
            Requantize or Lookup a lane (1 = fully parallel).
        parallelization: output pixels at once (io_parallel convolutions only).
    """

    strategy: Hls4mlStrategy = "latency"
    reuse_factor: int = 1
    parallelization: int = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """What a layer's cost and cycles depend on beside its folding.

    Args:
        clock_ns: clock period in nanoseconds.
        level_ns: delay of one adder level on this part in nanoseconds.
        predicted: whether shared additions count as predicted, before they are found.
    """

    io_type: IoType
    clock_ns: float
    level_ns: float
    predicted: bool = False

    @property
    def stream(self) -> bool:
        return self.io_type == "io_stream"


@dataclass(frozen=True, kw_only=True)
class Hls4mlDesign:
    """One graph on one board with a folding for every layer: what is estimated and emitted.

    Args:
        clock_mhz: the clock the design runs at in MHz.
        folding: layer name -> folding; every layer of the graph has one.
        predicted: whether it is only one of many in a search, whose shared additions are not
            found yet.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    io_type: IoType
    folding: Mapping[str, Hls4mlFolding] = field(default_factory=dict)
    predicted: bool = False

    @property
    def clock_ns(self) -> float:
        """Clock period in nanoseconds."""
        return 1e3 / self.clock_mhz
