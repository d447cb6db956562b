"""The search space of a folding: the options of every layer, with the figures of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.engines.shared.trial import budget_of, used
from fpgacomp.ir.graph import Graph
from fpgacomp.results.estimate import Estimate, LayerEstimate

Estimator = Callable[[Hls4mlDesign], Estimate]


@dataclass(frozen=True)
class Hls4mlOption:
    """One layer under one folding.

    Args:
        cycles: of the layer alone, from its first input word to its last output word.
        interval: cycles between two frames.
        cost: resources in RESOURCE_FIELDS order.
    """

    folding: Hls4mlFolding
    cycles: float
    interval: float
    cost: tuple[float, ...]

    def dominates(self, other: Hls4mlOption) -> bool:
        """Whether this option is at least as good as the other in every figure."""
        return (
            self.cycles <= other.cycles
            and self.interval <= other.interval
            and all(mine <= theirs for mine, theirs in zip(self.cost, other.cost))
        )


@dataclass(frozen=True)
class Hls4mlSpace:
    """All legal foldings of one graph on one board and io type.

    Args:
        options: layer name -> its undominated options.
        top: resources of FIFOs and ports, which no layer owns, in RESOURCE_FIELDS order.
        budget: resources that the board's shell leaves, in the same order.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    io_type: IoType
    options: Mapping[str, tuple[Hls4mlOption, ...]]
    top: tuple[float, ...]
    budget: tuple[float, ...]

    @property
    def hopeless(self) -> bool:
        """Whether some resource runs out even where every layer takes its least of it."""
        for index, available in enumerate(self.budget):
            least = sum(min(o.cost[index] for o in found) for found in self.options.values())
            if least + self.top[index] > available * (1 + 1e-9):
                return True
        return False

    def design(self, folding: Mapping[str, Hls4mlFolding]) -> Hls4mlDesign:
        """The design of this graph and board with these foldings."""
        return Hls4mlDesign(
            graph=self.graph,
            board=self.board,
            clock_mhz=self.clock_mhz,
            io_type=self.io_type,
            folding=dict(folding),
        )


def obstacles(graph: Graph, io_type: IoType) -> tuple[str, ...]:
    """Sentences on why no folding of this graph is legal in this io type; empty where one is."""
    found = []
    for layer in graph.layers:
        operator = operator_of(layer)
        found += [f"{layer.name}: {why}" for why, _ in operator.form_problems(io_type)]
        if not operator.foldings(io_type):
            found.append(f"{layer.name}: no reuse factor keeps it within Vitis' limits.")
    return tuple(found)


def explore(
    graph: Graph, board: Board, clock_mhz: float, io_type: IoType, estimate: Estimator
) -> Hls4mlSpace:
    """The search space of a graph; `estimate` is called a few dozen times for its figures."""
    choices = {layer.name: operator_of(layer).foldings(io_type) for layer in graph.layers}
    space = Hls4mlSpace(graph, board, clock_mhz, io_type, {}, (), budget_of(board))
    options: dict[str, list[Hls4mlOption]] = {name: [] for name in choices}
    top = (0.0,) * len(RESOURCE_FIELDS)
    for index in range(max(map(len, choices.values()))):
        chosen = {name: found[min(index, len(found) - 1)] for name, found in choices.items()}
        figures = estimate(space.design(chosen))
        # FIFOs depend on the folding a little: none is larger than counted here.
        top = tuple(map(max, top, _top(figures)))
        for name, found in choices.items():
            if index < len(found):
                options[name].append(_option(found[index], figures.layers[name]))
    kept = {name: _undominated(found) for name, found in options.items()}
    return Hls4mlSpace(graph, board, clock_mhz, io_type, kept, top, space.budget)


def _top(figures: Estimate) -> tuple[float, ...]:
    layers = figures.layers.values()
    return tuple(
        max(total - sum(shares), 0.0) for total, *shares in zip(used(figures), *map(used, layers))
    )


def _option(folding: Hls4mlFolding, figures: LayerEstimate) -> Hls4mlOption:
    return Hls4mlOption(folding, figures.cycles.value, figures.interval.value, used(figures))


def _undominated(options: Sequence[Hls4mlOption]) -> tuple[Hls4mlOption, ...]:
    kept: list[Hls4mlOption] = []
    for option in options:
        if any(other.dominates(option) for other in kept):
            continue
        kept = [other for other in kept if not option.dominates(other)] + [option]
    return tuple(kept)
