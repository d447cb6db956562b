"""The dataflow of a streaming design as text: a line per operator, a line per stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.text.spell import spell_bits, spell_shape, spell_type
from fpgacomp.ir.types import Ints

# Told elsewhere in the line.
_NAMED = {"name", "layer"}


def print_dataflow(design: StreamDesign) -> str:
    """Operators in topological order, then the streams between them.

        dataflow digits

        operator Pad image -> conv1_padded                 // conv1: shape=(8, 8, 1) rows=(1, 1)
        stream   image : 1 x u4, 64 words a frame, depth 2

    Raises:
        UnsupportedLayer, Problems: the folding is not legal.
    """
    flow: Dataflow = expand(design)
    operators = [_operator(operator) for operator in flow.operators]
    streams = [_stream(stream) for stream in flow.streams]
    return "\n".join([f"dataflow {flow.name}", "", *_columns(operators), "", *_columns(streams)])


def _operator(operator: Operator) -> tuple[str, ...]:
    ends = (
        ", ".join(stream.name for stream in streams)
        for streams in (operator.inputs, operator.outputs)
    )
    told = [f"{operator.layer}:" if operator.layer else "", *_settings(operator)]
    return (
        f"operator {type(operator).__name__}",
        " -> ".join(end or "host" for end in ends),
        " ".join(["//", *filter(None, told)]) if any(told) else "",
    )


def _settings(operator: Operator) -> Iterator[str]:
    """The operator's fields but for its streams and the layer's own arrays."""
    for field in fields(operator):
        value = getattr(operator, field.name)
        if field.name in _NAMED:
            continue
        if isinstance(value, Ints):
            yield f"{field.name}={spell_bits(value.stored_type)}{spell_shape(value.shape)}"
        elif isinstance(value, int | str) or _are_integers(value):
            yield f"{field.name}={value}"


def _are_integers(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, int) for item in value)


def _stream(stream: Stream) -> tuple[str, ...]:
    filled = f", the last one filled up by {stream.filling}" if stream.filling else ""
    return (
        f"stream {stream.name}",
        f": {stream.lanes} x {spell_type(stream.type)},",
        f"{stream.words} words a frame{filled}, depth {stream.depth}",
    )


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    """The rows with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        yield " ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip()
