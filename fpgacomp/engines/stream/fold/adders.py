"""Shares the additions of matrices, each product with hardware of its own, where it is smaller."""

from __future__ import annotations

from dataclasses import replace

from fpgacomp.engines.shared.circuit.solve import installed
from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.engines.shared.trial import Trial
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.fold.prices import Estimator
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.layers.matrix import MatrixRules
from fpgacomp.engines.stream.layers.rules import WIDEST_WORD

# Signed digits of a matrix up to which the search for shared additions takes a second or two.
MOST_DIGITS = 3_000
# No matrix was seen that took fewer LUTs for each of its digits, after sharing: what is smaller
# already is not tried.
_LEAST_LUTS = 1.2


def with_shared_adders(trial: Trial[StreamDesign], estimate: Estimator) -> Trial[StreamDesign]:
    """The design, its matrices unfolded into shared additions wherever it gets smaller by that.

    It is never slower: an unfolded matrix takes a word a cycle.
    """
    if not installed():
        return trial
    for name, folding in trial.design.folding.items():
        rules = rules_of(trial.design.graph.by_name[name])
        if not isinstance(rules, MatrixRules) or not _promising(rules, folding, trial):
            continue
        unfolded = rules.unfolded
        if rules.why_illegal(unfolded):
            continue
        changed = {**trial.design.folding, name: unfolded}
        design = replace(trial.design, folding=changed)
        tried = replace(trial, design=design, estimate=estimate(design))
        slower = tried.estimate.interval_cycles.value > trial.estimate.interval_cycles.value
        if not slower and tried.estimate.lut.value < trial.estimate.lut.value:
            trial = tried
    return trial


def _promising(rules: MatrixRules, folding: StreamFolding, trial: Trial[StreamDesign]) -> bool:
    """Whether it is worth the search: few enough digits for that, and for a gain."""
    layer = rules.layer
    if folding.arithmetic != "lut" or rules.widest_stream > WIDEST_WORD:
        return False
    if layer.weight.stored_type.bipolar and layer.input.type.bipolar:
        return False  # products of bits are gates
    digits = int(signed_digits(layer.weight.array).sum())
    now = trial.estimate.layers[layer.name].lut.value
    return digits <= MOST_DIGITS and digits * _LEAST_LUTS < now
