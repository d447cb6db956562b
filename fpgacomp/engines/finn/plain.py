"""Which streams of -1 and +1 FINN has to carry in two bits per element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from fpgacomp.engines.finn.carried import FinnOperator
from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.engines.stream.operators.convert import Convert
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.operators.join import Join
from fpgacomp.engines.stream.operators.label import Label
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.engines.stream.operators.max_over import MaxOver
from fpgacomp.engines.stream.operators.pad import Pad
from fpgacomp.engines.stream.operators.repeat import Repeat
from fpgacomp.engines.stream.operators.scaled_add import ScaledAdd
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.operators.sum_all import SumAll
from fpgacomp.engines.stream.operators.sum_over import SumOver
from fpgacomp.engines.stream.operators.vector_vector import VectorVector
from fpgacomp.engines.stream.operators.window import Window
from fpgacomp.engines.stream.streams import Stream


def plain_streams(
    operators: Sequence[FinnOperator], writers: Mapping[str, FinnOperator]
) -> set[str]:
    """Names of the streams whose -1 and +1 take two bits.

    They are those from which the integers come to a reader that knows no one-bit type.

    Args:
        operators: of the whole dataflow, in topological order.
        writers: stream name -> the operator that writes it.
    """
    marked: set[str] = set()

    def mark(stream: Stream) -> None:
        if stream.name in marked:
            return
        marked.add(stream.name)
        writer = writers[stream.name]
        if _hands_on(writer):
            for source in writer.inputs:
                mark(source)

    for operator in operators:
        if _reads_two_bits(operator):
            for stream in operator.inputs:
                mark(stream)
    # All streams of one tensor have one type, so what a marked one's copies share is marked too.
    for operator in operators:
        read = any(stream.name in marked for stream in operator.inputs)
        if read and _hands_on(operator) and not isinstance(operator, Pad):
            marked.update(stream.name for stream in operator.outputs)
    return marked


def _reads_two_bits(operator: FinnOperator) -> bool:
    """Whether FINN's version of the operator knows no one-bit type of its input."""
    match operator:
        case Activate() | Join() | Label() | Pad() | ScaledAdd() | Sink():
            return True
        case SumAll() | SumOver() | VectorVector():
            return True
        case Convert() | Duplicate() | MatrixVector() | MaxOver() | Repeat() | Source() | Window():
            return False
        case _:
            assert_never(operator)


def _hands_on(operator: FinnOperator) -> bool:
    """Whether the operator's outputs hold the same integers as its inputs."""
    match operator:
        case Convert() | Duplicate() | Join() | MaxOver() | Pad() | Repeat() | Window():
            return True
        case Activate() | Label() | MatrixVector() | ScaledAdd() | Sink() | Source():
            return False
        case SumAll() | SumOver() | VectorVector():
            return False
        case _:
            assert_never(operator)
