"""Shares the additions of matrices that a search has unfolded, where that is smaller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from fpgacomp.engines.shared.circuit import solve
from fpgacomp.engines.shared.circuit.bound import least_luts
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
# Times by which a design may miss a bound that it keeps with shared additions: they save stages of
# adder trees, and no word of a stream.
_NEAR = 1.25
# Inputs of the LUTs for which the estimate counts a circuit. With fewer, where the carry lies
# behind the LUT, Yosys made 1.3 to 1.4 times of what is counted.
_LUT_INPUTS = 6


def with_shared_adders(
    space: StreamSpace, found: Found, target: Target, bounds: Bounds, estimate: Estimator
) -> Found:
    """The design with shared additions in its unfolded matrices, wherever it gets smaller by that.

    For the least area they are tried in folded matrices, too, that seem to take more than that. Its
    FIFOs are sized anew. Where the bounds do not hold with them, it stays as it is.
    """
    design = found.trial.design
    if not _counted(space):
        return found
    for candidates in _candidates(design, target, estimate):
        folding = _smaller(space, design, candidates, estimate)
        if folding == design.folding:
            continue
        shared = replace(design, folding=folding, fifo_depths={})
        plain = estimate(shared, timed=False)
        choice = StreamChoice(folding, (), plain.interval_cycles.value, found.trial.gap)
        for tried in sized_designs(space, choice, plain, estimate, target=target, bounds=bounds):
            if _is_better(space, tried, found, target, bounds):
                return tried
    return found


def _candidates(
    design: StreamDesign, target: Target, estimate: Estimator
) -> Iterator[list[MatrixRules]]:
    """Matrices in which additions may be shared: those that are tried first, then fewer."""
    unfolded = _unfolded(design)
    if target.goal == "area":
        known = {rules.layer.name for rules in unfolded}
        folded = [rules for rules in _folded_too_little(design, estimate)
                  if rules.layer.name not in known]  # fmt: skip
        if folded:
            yield unfolded + folded
    yield unfolded


def kept_by_shared_adders(
    space: StreamSpace,
    fastest: Sequence[Found],
    target: Target,
    bounds: Bounds,
    estimate: Estimator,
) -> Found | None:
    """A design that keeps the bounds with shared additions, where none does without.

    A circuit of shared additions may have fewer stages than the adder trees that it replaces, so
    that one of the fastest designs, which miss the bounds by little, keeps them with it.
    """
    for plain in fastest:
        if bounds.missed(plain.trial.estimate) > _NEAR:
            continue
        found = with_shared_adders(space, plain, target, bounds, estimate)
        if bounds.kept(found.trial.estimate):
            return found
    return None


def _counted(space: StreamSpace) -> bool:
    """Whether circuits can be made, and are estimated."""
    return space.board.device.lut_inputs >= _LUT_INPUTS and solve.installed()


def _smaller(
    space: StreamSpace,
    design: StreamDesign,
    candidates: Sequence[MatrixRules],
    estimate: Estimator,
) -> Mapping[str, StreamFolding]:
    """The folding, with shared additions in each of these that takes less of the board by that."""

    def area(folding: Mapping[str, StreamFolding]) -> float:
        changed = replace(design, folding=folding, fifo_depths={})
        return space.equivalent(used(estimate(changed, timed=False)))

    folding = dict(design.folding)
    least, left = area(folding), MOST_DIGITS
    for rules in sorted(candidates, key=_digits):
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


def _folded_too_little(design: StreamDesign, estimate: Estimator) -> list[MatrixRules]:
    """The folded matrices that take more than their shared additions may take.

    Where a bound leaves little room for folding, a matrix in few steps is larger than one in none.
    """
    layers = estimate(design, timed=False).layers
    found: list[MatrixRules] = []
    for name, folding in design.folding.items():
        rules = rules_of(design.graph.by_name[name])
        if not isinstance(rules, MatrixRules) or folding.arithmetic == "adders":
            continue
        if rules.why_illegal(rules.unfolded) or rules.widest_stream > WIDEST_WORD:
            continue
        layer = rules.layer
        spans = [(layer.input.type.lo, layer.input.type.hi)] * rules.width
        ternary = design.board.device.ternary_adders
        least = least_luts(rules.matrix.array, spans, ternary=ternary)
        if least < layers[name].resources.lut.value:
            found.append(rules)
    return found


def _digits(rules: MatrixRules) -> int:
    return int(signed_digits(rules.layer.weight.array).sum())


def _is_better(
    space: StreamSpace, tried: Found, found: Found, target: Target, bounds: Bounds
) -> bool:
    """Whether a design is smaller, keeps the bounds and, unless area is what counts, no slower."""
    new, old = tried.trial.estimate, found.trial.estimate
    no_slower = (
        new.interval_cycles.value <= old.interval_cycles.value
        and new.latency_cycles.value <= old.latency_cycles.value
    )
    return (
        bounds.kept(new)
        and (no_slower or target.goal == "area")
        and space.equivalent(used(new)) < space.equivalent(used(old))
    )
