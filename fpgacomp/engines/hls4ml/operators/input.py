"""Input: the port through which the host hands over an integer tensor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Setting
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.without_folding import UnfoldedOperator
from fpgacomp.engines.hls4ml.timing import WIRES, Timing
from fpgacomp.engines.shared.terms import Terms
from fpgacomp.ir.layers import Input


@dataclass(frozen=True)
class InputOperator(UnfoldedOperator[Input]):
    """A port of the top function; its registers belong to the design, not to a layer."""

    def nodes(self, planner: Planner) -> str:
        output = self.layer.output
        return planner.hls4ml("Input", output, (), {"input_shape": list(output.shape)})

    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        return iter(())

    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return WIRES

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        """The host delivers one word per cycle."""
        words = self.layer.output.pixels
        return Timing(0, words, words)

    @property
    def is_process(self) -> bool:
        return False
