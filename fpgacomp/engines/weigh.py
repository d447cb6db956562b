"""Weighs a design that takes long to find against the best of the others, first by its outlook."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fpgacomp.devices.board import Board
from fpgacomp.engines.engine import AnyEngine, Design, Goal, Outlook
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import CROWDED, budget_of, rank, used
from fpgacomp.results.certainty import certainty_of
from fpgacomp.results.estimate import Estimate, Figure


@dataclass(frozen=True)
class EngineDesign:
    """One engine's best design.

    Args:
        engine: who made it and will emit it.
        folded: the design with its estimate and verdict.
    """

    engine: AnyEngine
    folded: FoldingResult[Design]


def is_built(engine: AnyEngine, board: Board) -> bool:
    """Whether the board's tools make a bitstream of the engine's files: open ones read no C++."""
    return board.device.toolchain != "open" or "rtl" in engine.levels


def why_not_the_best(outlook: Outlook, best: EngineDesign, goal: Goal) -> str:
    """Why no design of such an outlook is better than the best of the others; "" where one may be.

    As in every search, one that leaves some of the LUTs free is preferred to a faster one that
    fills the board.
    """
    least, budget = outlook.least_lut, max(goal.board.budget.lut, 0)
    takes = f"it takes at least {least:,.0f} LUT"
    if least > budget:
        return f"{takes}, and the board leaves {budget:,}"
    if not best.folded.verdict.fits:
        return ""
    if goal.target.goal == "area":
        if least / budget >= rank(best.folded, goal.target)[-2]:
            return f"{takes}, and {best.engine.name} is smaller"
    elif least > CROWDED * budget and not _crowded(best.folded):
        return (
            f"{takes}, and a design that leaves {1 - CROWDED:.0%} of the board's free has "
            f"{CROWDED * budget:,.0f}"
        )
    return ""


def beats(one: EngineDesign, other: EngineDesign, goal: Goal) -> bool:
    """Whether one engine's design suits the goal better than another's.

    Like is compared with like: figures without ports where both have such. Paces that the
    estimates cannot tell apart are equal, and then the smaller design is better.
    """
    keys = [_standing(each, goal) for each in (one, other)]
    if keys[0] != keys[1]:
        return keys[0] < keys[1]
    a, b = alike(one.folded, other.folded)
    if goal.target.goal == "area":
        areas = [rank(replace(each.folded, estimate=figures), goal.target)[-2]
                 for each, figures in ((one, a), (other, b))]  # fmt: skip
        return areas[0] < areas[1]
    paces = [_pace(figures, goal) for figures in (a, b)]
    if not told_apart(*paces):
        return lut_equivalents(a, goal.board) < lut_equivalents(b, goal.board)
    return paces[0].value < paces[1].value


def alike(
    one: FoldingResult[Design], other: FoldingResult[Design]
) -> tuple[Estimate, Estimate]:  # fmt: skip
    """The figures of two designs by which they are compared."""
    if one.bare is not None and other.bare is not None:
        return one.bare, other.bare
    return one.estimate, other.estimate


def told_apart(a: Figure, b: Figure) -> bool:
    """Whether neither value lies in the range of the other."""
    return not (b.low <= a.value <= b.high or a.low <= b.value <= a.high)


def lut_equivalents(figures: Estimate, board: Board) -> float:
    """The sum of the shares of the board that a design takes, in LUTs."""
    budget = budget_of(board)
    return budget[0] * sum(amount / free for amount, free in zip(used(figures), budget))


def is_as_fast(one: EngineDesign, other: EngineDesign, goal: Goal) -> bool:
    """Whether the estimates cannot tell which of two designs is faster."""
    a, b = (_pace(figures, goal) for figures in alike(one.folded, other.folded))
    return goal.target.goal != "area" and not told_apart(a, b)


def _pace(figures: Estimate, goal: Goal) -> Figure:
    latency = goal.target.goal == "latency"
    return figures.latency_cycles if latency else figures.interval_cycles


def _crowded(folded: FoldingResult[Design]) -> bool:
    return folded.estimate.lut.value > CROWDED * folded.design.board.budget.lut


def _standing(one: EngineDesign, goal: Goal) -> tuple[float, ...]:
    """What counts before the target does."""
    folded = one.folded
    doubtful = certainty_of(folded.estimate, goal.board.budget) == "doubtful"
    crowded = goal.target.goal != "area" and not doubtful and _crowded(folded)
    built = is_built(one.engine, goal.board)
    fits_first = rank(folded, goal.target)[:4]
    return (not built, *fits_first, folded.verdict.fits and crowded)
