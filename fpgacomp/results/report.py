"""The report of one run: what was compiled, whether it fits and is exact, and how fast it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from fpgacomp.devices.board import Board
from fpgacomp.results.agreement import Agreement, Mismatch
from fpgacomp.results.area import MeasuredArea
from fpgacomp.results.certainty import Certainty, certainty_of
from fpgacomp.results.distribution import Confusion, Histogram
from fpgacomp.results.estimate import Estimate, LayerEstimate, PredictedFigures
from fpgacomp.results.measured import Measured
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


@dataclass(frozen=True, kw_only=True)
class LevelEvidence:
    """What a simulation of the emitted design beyond its C-simulation found.

    Args:
        level: what ran: hls is the C++ as a vendor's tool reads it, rtl the SystemVerilog.
        title: how sentences call it.
        agreement: its integers against the integer graph's; None where it did not run.
        measured: cycles and FIFOs, of a simulation of hardware that ran.
        note: why it did not run and what runs it, in sentences; "" where it ran.
    """

    level: str
    title: str
    agreement: Agreement | None = None
    measured: Measured | None = None
    note: str = ""

    @property
    def mismatches(self) -> int | None:
        """Integers that differ; None where it did not run."""
        return None if self.agreement is None else self.agreement.mismatches


@dataclass(frozen=True)
class Float32Agreement:
    """How far the design's answers are those of a network in float32, as its framework computes.

    The network is the one that was handed in. Where fpgacomp itself put quantizers in, that is
    another network than the one that was built, and `quantized` compares the latter.

    Args:
        values: output values that were compared, over all outputs and samples.
        differ: how many of them differ by more than float32's own rounding of sums.
        samples: samples that were compared.
        samples_differ: how many of them have an output value that differs.
        top1: share of samples, 0..1, whose largest output is the same; None where an output has
            one value.
        tensor: the first tensor that a quantizer rounds otherwise in float32 than in float64;
            None where no quantizer does, or nothing differs.
        integers: how many integers of quantized tensors differ between float32 and float64.
        on_border: how many of those of `tensor` lie within 2**-20 of a rounding border.
        explained_samples: samples that differ in which `integers` and `on_border` were counted.
        largest_difference: between two output values that were compared.
        quantized_here: whether fpgacomp put quantizers in; the difference is then the cost of
            quantization, and nothing is said of `tensor` and the counts behind it.
        quantized: the same comparison with the quantized network in float32; None where fpgacomp
            put no quantizers in, or the quantized network cannot run in float32.
    """

    values: int
    differ: int
    samples: int
    samples_differ: int
    top1: float | None = None
    tensor: str | None = None
    integers: int = 0
    on_border: int = 0
    explained_samples: int = 0
    largest_difference: float = 0.0
    quantized_here: bool = False
    quantized: Float32Agreement | None = None

    @property
    def reason(self) -> str:
        """Why values differ, in one sentence; "" where none does."""
        if not self.differ:
            return ""
        if self.quantized_here:
            return (
                "fpgacomp quantized what was float in the network that was handed in, which moves "
                f"its outputs by up to {self.largest_difference:.2g}: the cost of quantization."
            )
        if self.tensor is None:
            return "no quantizer rounds otherwise; float32 sums behind the last integer differ."
        return (
            f"float32 sums put {self.integers:,} integers beyond a rounding border, first in "
            f"{self.tensor}."
        )


@dataclass(frozen=True)
class Exactness:
    """Counts of integers that were compared and differ; None where a check was not run.

    Args:
        vectors: input samples that were compared.
        csim_mismatches: integers of the C-simulation that are not the integer graph's.
        network_mismatches: integers of the integer graph that are not the network's in float64.
        ties: values within 2**-20 of a rounding border where network and integer graph differ.
        top1_agreement_float32: share of samples, 0..1, whose largest output is the same as the
            network's under ONNX Runtime in float32; None where it cannot run there.
        integers: integers that the C-simulation gives for one sample, over all layers.
        peers: what other toolchains' execution of the design says.
        further: what simulations beyond the C-simulation found, whether they ran or not.
        first_csim_mismatch: the first integer of the C-simulation that differs.
        first_network_mismatch: the first integer that is not the network's.
        float32: how far the answers are the network's own in float32; None where it cannot run.
    """

    vectors: int
    csim_mismatches: int | None = None
    network_mismatches: int | None = None
    ties: int | None = None
    top1_agreement_float32: float | None = None
    integers: int = 0
    peers: tuple[PeerEvidence, ...] = ()
    further: tuple[LevelEvidence, ...] = ()
    first_csim_mismatch: Mismatch | None = None
    first_network_mismatch: Mismatch | None = None
    float32: Float32Agreement | None = None

    def level_mismatches(self, level: str) -> int | None:
        """Integers of a further simulation that differ; None where it did not run."""
        return next((found.mismatches for found in self.further if found.level == level), None)

    @property
    def rtl_mismatches(self) -> int | None:
        """Integers of the RTL simulation that are not the integer graph's; None: it did not run."""
        return self.level_mismatches("rtl")

    @property
    def hls_mismatches(self) -> int | None:
        """Integers of the C++ as it is synthesized that differ; None: it did not run."""
        return self.level_mismatches("hls")

    @property
    def measured(self) -> Mapping[str, Measured]:
        """Level -> the cycles and FIFOs that its simulation measured."""
        return {x.level: x.measured for x in self.further if x.measured is not None}

    @property
    def mismatches(self) -> int:
        """Integers that differ, over all checks that were run."""
        found = (
            *(peer.mismatches for peer in self.peers),
            *(found.mismatches for found in self.further),
            self.csim_mismatches,
            self.network_mismatches,
        )
        return sum(number or 0 for number in found)

    @property
    def summary(self) -> str:
        """What the checks found, in a few words."""
        if self.mismatches:
            return f"NOT EXACT: {self.mismatches:,} mismatches"
        runs = {
            "C-simulation": self.csim_mismatches,
            "integer graph": self.network_mismatches,
        }
        exact = [name for name, found in runs.items() if found is not None]
        if not exact:
            return "not simulated"
        return f"{' and '.join(exact)} exact on {self.vectors:,} vectors"


@dataclass(frozen=True)
class Verdict:
    """Whether a design fits the board and keeps its bounds, and what to do if it does not.

    Args:
        fits: whether it does both.
        limiting_resource: the one of RESOURCE_FIELDS that runs out first; None where it is time.
        remedies: ways out in sentences, the cheapest first, each computed for this network.
        shortfall: how many times its budget the limiting resource (or the bound) is missed by.
    """

    fits: bool
    limiting_resource: str | None
    remedies: tuple[str, ...] = ()
    shortfall: float | None = None


@dataclass(frozen=True)
class LayerReport:
    """One row of the layer table.

    Args:
        name, kind: of the layer in the integer graph.
        shape: of its output, without the batch.
        weight_bits, input_bits, accumulator_bits: widths in bits; None where it has no such.
        folding: what the engine chose for it, by name.
        estimate: its share of the design.
        exact: "proved", "checked on N vectors" or "not checked", as the report prints it.
        inputs: names of the layers that it reads.
        output_type: range of the integers that it writes, such as uint4[0..15].
        fifo_depth: words of the FIFO behind it; None where the design has none there.
        weights: its weights; None where it has none.
        activations: the integers that it gave for the vectors; None where none were run.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    weight_bits: int | None
    input_bits: int | None
    accumulator_bits: int | None
    folding: Mapping[str, object]
    estimate: LayerEstimate
    exact: str
    inputs: tuple[str, ...] = ()
    output_type: str = ""
    fifo_depth: int | None = None
    weights: Histogram | None = None
    activations: Histogram | None = None


@dataclass(frozen=True)
class ModelFacts:
    """The network that came in.

    Args:
        format: qonnx, qcdq, finn, float or keras.
        inputs, outputs: name -> shape, without the batch.
        parameters: weights and biases.
        macs: multiply-accumulates for one sample.
        quantized_here: whether fpgacomp put in quantizers, by --calibration or --input-bits.
    """

    name: str
    file: str
    sha256: str
    format: str
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    parameters: int
    macs: int
    quantized_here: bool = False


@dataclass(frozen=True, repr=False)
class Report:
    """Everything that the terminal, report.json and report.html show of one run.

    Args:
        fpgacomp: the version that made it.
        model: the network that came in.
        board: the board that it was compiled for.
        backend: the code generator.
        target: the goal of the folding and its bounds.
        verdict: whether the design fits the board and its bounds.
        exactness: which integers were compared, and how many differ.
        estimate: what the design is predicted to take, and how fast it is.
        layers: one row for each layer that the hardware builds.
        options: what was asked for, by name.
        software_before, software_after: operators that run on the host's processor before and
            after the hardware.
        accuracy: figure by name; None where no labels were given.
        confusion: which classes were taken for which; None where no labels of classes were given.
        task: what the network was asked to tell, as text: `task` (its kind), `task_found` (in
            words), `metric` (the name of the figure in `accuracy` that counts most); empty where
            no labels were given.
        timings_s: seconds of each step.
        warnings: what the user should know, in sentences.
        reasons: why this backend, interface and folding were chosen, in sentences.
        area: what Yosys made of the design's instances; None where it was not asked.
        predictions: figures beside the estimate: of the design's other source, or by other tools.
        folder: the build directory, or where the evidence of a failure lies (DIR.failed); None
            where nothing was written.
    """

    fpgacomp: str
    model: ModelFacts
    board: Board
    backend: str
    target: Target
    verdict: Verdict
    exactness: Exactness
    estimate: Estimate
    layers: tuple[LayerReport, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    software_before: tuple[str, ...] = ()
    software_after: tuple[str, ...] = ()
    accuracy: Mapping[str, float] | None = None
    timings_s: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    folder: str | None = None
    confusion: Confusion | None = None
    task: Mapping[str, str] = field(default_factory=dict)
    area: MeasuredArea | None = None
    predictions: tuple[PredictedFigures, ...] = ()

    @property
    def status(self) -> Literal["ok", "failed"]:
        """ok where the design fits and no check that ran found a mismatch."""
        return "ok" if self.verdict.fits and not self.exactness.mismatches else "failed"

    @property
    def certainty(self) -> Certainty | None:
        """How sure it is that the design fits; None where its verdict says that it does not."""
        if not self.verdict.fits:
            return None
        return certainty_of(self.estimate, self.board.budget)

    @property
    def certain(self) -> bool:
        """Whether the design fits even where it takes the high end of every estimate."""
        return self.certainty == "certain"

    @property
    def _fits(self) -> str:
        """The verdict in words, as the headline says it."""
        if self.certainty is None:
            return "does not fit"
        return {"certain": "fits", "probable": "probably fits", "doubtful": "may not fit"}[
            self.certainty
        ]

    def __repr__(self) -> str:
        """One line: verdict, board, backend, LUTs, latency, exactness."""
        return (
            f"<Report: {self.model.name} {self._fits} {self.board.name}, {self.backend}, "
            f"{self.estimate.lut.value:,.0f} LUT, {self.estimate.latency_us:,.4g} us, "
            f"{self.exactness.summary}>"
        )

    def _repr_html_(self) -> str:
        """A small table that a notebook shows in place of `repr`; every value is escaped."""
        rows = (f"<tr><th>{escape(key)}</th><td>{escape(text)}</td></tr>"
                for key, text in self._rows())  # fmt: skip
        title = f"{self.model.name} on {self.board.title}"
        return f"<table><caption>{escape(title)}</caption>{''.join(rows)}</table>"

    def _rows(self) -> Iterator[tuple[str, str]]:
        """(heading, text) of each row of the notebook's table."""
        estimate, limit = self.estimate, self.verdict.limiting_resource
        short = f": {limit.upper()} runs out" if limit else ": no design keeps the bounds"
        yield "verdict", self._fits if self.verdict.fits else f"{self._fits}{short}"
        yield from (("remedy", text) for text in self.verdict.remedies)
        yield "backend", f"{self.backend} at {estimate.clock_mhz:g} MHz"
        yield "latency", f"{estimate.latency_us:,.4g} us"
        if estimate.interval_cycles.value > 0:
            yield "rate", f"{estimate.frames_per_second:,.0f} frames per second"
        budget = self.board.budget
        for (name, figure), available in zip(estimate.resources.items(), budget, strict=True):
            if available or figure.high:
                between = f"{figure.low:,.0f}..{figure.high:,.0f}"
                yield name.upper(), f"{figure.value:,.0f} ({between}) of {available:,.0f}"
        yield "exactness", self.exactness.summary
        yield from (("warning", text) for text in self.warnings)
        if self.folder:
            yield "folder" if self.status == "ok" else "evidence in", self.folder
