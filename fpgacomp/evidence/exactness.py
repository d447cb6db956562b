"""Sums up the judgement, the C-simulation and the float32 run in one `Exactness`."""

from __future__ import annotations

from fpgacomp.evidence.judge import NetworkJudgement
from fpgacomp.results.agreement import Agreement, Mismatch
from fpgacomp.results.report import Exactness


def summarize(
    judged: NetworkJudgement, compared: Agreement | None, agreement: float | None
) -> Exactness:
    """Return what is known of a design's exactness.

    Args:
        judged: the oracle's integers, judged by the network in float64.
        compared: the C-simulation's integers beside the oracle's; None where it did not run.
        agreement: share of samples that float32 execution answers alike; None if unknown.
    """
    first = judged.first
    return Exactness(
        vectors=judged.vectors,
        csim_mismatches=None if compared is None else compared.mismatches,
        network_mismatches=judged.mismatches,
        ties=judged.ties,
        top1_agreement_float32=agreement,
        integers=0 if compared is None else compared.integers,
        first_csim_mismatch=None if compared is None else compared.first,
        first_network_mismatch=None
        if first is None
        else Mismatch(
            first.tensor, first.sample, first.index, round(first.network), round(first.oracle)
        ),
    )
