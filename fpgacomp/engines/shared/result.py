"""The result of a folding search, the same for every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fpgacomp.engines.shared.way import Way
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.report import Verdict

DesignT_co = TypeVar("DesignT_co", covariant=True)


@dataclass(frozen=True)
class FoldingResult(Generic[DesignT_co]):
    """The design that a folding search chose, or the nearest miss where none fits.

    Args:
        design: a legal design, within the board's budget and the target's bounds where
            verdict.fits.
        estimate: figures of this design at logic synthesis.
        verdict: whether it fits; if not, the limiting resource, how many times too much of it
            is needed. Its remedies are left to `choose`, which holds the ways out against it.
        reasons: sentences on why this design was chosen, how near to the optimum it is, and
            what is uncertain.
        ways: finds the ways out where it does not fit, the cheapest first.
        bare: the figures without AXI4-Stream ports, equal to `estimate` where that has none; None
            where they cannot be told apart.
    """

    design: DesignT_co
    estimate: Estimate
    verdict: Verdict
    reasons: tuple[str, ...]
    ways: Callable[[], Iterable[Way]] = tuple
    bare: Estimate | None = None
