"""What the layers have in common that are always built in one way: nothing to fold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.limits import Complaint
from fpgacomp.engines.hls4ml.operators.base import CalibrationKind, LayerT_co, Operator


@dataclass(frozen=True)
class UnfoldedOperator(Operator[LayerT_co]):
    """A layer whose hardware does all of a word (io_stream) or array (io_parallel) at once."""

    def calibration_kind(self, folding: Hls4mlFolding) -> CalibrationKind:
        return "cells"

    def foldings(self, io_type: IoType) -> tuple[Hls4mlFolding, ...]:
        return (Hls4mlFolding(),)

    def folding_problems(self, folding: Hls4mlFolding, io_type: IoType) -> Iterator[Complaint]:
        if folding.reuse_factor < 1:
            yield f"reuse factor {folding.reuse_factor} is below 1.", "use 1."

    def stream_problems(self) -> Iterator[Complaint]:
        return iter(())

    def shares_hardware(self, folding: Hls4mlFolding) -> bool:
        return False

    def least_step(self, folding: Hls4mlFolding) -> int:
        return 1

    @property
    def maps_words(self) -> bool:
        return False

    @property
    def is_process(self) -> bool:
        return True
