"""A design of the adders engine: a graph on one board as one pipelined circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fpgacomp.devices.board import Board
from fpgacomp.engines.adders.unroll import unroll
from fpgacomp.engines.shared.circuit.nodes import Addition, Circuit, Compare, Node, TernaryAddition
from fpgacomp.engines.shared.circuit.schedule import Schedule, schedule
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Input, Reshape


@dataclass(frozen=True, slots=True)
class AdderFolding:
    """What became of one layer.

    Args:
        adders: additions and comparisons of two values, each computed once a cycle; a sum of three
            counts as two.
        stages: pipeline stages in which the layer computes.
    """

    adders: int
    stages: int


@dataclass(frozen=True, kw_only=True)
class AdderDesign:
    """An unrolled graph on a board.

    Args:
        clock_mhz: the clock that the design will run at.
        levels: additions in a row between two registers, at most.
        lanes_in, lanes_out: elements per beat of the AXI4-Stream ports.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    levels: int
    lanes_in: int
    lanes_out: int

    @property
    def clock_ns(self) -> float:
        """Period of the clock in nanoseconds."""
        return 1e3 / self.clock_mhz

    @cached_property
    def circuit(self) -> Circuit:
        """The network as wires.

        Raises:
            ToolError: alkaid is not installed.
        """
        return unroll(self.graph, ternary=self.board.device.ternary_adders)

    @cached_property
    def plan(self) -> Schedule:
        """The pipeline stage of each wire."""
        return schedule(self.circuit, self.levels)

    @property
    def folding(self) -> Mapping[str, AdderFolding]:
        """What became of each layer that computes."""
        found: dict[str, list[int]] = {}
        counts: dict[str, int] = {}
        for node, owner, stage in zip(self.circuit.nodes, self.circuit.owners, self.plan.stage):
            found.setdefault(owner, []).append(stage)
            counts[owner] = counts.get(owner, 0) + _adders(node)
        return {
            layer.name: AdderFolding(counts.get(layer.name, 0), len(set(found.get(layer.name, ()))))
            for layer in self.graph.layers
            if not isinstance(layer, Input | Reshape)
        }


def _adders(node: Node) -> int:
    return 2 if isinstance(node, TernaryAddition) else int(isinstance(node, Addition | Compare))
