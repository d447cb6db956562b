"""What to answer when no streaming design keeps the bounds: the nearest miss, and the ways out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.shared.narrow import widest
from fpgacomp.engines.shared.remedies import ways_out
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import Bounds, budget_of, pace
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold.choose import choose
from fpgacomp.engines.stream.fold.prices import Estimator
from fpgacomp.engines.stream.fold.search import Found, best_of, search, sized_designs
from fpgacomp.engines.stream.fold.space import StreamSpace, explore
from fpgacomp.ir.graph import Graph
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.report import Verdict
from fpgacomp.results.target import Target

NONE = Bounds(None, None)  # no bound at all
BRAM18_BITS = 18 * 1024
SHALLOW = 1024  # words up to which a FIFO may lie in LUTs
FAR = 2.0  # times the budget, from which on a design is far too large


@dataclass(frozen=True)
class Extremes:
    """The fastest designs of a space within the budget, and its smallest, found when asked for."""

    space: StreamSpace
    estimate: Estimator

    @cached_property
    def fastest(self) -> Found | None:
        """The design of the highest rate."""
        return best_of(self.space, Target("throughput"), NONE, self.estimate)

    @cached_property
    def shortest(self) -> Found | None:
        """The design of the shortest latency."""
        return best_of(self.space, Target("latency"), NONE, self.estimate)

    @cached_property
    def smallest(self) -> tuple[Found, list[str]]:
        """(The smallest design, which may be too large; what else is to be said of it)."""
        return _smallest(self.space, self.estimate)

    def of(self, bounds: Bounds) -> list[Found]:
        """Those that aim at what is bounded."""
        wanted = [self.fastest] if bounds.interval is not None else []
        wanted += [self.shortest] if bounds.latency is not None else []
        return [found for found in wanted if found is not None]

    def passed_over(self, bounds: Bounds) -> Found | None:
        """The smallest design, where it is within the budget and keeps the bounds.

        A search goes from the pace aimed at to smaller designs; FIFOs that such a pace cannot pay
        for end it early.
        """
        found, _ = self.smallest
        held = found.trial.fits and bounds.kept(found.trial.estimate)
        return found if held else None


def stream_miss(
    space: StreamSpace,
    target: Target,
    bounds: Bounds,
    estimate: Estimator,
    other_boards: Sequence[Board],
    extremes: Extremes,
) -> FoldingResult[StreamDesign]:
    """The design nearest to the bounds that fits the board; where none fits, the smallest one."""

    def fits(graph: Graph, board: Board, clock_mhz: float) -> bool:
        asked = Bounds.of(target, clock_mhz)
        if not _holds_waiting(board, waiting * widest(graph) // widest(space.graph)):
            return False
        if graph is space.graph and not _thinkable(space, board, asked):
            return False
        other = explore(graph, board, clock_mhz, estimate)
        least = replace(target, goal="area")
        found = search(other, least, asked, estimate)
        if found is None and graph is space.graph:
            found = Extremes(other, estimate).passed_over(asked)
        return found is not None and not found.trial.doubtful

    waiting = 0
    trials = [found.trial for found in extremes.of(bounds)]
    if trials:
        best = min(trials, key=lambda trial: bounds.missed(trial.estimate))
        best = replace(best, estimate=estimate(best.design))
        limiting, shortfall = None, bounds.missed(best.estimate)
        reasons = [f"the nearest design that fits has {pace(best.estimate)}: it misses the bound "
                   f"by {shortfall:,.2f} times.", *_why(space, bounds)]  # fmt: skip
    else:
        found, balanced = extremes.smallest
        best = found.trial
        limiting, shortfall, reasons = best.miss(NONE)
        reasons += balanced
        waiting = _waiting_bits(best.design)
    ways = partial(
        ways_out, space.graph, space.board, space.clock_mhz, target,
        fastest=lambda: _figures(extremes.fastest), shortest=lambda: _figures(extremes.shortest),
        fits=fits, other_boards=other_boards,
    )  # fmt: skip
    verdict = Verdict(False, limiting, shortfall=shortfall)
    return FoldingResult(best.design, best.estimate, verdict, tuple(reasons), ways)


def _figures(found: Found | None) -> Estimate | None:
    return None if found is None else found.trial.estimate


def _waiting_bits(design: StreamDesign) -> int:
    """Bits of the words that FIFOs of a design hold for its joins in block RAM."""
    return sum(s.bits * s.depth for s in expand(design).streams if s.depth > SHALLOW)


def _holds_waiting(board: Board, bits: int) -> bool:
    """Whether a board has memory for what FIFOs hold in the smallest design, however folded."""
    return bits <= board.budget.bram18 * BRAM18_BITS


def _thinkable(space: StreamSpace, board: Board, bounds: Bounds) -> bool:
    """False where the graph surely cannot keep the bounds on another board.

    The prices are those of the present board; DSP blocks are taken as unlimited, because a
    block of another family may hold more products.
    """
    generous = tuple(
        float("inf") if name == "dsp" else amount
        for name, amount in zip(RESOURCE_FIELDS, budget_of(board))
    )
    return space.reaches(bounds.interval, bounds.latency) and not space.hopeless(generous)


def _why(space: StreamSpace, bounds: Bounds) -> list[str]:
    """Sentences on what stands in the way of the rate: the network itself, or a resource."""
    if bounds.interval is None:
        return []
    if bounds.interval < space.fastest - 1e-9:
        rate = space.clock_mhz * 1e6 / space.fastest
        return [f"no board changes that: {space.slowest_part} takes {space.fastest:,.0f} cycles a "
                f"frame however it is folded, {rate:,.0f} frames per second at "
                f"{space.clock_mhz:g} MHz."]  # fmt: skip
    least = choose(space, "share", interval=bounds.interval)
    if least is None:
        return []
    shares = {n: c / b for n, c, b in zip(RESOURCE_FIELDS, least.cost, budget_of(space.board))}
    name = max(shares, key=lambda name: shares[name])
    if shares[name] <= 1:
        return []
    return [f"{name}: the smallest design at the bound needs {shares[name]:.2f} times the budget."]


def _smallest(space: StreamSpace, estimate: Estimator) -> tuple[Found, list[str]]:
    """(The smallest design, with FIFOs that cannot deadlock; what else is to be said of it).

    It is that of the least share of the board. Where even that is far too large, balancing one
    resource against another brings nothing near and hides which is short: it is then that of
    the least area.
    """
    choice = choose(space, "share")
    assert choice is not None, "its budget may be exceeded, so that a selection exists"
    told = []
    share = max(cost / free for cost, free in zip(choice.cost, budget_of(space.board)))
    if share > FAR:
        unbounded = replace(space, budget=(float("inf"),) * len(space.budget))
        if (least := choose(unbounded, "area")) is not None:
            choice = least
            told = [
                f"balanced over all resources it would still need {share:.2f} times the budget."
            ]
    plain = estimate(space.design(choice.folding), timed=False)
    *_, found = sized_designs(space, choice, plain, estimate, target=Target("area"), bounds=NONE)
    trial = replace(found.trial, estimate=estimate(found.trial.design))
    return replace(found, trial=trial), told
