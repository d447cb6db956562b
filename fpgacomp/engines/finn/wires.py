"""The FINN tensors that the streams of a dataflow become."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fpgacomp.engines.finn.carried import FinnOperator, carried
from fpgacomp.engines.finn.levels import Levels, levels_of
from fpgacomp.engines.finn.plain import plain_streams
from fpgacomp.engines.finn.tensors import Canvas, Wire
from fpgacomp.engines.finn.types import finn_type, plain
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.engines.stream.operators.convert import Convert
from fpgacomp.engines.stream.shapes import plane
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntType


class Wires:
    """`wires` has the FINN tensor of each stream that has been written so far."""

    def __init__(self, design: StreamDesign, dataflow: Dataflow) -> None:
        self.graph: Graph = design.graph
        self.part = design.board.part
        self.canvas = Canvas()
        self.wires: dict[str, Wire] = {}
        self.operators = carried(dataflow)
        self.readers = {s.name: op for op in self.operators for s in op.inputs}
        self.writers = {s.name: op for op in self.operators for s in op.outputs}
        self.plain_streams = plain_streams(self.operators, self.writers)
        self.levels: dict[str, Levels] = {}

    def _in(self, stream: Stream) -> Wire:
        return self.wires[stream.name]

    def _out(self, stream: Stream, shape: tuple[int, ...], kind: IntType) -> Wire:
        if kind.bipolar and stream.name in self.plain_streams:
            kind = plain(kind)
        wire = Wire(stream.name, shape, finn_type(kind), kind)
        self.wires[stream.name] = wire
        return wire

    def _like(self, stream: Stream, source: Wire, shape: tuple[int, ...]) -> Wire:
        """An output with the integers, and so the type and coding, of its input."""
        wire = replace(source, name=stream.name, shape=shape)
        self.wires[stream.name] = wire
        return wire

    def _keep(self, stream: Stream, wire: Wire) -> None:
        self.wires[stream.name] = wire

    def _shape(self, layer: str) -> tuple[int, ...]:
        return (1, *plane(self.graph.by_name[layer].output.shape))

    def _fifo(self, operator: FinnOperator) -> dict[str, Any]:
        return {
            "inFIFODepths": [stream.depth for stream in operator.inputs],
            "outFIFODepths": [stream.depth for stream in operator.outputs],
        }

    def _reader(self, stream: Stream) -> FinnOperator:
        operator = self.readers[stream.name]
        return self._reader(operator.output) if isinstance(operator, Convert) else operator

    def _levels(self, operator: Activate) -> Levels:
        if operator.name not in self.levels:
            self.levels[operator.name] = levels_of(operator.function)
        return self.levels[operator.name]
