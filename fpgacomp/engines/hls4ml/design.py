"""A design under hls4ml: one graph on one board with one folding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fpgacomp.devices.board import Board
from fpgacomp.engines.engine import IoType as IoType
from fpgacomp.engines.shared.terms import Strategy
from fpgacomp.ir.graph import Graph


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
