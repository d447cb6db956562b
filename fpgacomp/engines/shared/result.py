"""What a folding search answers, whichever engine it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from fpgacomp.results.estimate import Estimate
from fpgacomp.results.report import Verdict

DesignT_co = TypeVar("DesignT_co", covariant=True)


@dataclass(frozen=True)
class FoldingResult(Generic[DesignT_co]):
    """The chosen design, or the nearest miss.

    Args:
        design: legal in every case; within the budget and the bounds where verdict.fits.
        estimate: of this design, at logic synthesis.
        verdict: fits, or the limiting resource, by how much, and the ways out.
        reasons: why this io type and folding, how near to the optimum, and what is uncertain.
    """

    design: DesignT_co
    estimate: Estimate
    verdict: Verdict
    reasons: tuple[str, ...]
