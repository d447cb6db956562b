"""The search space of a folding: the options of every layer, with the figures of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.hls4ml.design import (
    Hls4mlDesign,
    Hls4mlFolding,
    Hls4mlStrategy,
    IoType,
)
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.engines.shared.trial import budget_of, used
from fpgacomp.ir.graph import Graph
from fpgacomp.results.estimate import Estimate, LayerEstimate, WithResources

Estimator = Callable[[Hls4mlDesign], Estimate]


@dataclass(frozen=True)
class Hls4mlOption:
    """One layer under one folding.

    Args:
        cycles: of the layer alone, from its first input word to its last output word.
        interval: cycles between two frames.
        cost: resources in RESOURCE_FIELDS order.
        high: the upper ends of the same.
    """

    folding: Hls4mlFolding
    cycles: float
    interval: float
    cost: tuple[float, ...]
    high: tuple[float, ...]

    def dominates(self, other: Hls4mlOption, *, high: bool) -> bool:
        """Whether this option is at least as good as the other in every figure.

        Args:
            high: whether the upper ends count among them.
        """
        pairs = [*zip(self.cost, other.cost), *(zip(self.high, other.high) if high else ())]
        return (
            self.cycles <= other.cycles
            and self.interval <= other.interval
            and all(mine <= theirs for mine, theirs in pairs)
        )


@dataclass(frozen=True)
class Hls4mlSpace:
    """All legal foldings of one graph on one board and io type.

    Args:
        explored: layer name -> all its options.
        top: resources of FIFOs and ports, which no layer owns, in RESOURCE_FIELDS order.
        top_high: their upper ends.
        budget: resources that the board's shell leaves, in the same order.
        ceiling: what the upper ends must stay within, in the same order; None leaves them free.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    io_type: IoType
    explored: Mapping[str, tuple[Hls4mlOption, ...]]
    top: tuple[float, ...]
    top_high: tuple[float, ...]
    budget: tuple[float, ...]
    ceiling: tuple[float, ...] | None = None

    @cached_property
    def options(self) -> Mapping[str, tuple[Hls4mlOption, ...]]:
        """Layer name -> its undominated options."""
        high = self.ceiling is not None
        return {name: _undominated(found, high=high) for name, found in self.explored.items()}

    @property
    def hopeless(self) -> bool:
        """Whether some resource runs out even where every layer takes its least of it."""
        for index, available in enumerate(self.budget):
            least = sum(min(o.cost[index] for o in found) for found in self.options.values())
            if least + self.top[index] > available * (1 + 1e-9):
                return True
        return False

    def without(self, strategy: Hls4mlStrategy) -> Hls4mlSpace:
        """The space without the options of one strategy, of which every layer has others."""
        left = {
            name: tuple(o for o in found if o.folding.strategy != strategy) or found
            for name, found in self.explored.items()
        }
        return replace(self, explored=left)

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
    nothing = (0.0,) * len(RESOURCE_FIELDS)
    space = Hls4mlSpace(
        graph, board, clock_mhz, io_type, {}, nothing, nothing, budget_of(board)
    )  # fmt: skip
    options: dict[str, list[Hls4mlOption]] = {name: [] for name in choices}
    top = top_high = nothing
    for index in range(max(map(len, choices.values()))):
        chosen = {name: found[min(index, len(found) - 1)] for name, found in choices.items()}
        figures = estimate(replace(space.design(chosen), predicted=True))
        # FIFOs depend on the folding a little: none is larger than counted here.
        top = tuple(map(max, top, _top(figures, used)))
        top_high = tuple(map(max, top_high, _top(figures, _highs)))
        for name, found in choices.items():
            if index < len(found):
                options[name].append(_option(found[index], figures.layers[name]))
    explored = {name: tuple(found) for name, found in options.items()}
    return replace(space, explored=explored, top=top, top_high=top_high)


def _top(
    figures: Estimate, amounts: Callable[[WithResources], tuple[float, ...]]
) -> tuple[float, ...]:
    """What the whole design has beyond the sum of its layers."""
    layers = figures.layers.values()
    return tuple(
        max(total - sum(shares), 0.0)
        for total, *shares in zip(amounts(figures), *map(amounts, layers))
    )


def _highs(figures: WithResources) -> tuple[float, ...]:
    """Upper ends, in RESOURCE_FIELDS order; those of layers add up to no less than the design's."""
    return tuple(figure.high for figure in figures.resources)


def _option(folding: Hls4mlFolding, figures: LayerEstimate) -> Hls4mlOption:
    cycles, interval = figures.cycles.value, figures.interval.value
    return Hls4mlOption(folding, cycles, interval, used(figures), _highs(figures))


def _undominated(options: Sequence[Hls4mlOption], *, high: bool) -> tuple[Hls4mlOption, ...]:
    kept: list[Hls4mlOption] = []
    for option in options:
        if any(other.dominates(option, high=high) for other in kept):
            continue
        kept = [other for other in kept if not option.dominates(other, high=high)] + [option]
    return tuple(kept)
