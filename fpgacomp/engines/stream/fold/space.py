"""Every option of a graph on a board and what the converters between them cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.shared.trial import FULL, budget_of
from fpgacomp.engines.stream.dataflow import Source
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold.candidates import Costs, Estimator, Option, Prices
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Conv, Input, Layer, MaxPool, Reshape, SumPool, Tensor

NOTHING: Costs = (0.0,) * len(RESOURCE_FIELDS)


@dataclass(frozen=True)
class Edge:
    """A tensor between two layers that have lanes; Reshapes in between do not count."""

    tensor: Tensor
    writer: str
    reader: str


@dataclass(frozen=True)
class Space:
    """All options of one graph on one board.

    Args:
        options: layer name -> its options.
        top: what no layer owns, in RESOURCE_FIELDS order.
        budget: what the board has left, in the same order.
        input_lanes: tensor name -> lanes of a graph input.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    prices: Prices
    options: Mapping[str, tuple[Option, ...]]
    edges: tuple[Edge, ...]
    input_lanes: Mapping[str, int]
    top: Costs = NOTHING
    budget: Costs = field(default=NOTHING)

    @cached_property
    def rates(self) -> Costs:
        """LUT-equivalents of a unit: as many LUTs as the board has per unit of it.

        Registers count nothing, for every LUT has two of them beside it; neither does what
        the board lacks.
        """
        budget = budget_of(self.board)
        lut = budget[RESOURCE_FIELDS.index("lut")]
        return tuple(
            0.0 if name == "ff" or amount < 1 else lut / amount
            for name, amount in zip(RESOURCE_FIELDS, budget)
        )

    def equivalent(self, cost: Sequence[float]) -> float:
        """LUT-equivalents of an amount of each resource."""
        return sum(rate * amount for rate, amount in zip(self.rates, cost))

    def hopeless(self, budget: Sequence[float]) -> bool:
        """Some resource runs out even where every layer takes its least of it."""
        for index, available in enumerate(budget):
            least = sum(min(o.cost[index] for o in found) for found in self.options.values())
            if least > available * FULL:
                return True
        return False

    @cached_property
    def fastest(self) -> float:
        """No design is faster: the slowest input port or layer at its fastest."""
        ports = [layer.output.size / self.input_lanes[layer.name] for layer in self.graph.inputs]
        return max(*ports, *(min(o.interval for o in found) for found in self.options.values()))

    @cached_property
    def shortest(self) -> float:
        """No first frame is shorter: every layer at its fastest, as `exposure` adds it up."""
        return self.fastest + sum(
            exposure(self.graph.by_name[name]) * min(option.interval for option in found)
            for name, found in self.options.items()
        )

    def reaches(self, interval: float | None, latency: float | None) -> bool:
        """False where no board at all could keep these bounds (cycles)."""
        return (interval is None or interval >= self.fastest - 1e-9) and (
            latency is None or latency >= self.shortest - 1e-9
        )

    @property
    def slowest_part(self) -> str:
        """Where `fastest` comes from, in words."""
        for layer in self.graph.inputs:
            if layer.output.size / self.input_lanes[layer.name] >= self.fastest:
                return f"the input {layer.name}"
        return next(
            f"layer {name}" for name, found in self.options.items()
            if min(o.interval for o in found) >= self.fastest
        )  # fmt: skip

    def paces(self) -> list[float]:
        """The intervals that occur and that no layer rules out."""
        found = {o.interval for options in self.options.values() for o in options}
        return sorted({self.fastest, *(pace for pace in found if pace >= self.fastest)})

    def design(self, folding: Mapping[str, StreamFolding]) -> StreamDesign:
        return StreamDesign(
            graph=self.graph, board=self.board, clock_mhz=self.clock_mhz, folding=dict(folding)
        )


def edges_of(graph: Graph) -> tuple[Edge, ...]:
    """Who reads from whom; graph outputs have no reader."""
    found = []
    for layer in graph.layers:
        if isinstance(layer, Reshape):
            continue
        for tensor in layer.inputs:
            writer = graph.producer[tensor.name]
            while isinstance(writer, Reshape):
                writer = graph.producer[writer.input.name]
            found.append(Edge(tensor, writer.name, layer.name))
    return tuple(found)


def exposure(layer: Layer) -> float:
    """Share of a layer's frame that the first frame waits for, before the next can go on.

    All of it for a vector; for images what fills a window, and a pixel.
    """
    pixels = layer.output.pixels
    if pixels == 1 or isinstance(layer, Input):
        return 1.0
    lag = 1.0 / pixels
    if isinstance(layer, Conv | MaxPool | SumPool):
        rows = layer.kernel[0] if len(layer.kernel) > 1 else 0
        lag += rows / layer.input.shape[0] if rows > 1 else layer.kernel[-1] / layer.input.pixels
    return min(lag, 1.0)


def explore(graph: Graph, board: Board, clock_mhz: float, estimate: Estimator) -> Space:
    """Every layer's options and the converters between them, priced by `estimate`."""
    prices = Prices(board, clock_mhz, estimate)
    options = prices.options(graph.layers)
    edges, lanes = edges_of(graph), _input_lanes(graph, board, clock_mhz)
    prices.converters(
        (edge.tensor, a, b)
        for edge in edges
        for a in _lanes(options.get(edge.writer), lanes.get(edge.writer), 1)
        for b in _lanes(options[edge.reader], None, 0)
    )
    return Space(graph, board, clock_mhz, prices, options, edges, lanes, NOTHING, budget_of(board))


def _lanes(options: Sequence[Option] | None, fixed: int | None, side: int) -> set[int]:
    return {option.lanes[side] for option in options} if options else {fixed or 1}


def _input_lanes(graph: Graph, board: Board, clock_mhz: float) -> dict[str, int]:
    """What `ir.expand` gives the graph's inputs."""
    ones = {
        layer.name: StreamFolding()
        for layer in graph.layers
        if not isinstance(layer, Input | Reshape)
    }
    design = StreamDesign(graph=graph, board=board, clock_mhz=clock_mhz, folding=ones)
    sources = [op for op in expand(design).operators if isinstance(op, Source)]
    return {source.name: source.output.lanes for source in sources}
