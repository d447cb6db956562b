"""Deals the nodes of a circuit to pipeline stages, with few registers between them.

A node that computes takes one level, a sum of three takes two, wiring none; a stage holds so many
levels. A node is computed in one stage and kept in registers up to the last stage that reads it.
Nodes start as early as they can, and move later one by one where that saves registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fpgacomp.engines.shared.circuit.nodes import (
    Circuit,
    Constant,
    Node,
    ReadElement,
    TernaryAddition,
    Wiring,
    bits_of,
    needed_wires,
    reads,
)

_SWEEPS = 8  # over all nodes; most circuits settle after three


@dataclass(frozen=True)
class Schedule:
    """The stage of each node.

    Args:
        stages: how many there are; the outputs leave through a register behind the last.
        stage: of each node, from 0.
        last: the last stage that reads each node; `stages` for what leaves the circuit.
        registers: bits of all registers.
        depth: levels of the circuit.
    """

    stages: int
    stage: tuple[int, ...]
    last: tuple[int, ...]
    registers: int
    depth: int


def schedule(circuit: Circuit, levels: int) -> Schedule:
    """Stages of at most so many levels each."""
    nodes, count = circuit.nodes, len(circuit.nodes)
    # What simulation alone looks at is no hardware: it fits into any stage.
    needed = needed_wires(circuit)
    takes = [
        min(levels_of(node), levels) if wire in needed else 0 for wire, node in enumerate(nodes)
    ]
    inputs = [reads(node) for node in nodes]
    readers: list[list[int]] = [[] for _ in range(count)]
    for wire, read in enumerate(inputs):
        for source in read:
            readers[source].append(wire)
    # The level in which a node ends: 0 for what is there at the beginning.
    end = [0] * count
    for wire, read in enumerate(inputs):
        end[wire] = takes[wire] + max((end[source] for source in read), default=0)
        if _straddles(end[wire], takes[wire], levels):
            end[wire] = _stage_of(end[wire], levels) * levels + takes[wire]
    depth = max((end[wire] for wire in circuit.outputs), default=0)
    stages = max(-(-depth // levels), 1)
    fixed = {wire for wire, node in enumerate(nodes) if isinstance(node, ReadElement | Constant)}
    search = _Search(circuit, end, takes, inputs, readers, levels, stages)
    for _ in range(_SWEEPS):
        if not search.sweep(fixed):
            break
    stage = search.stage
    last = [search.last(wire) for wire in range(count)]
    kept = sum(search.bits[w] * (last[w] - stage[w]) for w in needed)
    return Schedule(stages, tuple(stage), tuple(last), kept, depth)


def levels_of(node: Node) -> int:
    """Levels that a node takes.

    A sum of three has a LUT and the way to the next one in front of an adder. On Xilinx devices it
    runs at about half the speed of an adder (Kumm and Zipf, "Efficient High Speed Compression Trees
    on Xilinx FPGAs", MBMV 2014).
    """
    if isinstance(node, Wiring):
        return 0
    return 2 if isinstance(node, TernaryAddition) else 1


def _stage_of(end: int, levels: int) -> int:
    """The stage of a node that ends there."""
    return max(-(-end // levels), 1) - 1


def _straddles(end: int, takes: int, levels: int) -> bool:
    """Whether a node that ends there begins in an earlier stage."""
    return takes > 0 and (end - takes) // levels < _stage_of(end, levels)


class _Search:
    """Moves nodes to later places while that saves registers."""

    def __init__(
        self,
        circuit: Circuit,
        end: list[int],
        takes: Sequence[int],
        inputs: Sequence[tuple[int, ...]],
        readers: Sequence[Sequence[int]],
        levels: int,
        stages: int,
    ) -> None:
        self.end, self.takes, self.inputs, self.readers = end, takes, inputs, readers
        self.levels, self.stages = levels, stages
        self.bits = [
            0 if isinstance(node, Constant) else bits_of(span)
            for node, span in zip(circuit.nodes, circuit.ranges)
        ]
        self.leaves = set(circuit.outputs)
        # The stage in which each node is computed, kept up as nodes move: it is asked for often.
        self.stage = [_stage_of(place, levels) for place in end]
        # What a node reads with registers of its own: constants have none.
        self._kept = [tuple({s for s in read if self.bits[s]}) for read in inputs]

    def _move(self, wire: int, end: int) -> None:
        self.end[wire] = end
        self.stage[wire] = _stage_of(end, self.levels)

    def last(self, wire: int) -> int:
        """The last stage that reads it."""
        if self.bits[wire] == 0:
            return self.stage[wire]
        if wire in self.leaves:
            return self.stages
        stage, readers = self.stage, self.readers[wire]
        return max([stage[reader] for reader in readers]) if readers else stage[wire]

    def sweep(self, fixed: set[int]) -> bool:
        """Try to move each node, from the outputs on; whether any moved."""
        moved = False
        for wire in range(len(self.end) - 1, -1, -1):
            if wire in fixed:
                continue
            now = self.end[wire]
            latest = min(
                (self.end[reader] - self.takes[reader] for reader in self.readers[wire]),
                default=self.stages * self.levels,
            )
            if wire in self.leaves:
                latest = min(latest, self.stages * self.levels)
            best, least = now, self._cost(wire)
            for later in {latest, *range(now + 1, latest, self.levels)}:
                # What would begin in the stage before ends there.
                late = _straddles(later, self.takes[wire], self.levels)
                tried = _stage_of(later, self.levels) * self.levels if late else later
                if tried <= now:
                    continue
                self._move(wire, tried)
                cost = self._cost(wire)
                # A later place of the same cost leaves more room to what it reads.
                if cost < least or (cost == least and tried > best):
                    best, least = tried, cost
            self._move(wire, best)
            moved = moved or best != now
        return moved

    def _cost(self, wire: int) -> int:
        """Bits of the registers behind a node and behind what it reads."""
        stage, bits = self.stage, self.bits
        cost = bits[wire] * (self.last(wire) - stage[wire])
        for source in self._kept[wire]:
            cost += bits[source] * (self.last(source) - stage[source])
        return cost
