"""A streaming design spelled out: operators that fire once a cycle, joined by streams.

    Dataflow = Operator*                               in topological order

The C++ emitter, FINN's hardware graph, the estimator and the FIFO sizing all start from it.
Spatial shapes are (H, W, C); a 1-D tensor has H = 1, a vector H = W = 1. A stream of a
tensor carries words of `lanes` elements, row-major, channels last.
"""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.streams import Stream


@dataclass(frozen=True)
class Dataflow:
    """Operators in topological order; every stream has one writer and one reader."""

    name: str
    operators: tuple[Operator, ...]

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Every stream, in the order of its writers."""
        return tuple(stream for operator in self.operators for stream in operator.outputs)
