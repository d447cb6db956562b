"""Which streams of -1 and +1 FINN has to carry in two bits per element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.operators import (
    Activate,
    AnyOperator,
    Convert,
    Duplicate,
    Join,
    Label,
    MatrixVector,
    MaxOver,
    Pad,
    Repeat,
    ScaledAdd,
    Sink,
    Source,
    SumAll,
    SumOver,
    VectorVector,
    Window,
)
from fpgacomp.engines.stream.streams import Stream


def plain_streams(dataflow: Dataflow, writers: Mapping[str, AnyOperator]) -> set[str]:
    """Names of the streams whose -1 and +1 take two bits.

    They are those from which the integers come to a reader that knows no one-bit type.

    Args:
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

    for operator in dataflow.operators:
        if _reads_two_bits(operator):
            for stream in operator.inputs:
                mark(stream)
    # All streams of one tensor have one type, so what a marked one's copies share is marked too.
    for operator in dataflow.operators:
        read = any(stream.name in marked for stream in operator.inputs)
        if read and _hands_on(operator) and not isinstance(operator, Pad):
            marked.update(stream.name for stream in operator.outputs)
    return marked


def _reads_two_bits(operator: AnyOperator) -> bool:
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


def _hands_on(operator: AnyOperator) -> bool:
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
