"""The best selection of options: at a pace, or at the highest rate within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fpgacomp.engines.stream.fold.program import Choice, Objective, Program, Undecided
from fpgacomp.engines.stream.fold.space import Space


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
    program = Program(space, interval)
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
