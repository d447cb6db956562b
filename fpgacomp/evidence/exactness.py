"""Sums up what was compared with what."""

from __future__ import annotations

from fpgacomp.evidence.judge import NetworkJudgement
from fpgacomp.results.agreement import Agreement, Mismatch
from fpgacomp.results.report import Exactness, Float32Agreement, LevelEvidence, PeerEvidence


def summarize(
    judged: NetworkJudgement,
    compared: Agreement | None,
    float32: Float32Agreement | None,
    peers: tuple[PeerEvidence, ...] = (),
    further: tuple[LevelEvidence, ...] = (),
) -> Exactness:
    """Return one `Exactness` from everything that was compared.

    Args:
        judged: the oracle against the network in float64.
        compared: C-simulation against the oracle; None where it did not run.
        float32: the answers against the network's own in float32; None where it cannot run.
        peers: other toolchains' execution against the oracle.
        further: simulations beyond the C-simulation against the oracle.
    """
    first = judged.first
    return Exactness(
        vectors=judged.vectors,
        csim_mismatches=None if compared is None else compared.mismatches,
        network_mismatches=judged.mismatches,
        ties=judged.ties,
        top1_agreement_float32=None if float32 is None else float32.top1,
        float32=float32,
        peers=peers,
        further=further,
        integers=0 if compared is None else compared.integers,
        first_csim_mismatch=None if compared is None else compared.first,
        first_network_mismatch=None
        if first is None
        else Mismatch(
            first.tensor, first.sample, first.index, round(first.network), round(first.oracle)
        ),
    )
