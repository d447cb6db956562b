"""Ways out for a graph that does not fit its board: each was tried on the estimate first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import ceil, floor, log10

from fpgacomp.devices.board import Board
from fpgacomp.engines.shared.narrow import narrowed, widest
from fpgacomp.engines.shared.trial import uncrowded
from fpgacomp.engines.shared.way import Way
from fpgacomp.ir.graph import Graph
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.target import Target

Fits = Callable[[Graph, Board, float], bool]
Best = Callable[[], Estimate | None]
# A pace that a search found may be out of its reach once it is a bound, because FIFOs take what
# they are given; a little less is tried then.
LESS = (1.0, 1.03)


def ways_out(
    graph: Graph,
    board: Board,
    clock_mhz: float,
    target: Target,
    *,
    fastest: Best,
    shortest: Best,
    fits: Fits,
    other_boards: Sequence[Board],
) -> Iterator[Way]:
    """The ways out, the cheapest first: a lower rate, fewer bits, another board.

    Args:
        clock_mhz: the clock in MHz that the design was asked for.
        fastest: returns the estimate with the least interval that fits this board.
        shortest: returns the estimate with the least latency that fits this board.
        fits: whether a graph has a design on a board at a clock that keeps the bounds and is not
            doubtful.
        other_boards: boards to name where a larger one would help.
    """
    plain = Way("", "", True, "", board, clock_mhz, target)
    yield from _lower_rate(plain, fastest, shortest)
    yield from _fewer_bits(graph, plain, fits)
    yield from _other_board(graph, plain, other_boards, fits)


def _lower_rate(plain: Way, fastest: Best, shortest: Best) -> Iterator[Way]:
    """The best rate and latency that do fit, where a bound was asked for."""
    target = plain.target
    if target.fps is not None:
        best = fastest()
        if best is not None and best.frames_per_second < target.fps:
            for less in LESS:
                rate = _rounded(best.frames_per_second / less, floor)
                what, option = f"{rate:,.10g} frames per second", f"--fps {rate:.10g}"
                yield replace(plain, kind="a lower rate", what=what, options=option,
                              target=replace(target, fps=rate))  # fmt: skip
    if target.latency_us is not None:
        best = shortest()
        if best is not None and best.latency_us > target.latency_us:
            for more in LESS:
                latency = _rounded(best.latency_us * more, ceil)
                yield replace(
                    plain, kind="a longer latency", what=f"{latency:.10g} us", plural=False,
                    options=f"--latency-us {latency:.10g}",
                    target=replace(target, latency_us=latency),
                )  # fmt: skip


def _rounded(value: float, towards: Callable[[float], int]) -> float:
    """Four digits of a value, which is what anyone types."""
    unit = 10.0 ** (floor(log10(value)) - 3)
    return float(f"{towards(value / unit) * unit:.4g}")


def _fewer_bits(graph: Graph, plain: Way, fits: Fits) -> Iterator[Way]:
    """The most bits per weight and activation with which it would fit.

    Tried one by one: fewer bits may move products from DSPs to LUTs, so that fitting is
    not monotone in them. Quantizing again gives other integers than those that are narrowed here,
    so that a part of the LUTs is kept in reserve.
    """
    now = widest(graph)
    reserved = uncrowded(plain.board)
    for bits in range(now - 1, 1, -1):
        if fits(narrowed(graph, bits), reserved, plain.clock_mhz):
            what = f"weights and activations of {bits} bits (now up to {now})"
            option = f"--weight-bits {bits} --activation-bits {bits}"
            yield replace(plain, kind="fewer bits", what=what, options=option, bits=bits)
            return


def _other_board(graph: Graph, plain: Way, boards: Sequence[Board], fits: Fits) -> Iterator[Way]:
    """The smallest board listed, by LUTs, that holds it."""
    for other in sorted(boards, key=lambda other: (other.budget.lut, other.name)):
        if other.name == plain.board.name:
            continue
        default = plain.clock_mhz == plain.board.clock_mhz_default
        clock = other.clock_mhz_default if default else min(plain.clock_mhz, other.clock_mhz_max)
        if not fits(graph, other, clock):
            continue
        slower = "" if default or clock == plain.clock_mhz else f" --clock-mhz {clock:g}"
        yield replace(
            plain, kind="another board", what=f"{other.name} ({other.title}) at {clock:g} MHz",
            plural=False, options=f"--board {other.name}{slower}", board=other, clock_mhz=clock,
        )  # fmt: skip
        return
