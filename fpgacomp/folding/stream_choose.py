"""Chooses one option per layer, converters between neighbours included: an integer program.

Multiple choice over the layers' options; between neighbours a transport of one unit from
the writer's lanes to the reader's pays for the converter, so that the program's sum is the
estimate's but for what no layer owns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from fpgacomp.folding.solver import silent_solver
from fpgacomp.folding.stream_candidates import Costs, Option, Prices
from fpgacomp.folding.trial import FULL, budget_of
from fpgacomp.ir.board import RESOURCE_FIELDS, Board
from fpgacomp.ir.design import StreamDesign, StreamFolding
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Conv, Input, Layer, MaxPool, Reshape, SumPool, Tensor

# Branch-and-bound nodes: a count, not a time, so that the same input gives the same answer.
NODE_LIMIT = 60
GAP = 2e-3
LATENCY_GAP = 2e-2  # its sum of stages is no nearer to the truth
Objective = Literal["area", "share", "latency"]
INFEASIBLE = 2  # scipy's status
NOTHING: Costs = (0.0,) * len(RESOURCE_FIELDS)


class Undecided(Exception):
    """The node limit came before a first solution."""


@dataclass(frozen=True)
class Edge:
    """A tensor between two layers that have lanes; Reshapes in between do not count."""

    tensor: Tensor
    writer: str
    reader: str


@dataclass(frozen=True)
class Choice:
    """A selection.

    Args:
        folding: layer name -> folding.
        cost: resources of all layers and converters by the program.
        interval: cycles of the slowest layer.
        gap: relative distance to the proved bound; 0 is an optimum.
    """

    folding: Mapping[str, StreamFolding]
    cost: Costs
    interval: float
    gap: float


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


class _Program:
    """Columns: options (binary), transports per edge, the slowest interval, the largest share."""

    def __init__(self, space: Space, slowest: float | None) -> None:
        self.space = space
        self.options = {
            name: tuple(o for o in found if slowest is None or o.interval <= slowest + 1e-9)
            for name, found in space.options.items()
        }
        self.first: dict[str, int] = {}
        self.cost: list[Costs] = []
        for name, found in self.options.items():
            self.first[name] = len(self.cost)
            self.cost += [option.cost for option in found]
        self.binaries = len(self.cost)
        self.rows: list[tuple[dict[int, float], float, float]] = []
        for name, found in self.options.items():
            at = self.first[name]
            self.rows.append(({at + i: 1.0 for i in range(len(found))}, 1.0, 1.0))
        for edge in space.edges:
            self._transport(edge)
        self.slowest, self.share = len(self.cost), len(self.cost) + 1
        self.columns = len(self.cost) + 2

    @property
    def possible(self) -> bool:
        return all(self.options.values())

    def _transport(self, edge: Edge) -> None:
        written = self._by_lanes(edge.writer, 1)
        read = self._by_lanes(edge.reader, 0)
        at = len(self.cost)
        pairs = [(a, b) for a in written for b in read]
        self.cost += [self.space.prices.converter(edge.tensor, a, b) for a, b in pairs]
        for side, groups in enumerate((written, read)):
            for lanes, columns in groups.items():
                row = {at + i: 1.0 for i, pair in enumerate(pairs) if pair[side] == lanes}
                total = 0.0 if columns else 1.0  # a graph input has one width
                self.rows.append((row | dict.fromkeys(columns, -1.0), total, total))

    def _by_lanes(self, name: str, side: int) -> dict[int, list[int]]:
        """Lanes -> columns of the layer's options that have them."""
        if name not in self.options:
            return {self.space.input_lanes[name]: []}
        found: dict[int, list[int]] = {}
        for i, option in enumerate(self.options[name]):
            found.setdefault(option.lanes[side], []).append(self.first[name] + i)
        return found

    def _budget(self, objective: Objective) -> None:
        for index, available in enumerate(self.space.budget):
            row = {c: cost[index] / available for c, cost in enumerate(self.cost) if cost[index]}
            top = self.space.top[index] / available
            if objective == "share":
                self.rows.append((row | {self.share: -1.0}, -np.inf, -top))
            else:
                self.rows.append((row, -np.inf, 1.0 - top))

    def _objective(self, objective: Objective) -> dict[int, float]:
        """Area in shares of the board; it also decides between equals of the others."""
        whole = self.space.equivalent(budget_of(self.space.board))
        area = {c: self.space.equivalent(cost) / whole for c, cost in enumerate(self.cost)}
        if objective == "area":
            return area
        small = {column: 1e-4 * value for column, value in area.items()}
        if objective == "share":
            return small | {self.share: 1.0}
        for column, frames in self._first_frame().items():
            small[column] = small.get(column, 0.0) + frames
        return small

    def _first_frame(self) -> dict[int, float]:
        """The first frame, added up in units of `fastest`; no interval exceeds `slowest`."""
        times = {self.slowest: 1.0}
        unit = self.space.fastest
        for name, found in self.options.items():
            share = exposure(self.space.graph.by_name[name])
            at = self.first[name]
            row = {at + i: option.interval / unit for i, option in enumerate(found)}
            self.rows.append((row | {self.slowest: -1.0}, -np.inf, 0.0))
            for column, frames in row.items():
                times[column] = share * frames
        return times

    def solve(
        self, objective: Objective, latency: float | None, *, relaxed: bool = False
    ) -> Choice | None:
        """The best selection; where `relaxed`, of fractions of options (rounded in the end)."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import coo_array

        self._budget(objective)
        weights = self._objective(objective)
        if latency is not None:
            self.rows.append((self._first_frame(), -np.inf, latency / self.space.fastest))
        rows, columns, values = [], [], []
        for index, (coefficients, _, _) in enumerate(self.rows):
            rows += [index] * len(coefficients)
            columns += list(coefficients)
            values += list(coefficients.values())
        matrix = coo_array((values, (rows, columns)), shape=(len(self.rows), self.columns))
        cost = np.zeros(self.columns)
        cost[list(weights)] = list(weights.values())
        integral = np.zeros(self.columns)
        integral[: self.binaries] = not relaxed
        upper = np.where(np.arange(self.columns) < self.slowest, 1.0, np.inf)
        low, high = ([row[side] for row in self.rows] for side in (1, 2))
        with silent_solver():
            found = milp(
                cost,
                integrality=integral,
                bounds=Bounds(np.zeros(self.columns), upper),
                constraints=LinearConstraint(matrix.tocsr(), low, high),
                options={
                    "node_limit": NODE_LIMIT,
                    "mip_rel_gap": LATENCY_GAP if objective == "latency" else GAP,
                },
            )
        if found.x is None:
            if found.status != INFEASIBLE:
                raise Undecided
            return None
        return self._choice(found.x, float(found.mip_gap or 0.0))

    def _choice(self, values: Sequence[float], gap: float) -> Choice:
        picked = {}
        for name, found in self.options.items():
            at = self.first[name]
            picked[name] = max(enumerate(found), key=lambda o, at=at: values[at + o[0]])[1]  # type: ignore[misc]
        folding = {name: option.folding for name, option in picked.items()}
        interval = max(option.interval for option in picked.values())
        return Choice(folding, self.space_cost(picked), interval, gap)

    def space_cost(self, picked: Mapping[str, Option]) -> Costs:
        """Layers and converters of a selection."""
        space = self.space
        costs = [option.cost for option in picked.values()]
        for edge in space.edges:
            a = picked[edge.writer].lanes_out if edge.writer in picked else None
            a = space.input_lanes[edge.writer] if a is None else a
            costs.append(space.prices.converter(edge.tensor, a, picked[edge.reader].lanes_in))
        return tuple(map(sum, zip(*costs)))


def choose(
    space: Space,
    objective: Objective,
    *,
    interval: float | None = None,
    latency: float | None = None,
) -> Choice | None:
    """The best selection at a pace; None where nothing fits, or nothing was found.

    Args:
        objective: area: fewest LUT-equivalents within the budget; share: the smallest
            largest share of the budget (which it may exceed); latency: the shortest first
            frame within the budget, as `exposure` adds it up.
        interval: most cycles per frame of any layer.
        latency: most cycles of the first frame, added up in the same way.
    """
    try:
        return _decide(space, objective, interval, latency)
    except Undecided:
        return None


def possible(space: Space, *, interval: float | None, latency: float | None) -> bool:
    """False where no selection within the budget keeps the bounds, by the relaxed program."""
    if not space.reaches(interval, latency):
        return False
    return _decide(space, "area", interval, latency, relaxed=True) is not None


def _decide(
    space: Space,
    objective: Objective,
    interval: float | None,
    latency: float | None,
    *,
    relaxed: bool = False,
) -> Choice | None:
    """The same; raises Undecided where the node limit comes first."""
    program = _Program(space, interval)
    return program.solve(objective, latency, relaxed=relaxed) if program.possible else None


def least_interval(
    space: Space,
    *,
    at_most: float | None = None,
    at_least: float = 0.0,
    latency: float | None = None,
) -> Choice | None:
    """The highest rate within the budget, then the least area at that rate.

    Args:
        at_most, at_least: bounds of the interval (cycles); below `at_least` none is known.

    Bisection over the intervals that occur: first with fractions of options, which rules
    out most paces, then with whole ones from there on. A pace that the node limit left
    undecided counts as refused; the gap is then the distance to the fastest such pace.
    """
    paces = [p for p in space.paces() if at_least <= p and (at_most is None or p <= at_most)]
    low, high = 0, len(paces)
    while low < high:
        middle = (low + high) // 2
        if possible(space, interval=paces[middle], latency=latency):
            high = middle
        else:
            low = middle + 1
    best, undecided = _bisected(space, paces[low:], latency)
    if best is None or not undecided:
        return best
    return replace(best, gap=max(best.gap, 1 - min(undecided) / best.interval))


def _bisected(
    space: Space, paces: Sequence[float], latency: float | None
) -> tuple[Choice | None, list[float]]:
    """The choice at the least feasible pace, and the paces left undecided; the least first."""
    low, high = 0, len(paces) - 1
    best, undecided, middle = None, [], 0
    while low <= high:
        try:
            found = _decide(space, "area", paces[middle], latency)
        except Undecided:
            found = None
            undecided.append(paces[middle])
        if found is None:
            # A few paces on before halving: the relaxed program's answer is near.
            low = middle + 1
        else:
            best, high = found, middle - 1
        middle = min((low + high) // 2, 2 * low) if best is None else (low + high) // 2
    return best, [pace for pace in undecided if best and pace < best.interval]
