"""The search space: every option of every layer, and the converters between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.shared.trial import FULL, budget_of
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.fold.prices import Costs, Estimator, Prices, StreamOption
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.ports import input_port, least_beats
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Reshape, Tensor

PORT = 0  # in place of the lanes of a graph input, which depend on its reader
CLEAR = 1 - 1e-6  # share of a budget within which the solver has no doubt either
NOTHING: Costs = (0.0,) * len(RESOURCE_FIELDS)


@dataclass(frozen=True)
class Edge:
    """A tensor between two layers that have operators, with any Reshapes in between.

    Args:
        writer: name of the layer that writes it.
        reader: name of the layer that reads it.
        times: how often it reads it, each time through a converter of its own.
    """

    tensor: Tensor
    writer: str
    reader: str
    times: int = 1


@dataclass(frozen=True)
class StreamSpace:
    """All options of one graph on one board.

    Args:
        prices: where the costs of converters come from.
        options: layer name -> its options.
        edges: tensors between layers that have operators.
        top: resources that belong to no layer, in RESOURCE_FIELDS order.
        budget: resources that the design may take, in the same order.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    prices: Prices
    options: Mapping[str, tuple[StreamOption, ...]]
    edges: tuple[Edge, ...]
    top: Costs = NOTHING
    budget: Costs = field(default=NOTHING)

    @cached_property
    def rates(self) -> Costs:
        """LUT-equivalents of a unit of each resource: the LUTs that the board has per unit.

        Registers count nothing, because two of them lie beside every LUT. Resources that the
        board lacks count nothing either.
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
        """Whether some resource runs out even if every layer takes its least of it."""
        for index, available in enumerate(budget):
            least = sum(min(o.cost[index] for o in found) for found in self.options.values())
            if least > available * FULL:
                return True
        return False

    @cached_property
    def fastest(self) -> float:
        """Least interval of any design: that of the slowest port or layer at its fastest."""
        ports = [least_beats(tensor) for tensor in self._ports.values()]
        return max(*ports, *(min(o.interval for o in found) for found in self.options.values()))

    @property
    def _ports(self) -> Mapping[str, Tensor]:
        """The tensor of each port, by what the port is in words."""
        inputs = {f"the input {layer.name}": layer.output for layer in self.graph.inputs}
        return inputs | {f"the output {tensor.name}": tensor for tensor in self.graph.outputs}

    def written_lanes(self, edge: Edge, lanes_in: int, cycles: float) -> int:
        """Lanes of a graph input where a layer reads it.

        Args:
            lanes_in: that the layer reads.
            cycles: per frame of the slowest layer.
        """
        return input_port(edge.tensor, cycles, lanes_in if self._read_once(edge) else 0)

    def _read_once(self, edge: Edge) -> bool:
        return sum(other.times for other in self.edges if other.writer == edge.writer) == 1

    @cached_property
    def shortest(self) -> float:
        """Least latency of any design: every layer at its fastest, added up by `exposure`."""
        return self.fastest + sum(
            rules_of(self.graph.by_name[name]).exposure * min(option.interval for option in found)
            for name, found in self.options.items()
        )

    def reaches(self, interval: float | None, latency: float | None) -> bool:
        """False where no design on any board could keep these bounds (cycles)."""
        return (interval is None or interval >= self.fastest - 1e-9) and (
            latency is None or latency >= self.shortest - 1e-9
        )

    @property
    def slowest_part(self) -> str:
        """The port or layer that `fastest` is the interval of, in words."""
        for name, tensor in self._ports.items():
            if least_beats(tensor) >= self.fastest:
                return name
        return next(
            f"layer {name}" for name, found in self.options.items()
            if min(o.interval for o in found) >= self.fastest
        )  # fmt: skip

    def paces(self) -> list[float]:
        """The intervals that options have and that every layer can reach, ascending."""
        found = {o.interval for options in self.options.values() for o in options}
        return sorted({self.fastest, *(pace for pace in found if pace >= self.fastest)})

    def transported(self, edge: Edge, a: int, b: int, cycles: float) -> Costs:
        """The price of the converters from lanes `a` (PORT: those of a port) to lanes `b`.

        Args:
            cycles: per frame of the slowest layer.
        """
        if a == PORT:
            a = self.written_lanes(edge, b, cycles)
        return times(self.prices.converter(edge.tensor, a, b), edge.times)

    def cost(self, picked: Mapping[str, StreamOption], cycles: float) -> Costs:
        """Resources of a selection's layers and converters."""
        costs = [option.cost for option in picked.values()]
        for edge in self.edges:
            a = picked[edge.writer].lanes_out if edge.writer in picked else PORT
            costs.append(self.transported(edge, a, picked[edge.reader].lanes_in, cycles))
        return tuple(map(sum, zip(*costs)))

    def surely_holds(self, interval: float | None) -> bool:
        """Whether every layer's smallest option at an interval, converters included, fits.

        That shows at once that there is a selection; where they do not, there may still be one.
        """
        picked = {}
        for name, found in self.options.items():
            quick = [o for o in found if interval is None or o.interval <= interval + 1e-9]
            if not quick:
                return False
            picked[name] = min(quick, key=lambda option: self.equivalent(option.cost))
        cycles = max(option.interval for option in picked.values())
        needed = map(sum, zip(self.cost(picked, cycles), self.top))
        return all(amount <= free * CLEAR for amount, free in zip(needed, self.budget))

    def design(self, folding: Mapping[str, StreamFolding]) -> StreamDesign:
        """The graph with a folding, without sized FIFOs."""
        return StreamDesign(
            graph=self.graph, board=self.board, clock_mhz=self.clock_mhz, folding=dict(folding)
        )


def times(cost: Costs, count: int) -> Costs:
    """So much of each resource, `count` times."""
    return tuple(count * amount for amount in cost)


def edges_of(graph: Graph) -> tuple[Edge, ...]:
    """Every tensor that a layer reads, with the layers at its two ends."""
    found: Counter[Edge] = Counter()
    for layer in graph.layers:
        if isinstance(layer, Reshape):
            continue
        for tensor in layer.inputs:
            writer = graph.producer[tensor.name]
            while isinstance(writer, Reshape):
                writer = graph.producer[writer.input.name]
            found[Edge(tensor, writer.name, layer.name)] += 1
    return tuple(replace(edge, times=times) for edge, times in found.items())


@lru_cache(maxsize=2)
def explore(graph: Graph, board: Board, clock_mhz: float, estimate: Estimator) -> StreamSpace:
    """The space of a graph on a board, priced by `estimate`.

    The last ones are remembered: a board that is tried as a way out is folded for next.
    """
    prices = Prices(board, clock_mhz, estimate)
    options = prices.options(graph.layers)
    edges = edges_of(graph)
    return StreamSpace(graph, board, clock_mhz, prices, options, edges, NOTHING, budget_of(board))
