"""Shares the additions of matrices that a search has unfolded, where that is smaller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fpgacomp.engines.shared.circuit import solve
from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.engines.shared.trial import Bounds, used
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.fold.prices import Estimator
from fpgacomp.engines.stream.fold.program import StreamChoice
from fpgacomp.engines.stream.fold.search import Found, sized_designs
from fpgacomp.engines.stream.fold.space import StreamSpace
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.layers.matrix import MatrixRules
from fpgacomp.engines.stream.layers.rules import WIDEST_WORD
from fpgacomp.results.target import Target

# Signed digits of the matrices of a design up to which searching for shared additions takes about
# ten seconds; the smallest matrices come first.
MOST_DIGITS = 8_000
# Inputs of the LUTs for which the estimate counts a circuit. With fewer, where the carry lies
# behind the LUT, Yosys made 1.3 to 1.4 times of what is counted.
_LUT_INPUTS = 6


def with_shared_adders(
    space: StreamSpace, found: Found, target: Target, bounds: Bounds, estimate: Estimator
) -> Found:
    """The design with shared additions in its unfolded matrices, wherever it gets smaller by that.

    Its FIFOs are sized anew. Where the bounds do not hold with them, it stays as it is.
    """
    design = found.trial.design
    if design.board.device.lut_inputs < _LUT_INPUTS or not solve.installed():
        return found
    folding = _smaller(space, design, estimate)
    if folding == design.folding:
        return found
    shared = replace(design, folding=folding, fifo_depths={})
    plain = estimate(shared, timed=False)
    choice = StreamChoice(folding, (), plain.interval_cycles.value, found.trial.gap)
    for tried in sized_designs(space, choice, plain, estimate, target=target, bounds=bounds):
        if _is_better(space, tried, found, bounds):
            return tried
    return found


def _smaller(
    space: StreamSpace, design: StreamDesign, estimate: Estimator
) -> Mapping[str, StreamFolding]:
    """The folding, with shared additions in each unfolded matrix that takes less of the board."""

    def area(folding: Mapping[str, StreamFolding]) -> float:
        changed = replace(design, folding=folding, fifo_depths={})
        return space.equivalent(used(estimate(changed, timed=False)))

    folding = dict(design.folding)
    least, left = area(folding), MOST_DIGITS
    for rules in sorted(_unfolded(design), key=_digits):
        left -= _digits(rules)
        if left < 0:
            break
        tried = {**folding, rules.layer.name: rules.unfolded}
        if (taken := area(tried)) < least:
            folding, least = tried, taken
    return folding


def _unfolded(design: StreamDesign) -> list[MatrixRules]:
    """The matrices of which the search has folded no more than the words of weights made it."""
    found: list[MatrixRules] = []
    for name, folding in design.folding.items():
        rules = rules_of(design.graph.by_name[name])
        if not isinstance(rules, MatrixRules) or rules.why_illegal(rules.unfolded):
            continue
        if rules.widest_stream > WIDEST_WORD:
            continue
        most = max(one.pe * one.simd for one in rules.foldings(design.board.device))
        if folding.arithmetic == "lut" and folding.pe * folding.simd == most:
            found.append(rules)
    return found


def _digits(rules: MatrixRules) -> int:
    return int(signed_digits(rules.layer.weight.array).sum())


def _is_better(space: StreamSpace, tried: Found, found: Found, bounds: Bounds) -> bool:
    """Whether a design is smaller, no slower, and keeps the bounds."""
    new, old = tried.trial.estimate, found.trial.estimate
    return (
        bounds.kept(new)
        and new.interval_cycles.value <= old.interval_cycles.value
        and new.latency_cycles.value <= old.latency_cycles.value
        and space.equivalent(used(new)) < space.equivalent(used(old))
    )
