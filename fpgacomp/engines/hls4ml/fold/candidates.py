"""The foldings each layer may take under hls4ml, with the figures of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.lanes import divisors, has_lanes
from fpgacomp.engines.hls4ml.limits import (
    form_problems,
    lane_foldings,
    layer_problems,
    layer_reuse_factors,
    positions,
)
from fpgacomp.engines.shared.trial import budget_of, used
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Conv, Dense, Layer, WeightLayer
from fpgacomp.results.estimate import Estimate, LayerEstimate

Estimator = Callable[[Hls4mlDesign], Estimate]
MOST_PER_LAYER = 40  # a layer's factors beyond that are thinned out evenly on a log scale
MOST_PER_ACTIVATION = 10


@dataclass(frozen=True)
class Option:
    """One layer under one folding: cycles alone, and resources in RESOURCE_FIELDS order."""

    folding: Hls4mlFolding
    cycles: float
    interval: float
    cost: tuple[float, ...]

    def dominates(self, other: Option) -> bool:
        return (
            self.cycles <= other.cycles
            and self.interval <= other.interval
            and all(mine <= theirs for mine, theirs in zip(self.cost, other.cost))
        )


@dataclass(frozen=True)
class Space:
    """All legal foldings of one graph on one board and io type.

    Args:
        options: layer name -> its undominated options.
        top: what no layer owns, in RESOURCE_FIELDS order.
        budget: what the board has left, in the same order.
    """

    graph: Graph
    board: Board
    clock_mhz: float
    io_type: IoType
    options: Mapping[str, tuple[Option, ...]]
    top: tuple[float, ...]
    budget: tuple[float, ...]

    @property
    def hopeless(self) -> bool:
        """Some resource runs out even where every layer takes its least of it."""
        for index, available in enumerate(self.budget):
            least = sum(min(o.cost[index] for o in found) for found in self.options.values())
            if least + self.top[index] > available * (1 + 1e-9):
                return True
        return False

    def design(self, folding: Mapping[str, Hls4mlFolding]) -> Hls4mlDesign:
        return Hls4mlDesign(
            graph=self.graph,
            board=self.board,
            clock_mhz=self.clock_mhz,
            io_type=self.io_type,
            folding=dict(folding),
        )


def obstacles(graph: Graph, io_type: IoType) -> tuple[str, ...]:
    """Why no folding of this graph is legal in this io type; empty where one is."""
    found = []
    for layer in graph.layers:
        found += [f"{layer.name}: {why}" for why, _ in form_problems(layer, io_type)]
        if not layer_foldings(layer, io_type):
            found.append(f"{layer.name}: no reuse factor keeps it within Vitis' limits.")
    return tuple(found)


def layer_foldings(layer: Layer, io_type: IoType) -> tuple[Hls4mlFolding, ...]:
    """The legal foldings of one layer, fastest first (thinned to about MOST_PER_LAYER)."""
    if has_lanes(layer):
        factors = _thinned(lane_foldings(layer, io_type), MOST_PER_ACTIVATION)
        return tuple(Hls4mlFolding("latency", rf) for rf in factors)
    if not isinstance(layer, Dense | Conv):
        return (Hls4mlFolding(),)
    latency = layer_reuse_factors(layer, "latency", io_type)
    # Under Latency only products bound to DSPs are shared: a few factors are enough.
    found = [Hls4mlFolding("latency", rf) for rf in _thinned(latency, 8)]
    resource = [rf for rf in layer_reuse_factors(layer, "resource", io_type) if rf > 1]
    found += [Hls4mlFolding("resource", rf) for rf in _thinned(resource, MOST_PER_LAYER - 8)]
    if io_type == "io_parallel" and isinstance(layer, Conv):
        found += _parallel_pixels(layer)
    return tuple(found)


def _parallel_pixels(layer: WeightLayer) -> list[Hls4mlFolding]:
    """Several output positions per cycle, each with its own products."""
    counts = [n for n in divisors(positions(layer)) if n > 1]
    foldings = [Hls4mlFolding("latency", 1, n) for n in _thinned(counts, 12)]
    return [folding for folding in foldings if not layer_problems(layer, folding, "io_parallel")]


def _thinned(values: Sequence[int], most: int) -> list[int]:
    """At most `most` of ascending values, first and last kept, evenly by rank."""
    if len(values) <= most:
        return list(values)
    step = (len(values) - 1) / (most - 1)
    return [values[round(i * step)] for i in range(most)]


def explore(
    graph: Graph, board: Board, clock_mhz: float, io_type: IoType, estimate: Estimator
) -> Space:
    """Every layer's undominated options, figured by `estimate` (a few dozen calls)."""
    choices = {layer.name: layer_foldings(layer, io_type) for layer in graph.layers}
    space = Space(graph, board, clock_mhz, io_type, {}, (), budget_of(board))
    options: dict[str, list[Option]] = {name: [] for name in choices}
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
    return Space(graph, board, clock_mhz, io_type, kept, top, space.budget)


def _top(figures: Estimate) -> tuple[float, ...]:
    layers = figures.layers.values()
    return tuple(
        max(total - sum(shares), 0.0) for total, *shares in zip(used(figures), *map(used, layers))
    )


def _option(folding: Hls4mlFolding, figures: LayerEstimate) -> Option:
    return Option(folding, figures.cycles.value, figures.interval.value, used(figures))


def _undominated(options: Sequence[Option]) -> tuple[Option, ...]:
    kept: list[Option] = []
    for option in options:
        if any(other.dominates(option) for other in kept):
            continue
        kept = [other for other in kept if not option.dominates(other)] + [option]
    return tuple(kept)
