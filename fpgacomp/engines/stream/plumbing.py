"""The streams and operators of a dataflow while it is put together, layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from fpgacomp.engines.stream.operators.convert import Convert
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.types import IntType

LEAST_DEPTH = 2  # words of a FIFO that nobody has sized


class Plumbing:
    """What the layers' rules put their operators into.

    `operators` are those placed so far; every stream of them gets a name that no other has.

    Args:
        graph: whose tensors the streams carry.
        fifo_depths: stream name -> words; 2 where absent.
        input_lanes: input tensor -> elements per beat of its port; 1 where absent.
        ternary: whether one row of the device's LUTs adds three numbers.
    """

    def __init__(
        self,
        graph: Graph,
        fifo_depths: Mapping[str, int],
        input_lanes: Mapping[str, int],
        *,
        ternary: bool = False,
    ) -> None:
        self.operators: list[Operator] = []
        self.input_lanes, self.ternary = input_lanes, ternary
        self._depths = fifo_depths
        self._taken = {layer.output.name for layer in graph.layers}  # names of streams
        read = [tensor for layer in graph.layers for tensor in layer.inputs]
        self._readers = Counter(tensor.name for tensor in (*read, *graph.outputs))
        self._heads: dict[str, list[Stream]] = {}  # of each tensor, one per reader to come

    def add(self, operator: Operator) -> None:
        """Place an operator behind those placed so far."""
        self.operators.append(operator)

    def take(self, tensor: Tensor) -> Stream:
        """The stream that carries the tensor to its next reader."""
        return self._heads[tensor.name].pop(0)

    def take_with_lanes(self, tensor: Tensor, lanes: int, layer: str, port: str = "") -> Stream:
        """The same, in words of so many lanes (see `with_lanes`)."""
        return self.with_lanes(self.take(tensor), lanes, layer, port)

    def publish(self, tensor: Tensor, stream: Stream) -> None:
        """Give the tensor's stream to its readers, through a Duplicate where there are several."""
        readers = self._readers[tensor.name]
        if readers <= 1:
            self._heads[tensor.name] = [stream]
            return
        copies = tuple(
            self.stream(f"{stream.name}_copy{i}", stream.type, stream.lanes, stream.elements)
            for i in range(readers)
        )
        self.add(Duplicate(name=f"{tensor.name}_dup", layer="", input=stream, copies=copies))
        self._heads[tensor.name] = list(copies)

    def stream(self, name: str, kind: IntType, lanes: int, elements: int) -> Stream:
        """A new stream of something that is no tensor of the graph.

        Args:
            name: what it is called unless another stream has the name.
            elements: per frame.
        """
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return self._stream(name, kind, lanes, elements)

    def output(self, tensor: Tensor, lanes: int, kind: IntType | None = None) -> Stream:
        """The stream that carries a tensor in full, under the tensor's name.

        Args:
            kind: range of its elements; the tensor's unless given.
        """
        return self._stream(tensor.name, kind or tensor.type, lanes, tensor.size, tensor.name)

    def with_lanes(self, stream: Stream, lanes: int, layer: str, port: str = "") -> Stream:
        """The stream in words of so many lanes, through a Convert where it has others.

        Args:
            layer: name of the layer that reads it, "" for a sink.
            port: what tells this input from the reader's others.
        """
        if stream.lanes == lanes:
            return stream
        name = f"{stream.name}_for_{layer}{port}"
        wide = self.stream(name, stream.type, lanes, stream.elements)
        self.add(Convert(name=f"{name}_width", layer=layer, input=stream, output=wide))
        return wide

    def _stream(
        self, name: str, kind: IntType, lanes: int, elements: int, tensor: str = ""
    ) -> Stream:
        depth = self._depths.get(name, LEAST_DEPTH)
        words = -(-elements // lanes)
        return Stream(name, kind, lanes, words, tensor, depth, words * lanes - elements)
