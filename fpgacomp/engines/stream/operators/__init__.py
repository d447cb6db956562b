"""The operators of a streaming design, one file each: what it does, costs, takes and emits.

    AnyOperator = Source | Sink | Pad | Window | MatrixVector | VectorVector | Activate
                | MaxOver | SumOver | SumAll | ScaledAdd | Join | Repeat | Duplicate | Convert
                | Label

An operator is one function of hls_templates/stream with its template arguments as fields. A
new one is a file here, listed below; `operator.py` says what it must state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.engines.stream.operators.convert import Convert
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.operators.join import Join
from fpgacomp.engines.stream.operators.label import Label
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.engines.stream.operators.max_over import MaxOver
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.operators.pad import Pad
from fpgacomp.engines.stream.operators.repeat import Repeat
from fpgacomp.engines.stream.operators.scaled_add import ScaledAdd
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.operators.sum_all import SumAll
from fpgacomp.engines.stream.operators.sum_over import SumOver
from fpgacomp.engines.stream.operators.vector_vector import VectorVector
from fpgacomp.engines.stream.operators.window import Window

AnyOperator = (
    Source
    | Sink
    | Pad
    | Window
    | MatrixVector
    | VectorVector
    | Activate
    | MaxOver
    | SumOver
    | SumAll
    | ScaledAdd
    | Join
    | Repeat
    | Duplicate
    | Convert
    | Label
)

__all__ = [
    "Activate", "AnyOperator", "Convert", "Duplicate", "Join", "Label", "MatrixVector", "MaxOver",
    "Operator", "Pad", "Repeat", "ScaledAdd", "Sink", "Source", "SumAll", "SumOver",
    "VectorVector", "Window",
]  # fmt: skip

if TYPE_CHECKING:

    def _keeps_the_protocol(operator: AnyOperator) -> Operator:
        """For mypy alone: it fails here, and at each use of a member, if a class lacks it."""
        return operator
