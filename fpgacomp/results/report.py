"""The report of one run: what was compiled, does it fit, is it exact, how fast, what now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fpgacomp.devices.board import Board
from fpgacomp.results.agreement import Mismatch
from fpgacomp.results.estimate import Estimate, LayerEstimate
from fpgacomp.results.target import Target


@dataclass(frozen=True, kw_only=True)
class PeerEvidence:
    """What another toolchain's execution of the same design says.

    Args:
        name: what reports call it; `title` is how sentences call it.
        vectors: frames that it executed.
        mismatches: integers that differ from the oracle's; None where it executed nothing.
        files: how many files it wrote.
        notes: what could not be had and why, one sentence each.
    """

    name: str
    title: str
    vectors: int = 0
    mismatches: int | None = None
    files: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exactness:
    """Counts of integers compared; None means that this check was not run.

    Args:
        vectors: input samples compared.
        integers: integers compared per sample by C-simulation, over all layers.
        peers: what other toolchains' execution of the design says.
        ties: values within 2**-20 of a rounding border where network and oracle differ.
        top1_agreement_float32: share of samples whose argmax equals the network's
            under ONNX Runtime in float32; None where it cannot run there.
    """

    vectors: int
    csim_mismatches: int | None = None
    rtl_mismatches: int | None = None
    network_mismatches: int | None = None
    ties: int | None = None
    top1_agreement_float32: float | None = None
    integers: int = 0
    peers: tuple[PeerEvidence, ...] = ()
    first_csim_mismatch: Mismatch | None = None
    first_network_mismatch: Mismatch | None = None


@dataclass(frozen=True)
class Verdict:
    """Does it fit, what runs out first, and the cheapest ways out (computed)."""

    fits: bool
    limiting_resource: str | None
    remedies: tuple[str, ...] = ()
    shortfall: float | None = None  # how many times the budget the limiting resource needs


@dataclass(frozen=True)
class LayerReport:
    """One row of the layer table."""

    name: str
    kind: str
    shape: tuple[int, ...]
    weight_bits: int | None
    input_bits: int | None
    accumulator_bits: int | None
    folding: Mapping[str, Any]
    estimate: LayerEstimate
    exact: str  # "proved", "checked on N vectors", "not checked"


@dataclass(frozen=True)
class ModelFacts:
    """What came in."""

    name: str
    file: str
    sha256: str
    format: str  # qonnx, qcdq, finn, float, keras, ...
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    parameters: int
    macs: int


@dataclass(frozen=True)
class Report:
    """Everything the terminal, report.json and report.html show."""

    fpgacomp: str
    model: ModelFacts
    board: Board
    backend: str
    target: Target
    verdict: Verdict
    exactness: Exactness
    estimate: Estimate
    layers: tuple[LayerReport, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    software_before: tuple[str, ...] = ()
    software_after: tuple[str, ...] = ()
    accuracy: Mapping[str, float] | None = None
    timings_s: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()  # why this backend, io type and folding were chosen
    folder: str | None = None

    @property
    def status(self) -> Literal["ok", "failed"]:
        """ok: it fits and no check that ran found a mismatch."""
        wrong = (
            *(peer.mismatches for peer in self.exactness.peers),
            self.exactness.csim_mismatches,
            self.exactness.rtl_mismatches,
            self.exactness.network_mismatches,
        )
        return "ok" if self.verdict.fits and not any(wrong) else "failed"
