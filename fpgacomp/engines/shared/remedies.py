"""Remedies for a graph that does not fit its board: each was tried on the estimate first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fpgacomp.devices.board import Board
from fpgacomp.engines.shared.narrow import narrowed, widest
from fpgacomp.ir.graph import Graph
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.target import Target

Fits = Callable[[Graph, Board, float], bool]
Best = Callable[[], Estimate | None]


def remedies(
    graph: Graph,
    board: Board,
    clock_mhz: float,
    target: Target,
    *,
    fastest: Best,
    shortest: Best,
    fits: Fits,
    other_boards: Sequence[Board],
    last_resort: str,
) -> tuple[str, ...]:
    """Remedies as sentences, the cheapest first: a lower rate, fewer bits, another board.

    Args:
        clock_mhz: the clock in MHz that the design was asked for.
        fastest: returns the estimate with the least interval that fits this board.
        shortest: returns the estimate with the least latency that fits this board.
        fits: whether a graph has a design on a board at a clock that keeps the bounds.
        other_boards: boards to name where a larger one would help.
        last_resort: the sentence to return where none of these helps.
    """
    found = _lower_rate(target, fastest, shortest)
    found += _fewer_bits(graph, board, clock_mhz, fits)
    found += _other_board(graph, board, clock_mhz, other_boards, fits)
    return tuple(found or [last_resort])


def _lower_rate(target: Target, fastest: Best, shortest: Best) -> list[str]:
    """The best rate and latency that do fit, where a bound was asked for."""
    found = []
    if target.fps is not None:
        best = fastest()
        if best is not None and best.frames_per_second < target.fps:
            found.append(
                f"a lower rate: {best.frames_per_second:,.0f} frames per second fit (--fps)."
            )
    if target.latency_us is not None:
        best = shortest()
        if best is not None and best.latency_us > target.latency_us:
            found.append(f"a longer latency: {best.latency_us:.4g} us fit (--latency-us).")
    return found


def _fewer_bits(graph: Graph, board: Board, clock_mhz: float, fits: Fits) -> list[str]:
    """The most bits per weight and activation with which it would fit.

    Tried one by one: fewer bits may move products from DSPs to LUTs, so that fitting is
    not monotone in them.
    """
    now = widest(graph)
    for bits in range(now - 1, 1, -1):
        if fits(narrowed(graph, bits), board, clock_mhz):
            text = f"fewer bits: weights and activations of {bits} bits (now up to {now}) fit."
            return [text]
    return []


def _other_board(
    graph: Graph, board: Board, clock_mhz: float, boards: Sequence[Board], fits: Fits
) -> list[str]:
    """The smallest board listed, by LUTs, that holds it."""
    for other in sorted(boards, key=lambda other: (other.budget.lut, other.name)):
        if other.name == board.name:
            continue
        default = clock_mhz == board.clock_mhz_default
        clock = other.clock_mhz_default if default else min(clock_mhz, other.clock_mhz_max)
        if fits(graph, other, clock):
            return [f"another board: {other.name} ({other.title}) holds it at {clock:g} MHz."]
    return []
