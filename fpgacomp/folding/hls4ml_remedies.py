"""The ways out where a graph does not fit, each computed on the estimate itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fpgacomp.folding.hls4ml_candidates import Estimator, Space, explore, obstacles
from fpgacomp.folding.hls4ml_choose import Choice, least_interval, least_latency
from fpgacomp.folding.narrow import narrowed, widest
from fpgacomp.ir.board import Board
from fpgacomp.ir.design import Target
from fpgacomp.ir.estimate import Estimate
from fpgacomp.ir.graph import Graph

Fits = Callable[[Graph, Board, float], bool]


def remedies(
    spaces: Sequence[Space],
    target: Target,
    holds: Callable[[Space], bool],
    estimate: Estimator,
    other_boards: Sequence[Board],
) -> tuple[str, ...]:
    """Texts, cheapest first: a lower rate, fewer bits, another board.

    Args:
        spaces: one per io type in question.
        holds: whether a space has a design that fits and keeps the target's bounds.
    """
    first = spaces[0]
    io_types = [space.io_type for space in spaces]

    def fits(graph: Graph, board: Board, clock_mhz: float) -> bool:
        return any(
            holds(explore(graph, board, clock_mhz, io_type, estimate))
            for io_type in io_types
            if not obstacles(graph, io_type)
        )

    found = _lower_rate(spaces, target, estimate)
    found += _fewer_bits(first, fits)
    found += _other_board(first, other_boards, fits)
    if not found:
        found.append("nothing tried helps: a smaller network, or --backend finn.")
    return tuple(found)


def _lower_rate(spaces: Sequence[Space], target: Target, estimate: Estimator) -> list[str]:
    """The best rate and latency that do fit, where a bound was asked for."""
    found = []
    if target.fps is not None:
        best = _best(spaces, least_interval, lambda e: e.interval_cycles.value, estimate)
        if best is not None and best.frames_per_second < target.fps:
            found.append(
                f"a lower rate: {best.frames_per_second:,.0f} frames per second fit (--fps)."
            )
    if target.latency_us is not None:
        best = _best(spaces, least_latency, lambda e: e.latency_cycles.value, estimate)
        if best is not None and best.latency_us > target.latency_us:
            found.append(f"a longer latency: {best.latency_us:.4g} us fit (--latency-us).")
    return found


def _best(
    spaces: Sequence[Space],
    choose: Callable[[Space], Choice | None],
    cycles: Callable[[Estimate], float],
    estimate: Estimator,
) -> Estimate | None:
    figures = [
        estimate(space.design(choice.folding))
        for space in spaces
        if (choice := choose(space)) is not None
    ]
    return min(figures, key=cycles, default=None)


def _fewer_bits(space: Space, fits: Fits) -> list[str]:
    """The most bits per weight and activation with which it would fit.

    Tried one by one: fewer bits may move products from DSPs to LUTs, so that fitting is
    not monotone in them.
    """
    now = widest(space.graph)
    for bits in range(now - 1, 1, -1):
        if fits(narrowed(space.graph, bits), space.board, space.clock_mhz):
            text = f"fewer bits: weights and activations of {bits} bits (now up to {now}) fit."
            return [text]
    return []


def _other_board(space: Space, boards: Sequence[Board], fits: Fits) -> list[str]:
    """The smallest board listed, by LUTs, that holds it."""
    for board in sorted(boards, key=lambda board: (board.budget.lut, board.name)):
        if board.name == space.board.name:
            continue
        clock_mhz = min(space.clock_mhz, board.clock_mhz_max)
        if fits(space.graph, board, clock_mhz):
            return [f"another board: {board.name} ({board.title}) holds it at {clock_mhz:g} MHz."]
    return []
