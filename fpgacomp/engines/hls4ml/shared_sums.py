"""Strategy distributed_arithmetic: the sums of a matrix as additions that its outputs share.

The additions are straight-line logic without multipliers and without weights. What they cost
follows from the graph itself: LUTs from the width of each sum, cycles from the longest chain,
registers from the wires that cross the border of a stage. Finding a graph takes seconds, so that a
search goes by a prediction, and only what it tries is solved.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log2

import numpy as np

from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.limits import UNROLL_LIMIT
from fpgacomp.engines.shared.circuit.nodes import Range, bits_of
from fpgacomp.engines.shared.circuit.solve import AdderGraph, cost_of
from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.engines.shared.terms import Strategy, Terms, unit_terms
from fpgacomp.ir.types import IntArray

# Signed digits of a matrix that a search considers: the solver takes four seconds for as many, and
# its time grows with their square.
MOST_DIGITS = 6_000
# LUTs of shared additions for each signed digit of the matrix: so many, and so many for each bit
# of an input. Nine layers of 100 to 1,945 digits and inputs of 2 to 6 bits are within 7 % of it.
_PER_DIGIT, _PER_DIGIT_AND_BIT = 1.1, 0.62
# Registers of a stage for each of those LUTs, roughly.
_REGISTERED = 0.25


def digits_of(matrix: IntArray) -> int:
    """Signed digits of all weights of a matrix."""
    return int(signed_digits(matrix).sum())


def shared_remarks(design: Hls4mlDesign) -> tuple[str, ...]:
    """One sentence where layers of the design are built of shared additions."""
    foldings = design.folding.values()
    count = sum(folding.strategy == "distributed_arithmetic" for folding in foldings)
    if not count:
        return ()
    layers = "1 layer" if count == 1 else f"{count} layers"
    return (
        f"{layers} under distributed_arithmetic: alkaid found the additions, and their LUTs are "
        "counted one by one, as Yosys maps them. They hold no array of weights, so that the limit "
        f"of {UNROLL_LIMIT:,} elements in Vitis HLS is left to the arrays of activations; no Vitis "
        "HLS has built such a layer of ours yet.",
    )


@dataclass(frozen=True, kw_only=True)
class Additions(ABC):
    """`at_once` output positions of y = x @ weight, as shared additions.

    Args:
        spans: range of each input.
        n_out: outputs.
        acc_bits: bits of each output.
        clock_ns: clock period in nanoseconds.
        level_ns: delay of one adder level on this part in nanoseconds.
        strategy, reuse_factor, shared_cycles: what it is timed as: a sum of products of which
            each has hardware of its own.
    """

    spans: tuple[Range, ...]
    n_out: int
    acc_bits: int
    at_once: int
    clock_ns: float
    level_ns: float
    strategy: Strategy = "latency"
    reuse_factor: int = 1
    shared_cycles: int = 0

    @property
    @abstractmethod
    def cells(self) -> float:
        """LUTs of the additions of one position."""

    @property
    @abstractmethod
    def levels(self) -> int:
        """Additions one behind the other, at most."""

    @property
    @abstractmethod
    def register_bits(self) -> float:
        """Bits that the pipeline of one position holds."""

    @property
    def depth(self) -> int:
        """Register stages between input and output."""
        return max(0, ceil(self.levels * self.level_ns / self.clock_ns) - 1)

    @property
    def terms(self) -> Terms:
        """LUT and FF terms; there is nothing else."""
        outputs = self.n_out * self.acc_bits * self.at_once
        inputs = sum(map(bits_of, self.spans))
        registers = self.register_bits * self.at_once
        return unit_terms(
            {"shared_sum": self.cells * self.at_once, "latency_output": outputs},
            {"latency_input": inputs, "register": registers, "latency_output": outputs},
        )


@dataclass(frozen=True, kw_only=True)
class PredictedSums(Additions):
    """Additions before they are known.

    Args:
        matrix: [n_in, n_out].
    """

    matrix: IntArray

    @property
    def cells(self) -> float:
        bits = max(map(bits_of, self.spans))
        return digits_of(self.matrix) * (_PER_DIGIT + _PER_DIGIT_AND_BIT * bits)

    @property
    def levels(self) -> int:
        """A tree over the digits of one output, and two more: those layers are within 2 of it."""
        longest = int(signed_digits(self.matrix).sum(axis=0).max())
        return ceil(log2(max(longest, 1))) + 2

    @property
    def register_bits(self) -> float:
        return self.cells * _REGISTERED * self.depth


@dataclass(frozen=True, kw_only=True)
class SharedSums(Additions):
    """Additions that were found.

    Args:
        graph: the additions of one position.
    """

    graph: AdderGraph

    @cached_property
    def cells(self) -> float:
        """LUTs of the additions, and of what negates an output."""
        negated = (output for output in self.graph.outputs if output.negative)
        return sum((self._bits(output.term) for output in negated), cost_of(self.graph))

    @cached_property
    def levels(self) -> int:
        return max(self._levels, default=0)

    @cached_property
    def register_bits(self) -> float:
        """Bits of the wires that cross the borders of stages, which divide the levels evenly."""
        borders = np.arange(1, self.depth + 1) * self.levels / (self.depth + 1)
        made = [0] * len(self.spans) + self._levels
        needed = list(made)
        for step, level in zip(self.graph.steps, self._levels):
            for term in (step.a, step.b):
                needed[term] = max(needed[term], level)
        for output in self.graph.outputs:
            if output.term >= 0:
                needed[output.term] = self.levels + 1
        return sum(
            self._bits(term) * int(((first <= borders) & (borders < last)).sum())
            for term, (first, last) in enumerate(zip(made, needed))
        )

    @cached_property
    def _levels(self) -> list[int]:
        """Of each step, how many additions lie behind each other up to and with it."""
        inputs = len(self.spans)
        levels = [0] * inputs
        for step in self.graph.steps:
            levels.append(max(levels[step.a], levels[step.b]) + 1)
        return levels[inputs:]

    def _bits(self, term: int) -> int:
        inputs = len(self.spans)
        return bits_of(self.spans[term] if term < inputs else self.graph.steps[term - inputs].span)
