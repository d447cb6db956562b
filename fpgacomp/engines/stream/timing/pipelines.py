"""How operators hold words between input and output: assumed for HLS, known for SystemVerilog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from fpgacomp.engines.stream.dataflow import Dataflow

# Cycles from a word's arrival to what it causes at an operator's output, if the operator can fire
# every cycle. No HLS tool has been asked: pipelines of this kind have 2 to 6 stages at 100 to
# 200 MHz.
HLS_STAGES = 4


@dataclass(frozen=True)
class Pipelines:
    """The pipelines and FIFOs of one output, C++ for HLS or SystemVerilog.

    Args:
        stages: per operator, the cycles from a firing to the cycle in which the word that it
            causes enters the FIFO behind it.
        held: words of a full stream that its writer surely keeps in registers of its own, so
            that it may fire once more.
        turnaround: cycles from the read of a full FIFO to the write that it makes room for.
    """

    stages: tuple[int, ...]
    held: int
    turnaround: int

    @classmethod
    def hls(cls, dataflow: Dataflow) -> Self:
        """The assumption for HLS: a firing needs room for its own words, and a read makes it."""
        return cls((HLS_STAGES,) * len(dataflow.operators), held=0, turnaround=0)

    @classmethod
    def rtl(cls, dataflow: Dataflow, port_bits: int) -> Self:
        """The modules of hls_templates/rtl.

        An operator stops while its output register is full and not taken, so that one word more
        than the FIFO holds has been made. Behind it in the pipeline there may be gaps instead of
        further words. The FIFO's ready is a register, high in the cycle after a read.

        Args:
            port_bits: width of a DSP block's wider multiplier port.
        """
        stages = tuple(operator.stages(port_bits) for operator in dataflow.operators)
        return cls(stages, held=1, turnaround=1)

    def lead(self, operator: int) -> int:
        """Cycles by which a firing may precede the read that makes room for the words it needs."""
        return self.stages[operator] - self.held - self.turnaround
