"""Ways out for a graph that does not fit a board under hls4ml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fpgacomp.devices.board import Board
from fpgacomp.engines.hls4ml.fold.candidates import Estimator, Hls4mlSpace, explore, obstacles
from fpgacomp.engines.hls4ml.fold.choose import Hls4mlChoice, least_interval, least_latency
from fpgacomp.engines.shared.remedies import ways_out
from fpgacomp.engines.shared.way import Way
from fpgacomp.ir.graph import Graph
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.target import Target


def hls4ml_ways(
    spaces: Sequence[Hls4mlSpace],
    target: Target,
    holds: Callable[[Hls4mlSpace], bool],
    estimate: Estimator,
    other_boards: Sequence[Board],
) -> Iterator[Way]:
    """The ways out, the cheapest first: a lower rate, fewer bits, another board.

    Args:
        spaces: one per io type in question.
        holds: whether a space has a design that fits, is not doubtful and keeps the target's
            bounds.
    """
    first = spaces[0]
    io_types = [space.io_type for space in spaces]

    def fits(graph: Graph, board: Board, clock_mhz: float) -> bool:
        return any(
            holds(explore(graph, board, clock_mhz, io_type, estimate))
            for io_type in io_types
            if not obstacles(graph, io_type)
        )

    return ways_out(
        first.graph,
        first.board,
        first.clock_mhz,
        target,
        fastest=lambda: _best(spaces, least_interval, lambda e: e.interval_cycles.value, estimate),
        shortest=lambda: _best(spaces, least_latency, lambda e: e.latency_cycles.value, estimate),
        fits=fits,
        other_boards=other_boards,
    )


def _best(
    spaces: Sequence[Hls4mlSpace],
    choose: Callable[[Hls4mlSpace], Hls4mlChoice | None],
    cycles: Callable[[Estimate], float],
    estimate: Estimator,
) -> Estimate | None:
    figures = [
        estimate(space.design(choice.folding))
        for space in spaces
        if (choice := choose(space)) is not None
    ]
    return min(figures, key=cycles, default=None)
