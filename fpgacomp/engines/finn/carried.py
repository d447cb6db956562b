"""The streaming operators that FINN has a counterpart of; every other is refused by its name."""

from __future__ import annotations

from fpgacomp.engines.stream.dataflow import Dataflow
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
from fpgacomp.errors import UnsupportedLayer, raise_all

FinnOperator = (
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


def carried(dataflow: Dataflow) -> tuple[FinnOperator, ...]:
    """Return the operators of a dataflow, all of which FINN can express.

    Raises:
        UnsupportedLayer, Problems: operators that FINN has no counterpart of, by name.
    """
    raise_all([_refusal(op) for op in dataflow.operators if not isinstance(op, FinnOperator)])
    return tuple(op for op in dataflow.operators if isinstance(op, FinnOperator))


def _refusal(operator: Operator) -> UnsupportedLayer:
    return UnsupportedLayer(
        operator.layer or operator.name,
        f"FINN has no counterpart of the streaming operator {type(operator).__name__}.",
        "use --backend stream, which builds the same design without FINN's files.",
    )
