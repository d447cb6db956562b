"""The best option for each layer, at a given interval or at the least one within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fpgacomp.engines.stream.fold.program import Objective, Program, StreamChoice, Undecided
from fpgacomp.engines.stream.fold.space import StreamSpace


def choose(
    space: StreamSpace,
    objective: Objective,
    *,
    interval: float | None = None,
    latency: float | None = None,
) -> StreamChoice | None:
    """The best selection of options; None where none fits, or the solver found none.

    Args:
        objective: what is minimized. area: LUT-equivalents within the budget. share: the
            largest share of any resource, which may exceed the budget, and of equal ones the least
            area. latency: cycles of the
            first frame within the budget, added up by `LayerRules.exposure`.
        interval: most cycles per frame of any layer.
        latency: most cycles of the first frame, added up in the same way.
    """
    try:
        return _decide(space, objective, interval, latency)
    except Undecided:
        return None


def possible(space: StreamSpace, *, interval: float | None, latency: float | None) -> bool:
    """False where no selection within the budget keeps the bounds.

    The relaxed program says so: what fractions of options cannot do, whole ones cannot. It is not
    asked where a selection is at hand.
    """
    if not space.reaches(interval, latency):
        return False
    if latency is None and space.surely_holds(interval):
        return True
    return _decide(space, "area", interval, latency, relaxed=True) is not None


def _decide(
    space: StreamSpace,
    objective: Objective,
    interval: float | None,
    latency: float | None,
    *,
    relaxed: bool = False,
) -> StreamChoice | None:
    """`choose`, but Undecided is raised where the solver's node limit comes first."""
    program = Program(space, interval)
    return program.solve(objective, latency, relaxed=relaxed) if program.possible else None


def least_interval(
    space: StreamSpace,
    *,
    at_most: float | None = None,
    at_least: float = 0.0,
    latency: float | None = None,
) -> StreamChoice | None:
    """The selection of the highest rate within the budget, and of the least area at that rate.

    The intervals that occur are bisected: first with fractions of options, which rules out most
    of them, then with whole ones from there on. An interval that the node limit left undecided
    counts as impossible; the gap is then the distance to the least such interval.

    Args:
        at_most: longest interval that will do (cycles).
        at_least: shortest interval to look at (cycles).
        latency: most cycles of the first frame.
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
    space: StreamSpace, paces: Sequence[float], latency: float | None
) -> tuple[StreamChoice | None, list[float]]:
    """(choice at the least feasible of ascending paces, smaller paces that were left undecided)."""
    low, high = 0, len(paces) - 1
    best, undecided, middle = None, [], 0
    while low <= high:
        try:
            found = _decide(space, "area", paces[middle], latency)
        except Undecided:
            found = None
            undecided.append(paces[middle])
        if found is None:
            # Look a few paces further before halving: the relaxed program's answer is near.
            low = middle + 1
        else:
            best, high = found, middle - 1
        middle = min((low + high) // 2, 2 * low) if best is None else (low + high) // 2
    return best, [pace for pace in undecided if best and pace < best.interval]
