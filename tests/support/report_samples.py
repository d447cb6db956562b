"""Hand-made reports: one that fits, one that does not, one that is wrong, one with many layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fpgacomp.devices.board import Board
from fpgacomp.devices.families import FAMILIES
from fpgacomp.devices.resources import Resources, counts
from fpgacomp.results.agreement import Agreement, Mismatch
from fpgacomp.results.distribution import Confusion, Histogram
from fpgacomp.results.estimate import Estimate, Figure, LayerEstimate
from fpgacomp.results.measured import FifoUse, Measured
from fpgacomp.results.report import (
    Exactness,
    Float32Agreement,
    LayerReport,
    LevelEvidence,
    ModelFacts,
    PeerEvidence,
    Report,
    Verdict,
)
from fpgacomp.results.target import Target
from tests.support.paths import REPOSITORY

# Every report names the companions that are known, whether they ran or not.
FINN = (PeerEvidence(name="finn", title="FINN"),)
GOLDEN = REPOSITORY / "tests" / "report" / "golden"

BOARD = Board(
    name="pynq-z2",
    title="TUL PYNQ-Z2",
    vendor="xilinx",
    part="xc7z020clg400-1",
    family="zynq-7000",
    device=FAMILIES["zynq-7000"],
    resources=counts(53_200, 106_400, 220, 280, 0),
    lutram=17_400,
    shell=counts(5_000, 7_000, 0, 6, 0),
    clock_mhz_default=100,
    clock_mhz_max=250,
    memory="512 MB DDR3",
    host="zynq-ps",
    sources=("DS190 table 1",),
    path=Path("boards/pynq-z2.yaml"),
)


def around(value: float, low: float = 0.8, high: float = 1.25) -> Figure:
    return Figure(value, round(value * low), round(value * high))


def with_figures(report: Report, **figures: Figure) -> Report:
    """The report with other figures for the resources named."""
    resources = replace(report.estimate.resources, **figures)
    return replace(report, estimate=replace(report.estimate, resources=resources))


# Counts of the integers -7..7.
BELL = (2, 5, 9, 20, 35, 60, 80, 90, 82, 57, 33, 22, 8, 6, 1)


def layer(
    name: str,
    kind: str,
    shape: tuple[int, ...],
    *,
    bits: tuple[int | None, int | None, int | None] = (4, 4, 12),
    cycles: float = 64,
    interval: float = 64,
    lut: float = 1_000,
    dsp: float = 0,
    bram18: float = 0,
    exact: str = "checked on 1,000 vectors",
    start: float | None = None,
    after: tuple[str, ...] = (),
) -> LayerReport:
    return LayerReport(
        name=name,
        kind=kind,
        shape=shape,
        weight_bits=bits[0],
        input_bits=bits[1],
        accumulator_bits=bits[2],
        folding={"strategy": "resource", "reuse_factor": 8} if kind in ("Conv", "Dense") else {},
        estimate=LayerEstimate(
            cycles=Figure.exact(cycles),
            interval=Figure.exact(interval),
            resources=Resources(
                lut=around(lut),
                ff=around(lut * 1.5),
                dsp=Figure.exact(dsp),
                bram18=Figure.exact(bram18),
                uram=Figure.exact(0),
            ),
            start=start,
        ),
        exact=exact,
        inputs=after,
        output_type="uint4[0..15]",
        fifo_depth=32 if kind == "Requantize" else 2,
        weights=Histogram(-7, 1, BELL, zeros=90) if kind in ("Conv", "Dense") else None,
        activations=Histogram(0, 1, BELL, zeros=2),
    )


LAYERS = (
    layer("x", "Input", (8, 8, 1), bits=(None, 4, None), cycles=0, interval=64, lut=0, start=0),
    layer(
        "conv1",
        "Conv",
        (8, 8, 16),
        cycles=210,
        interval=128,
        lut=4_200,
        dsp=9,
        bram18=2,
        start=0,
        after=("x",),
    ),
    layer(
        "act1",
        "Requantize",
        (8, 8, 16),
        bits=(None, 12, None),
        lut=900,
        exact="proved; C++ checked on 1000 vectors",
        start=150,
        after=("conv1",),
    ),
    layer(
        "pool1", "MaxPool", (4, 4, 16), bits=(None, 4, None), lut=350, start=214, after=("act1",)
    ),
    layer(
        "conv2",
        "Conv",
        (4, 4, 32),
        cycles=330,
        interval=256,
        lut=9_800,
        dsp=48,
        bram18=8,
        start=278,
        after=("pool1",),
    ),
    layer(
        "act2",
        "Thresholds",
        (4, 4, 32),
        bits=(None, 14, None),
        lut=2_600,
        exact="proved",
        start=600,
        after=("conv2",),
    ),
    layer(
        "fc",
        "Dense",
        (10,),
        cycles=75,
        interval=64,
        lut=3_100,
        dsp=20,
        bram18=12,
        start=700,
        after=("act2",),
    ),
)


def fits() -> Report:
    return Report(
        fpgacomp="0.1.0",
        model=ModelFacts(
            name="digits_cnn",
            file="digits_cnn.onnx",
            sha256="5f" * 32,
            format="qonnx",
            inputs={"image": (1, 1, 8, 8)},
            outputs={"logits": (1, 10)},
            parameters=9_930,
            macs=90_112,
        ),
        board=BOARD,
        backend="hls4ml",
        target=Target("throughput", fps=100_000),
        verdict=Verdict(fits=True, limiting_resource="lut"),
        exactness=Exactness(
            peers=FINN,
            vectors=1_000,
            csim_mismatches=0,
            network_mismatches=0,
            ties=2,
            top1_agreement_float32=0.9996,
            float32=Float32Agreement(
                10_000,
                12,
                1_000,
                9,
                0.9996,
                "act1",
                integers=14,
                on_border=14,
                explained_samples=9,
            ),
            integers=5_194,
        ),
        estimate=Estimate(
            stage="logic_synth",
            clock_mhz=100,
            latency_cycles=Figure(812, 790, 870),
            interval_cycles=Figure.exact(256),
            resources=Resources(
                lut=around(22_400),
                ff=around(31_000),
                dsp=Figure(77, 77, 90),
                bram18=Figure(24, 22, 28),
                uram=Figure.exact(0),
            ),
            layers={each.name: each.estimate for each in LAYERS},
        ),
        layers=LAYERS,
        options={"io_type": "io_stream", "vectors": 1_000, "inputs": None},
        software_before=("Div",),
        software_after=("Mul", "Softmax"),
        accuracy={"float32": 0.9722, "hardware": 0.9722, "samples": 360},
        timings_s={"lower": 0.21, "csim": 4.8},
        warnings=("2 values of 5,194,000 lie on a rounding border: see ties.",),
        reasons=(
            "io_stream: io_parallel would need 2.6 times the LUTs of the board.",
            "reuse 8 on conv2: the smallest that keeps 100,000 frames/s.",
        ),
        folder="build/digits",
        confusion=Confusion(
            tuple(
                tuple(34 if row == column else row % 2 * (column == 3) for column in range(10))
                for row in range(10)
            )
        ),
    )


def does_not_fit() -> Report:
    big = with_figures(fits(), lut=Figure(110_860, 95_000, 130_000), dsp=Figure(400, 400, 400))
    remedies = (
        "4-bit instead of 8-bit weights in conv2: about 41,000 LUT.",
        "--board zcu104: 50 % of its LUTs.",
        "--fps 20,000 instead of 100,000: about 46,500 LUT.",
    )
    return replace(
        big,
        verdict=Verdict(False, "lut", remedies, shortfall=2.3),
        exactness=Exactness(vectors=0, peers=FINN),
        accuracy=None,
        confusion=None,
        warnings=(),
        reasons=(),
        folder=None,
        software_before=(),
        software_after=(),
    )


def is_wrong() -> Report:
    right = fits()
    wrong = replace(
        right.exactness,
        csim_mismatches=17,
        first_csim_mismatch=Mismatch("conv2", 3, (0, 2, 31), expected=-5, got=11),
    )
    return replace(right, exactness=wrong)


def many_layers(number: int = 40) -> Report:
    layers = tuple(
        layer(
            f"layer{place}",
            "Conv",
            (8, 8, 8),
            cycles=10 + place,
            lut=100 * (place % 7 + 1),
            start=8 * place,
            after=(f"layer{place - 1}",) if place else (),
        )
        for place in range(number)
    )
    warnings = tuple(f"warning number {place} " + "of many words " * 9 for place in range(30))
    return replace(fits(), layers=layers, warnings=warnings)


def rtl(mismatches: int) -> tuple[LevelEvidence, ...]:
    """An RTL simulation of 4 vectors of 100 integers that found so many mismatches."""
    first = Mismatch("act1", 0, (3,), 1, 2) if mismatches else None
    found = Agreement(4, 100, mismatches, first, {"act1": mismatches} if mismatches else {})
    measured = Measured(4, 204, 100, {"fifo": FifoUse(2, 40, 2, 0, 1)})
    title = "RTL simulation"
    return (LevelEvidence(level="rtl", title=title, agreement=found, measured=measured),)
