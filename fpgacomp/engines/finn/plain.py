"""Which -1 and +1 streams FINN has to carry in two bits."""

from __future__ import annotations

from collections.abc import Mapping

from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.operators import (
    Activate,
    AnyOperator,
    Convert,
    Duplicate,
    Join,
    Label,
    MaxOver,
    Pad,
    Repeat,
    ScaledAdd,
    Sink,
    SumAll,
    SumOver,
    VectorVector,
    Window,
)
from fpgacomp.engines.stream.streams import Stream


def plain_streams(dataflow: Dataflow, writers: Mapping[str, AnyOperator]) -> set[str]:
    """Streams whose -1 and +1 need two bits: some reader down the line knows no one-bit type."""
    marked: set[str] = set()

    def mark(stream: Stream) -> None:
        if stream.name in marked:
            return
        marked.add(stream.name)
        writer = writers[stream.name]
        if isinstance(writer, Duplicate | Convert | Repeat | MaxOver | Window | Pad | Join):
            for source in writer.inputs:
                mark(source)

    for operator in dataflow.operators:
        if isinstance(
            operator, Pad | SumOver | SumAll | ScaledAdd | VectorVector | Join | Sink | Label
        ):
            for stream in operator.inputs:
                mark(stream)
        if isinstance(operator, Activate):
            mark(operator.input)
    # All streams of one tensor have one type, so what a marked one's copies share is marked too.
    for operator in dataflow.operators:
        if any(s.name in marked for s in operator.inputs) and isinstance(
            operator, Duplicate | Convert | Repeat | MaxOver | Window | Join
        ):
            marked.update(s.name for s in operator.outputs)
    return marked
