"""The hls4ml estimator: structure that must hold, and the errors the README states."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.devices.board import Board
from fpgacomp.devices.families import FAMILIES
from fpgacomp.devices.resources import counts
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.estimate.coefficients import load
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.hls4ml.timing import STREAM_RESOURCE_STEP
from fpgacomp.engines.shared.digits import signed_digits, typical_weights
from fpgacomp.engines.shared.terms import memory_bram18
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import (
    Conv,
    Dense,
    Input,
    Lookup,
    MaxPool,
    Requantize,
    Tensor,
    Thresholds,
)
from fpgacomp.ir.types import Ints, IntType

BOARD = Board(
    name="test", title="test", vendor="xilinx", part="xc7z020clg400-1", family="zynq-7000",
    device=FAMILIES["zynq-7000"],
    resources=counts(53200, 106400, 220, 280, 0), lutram=17400, shell=counts(),
    clock_mhz_default=100, clock_mhz_max=200, memory="", host="zynq-ps",
    sources=(), path=Path("test.yaml"),
)  # fmt: skip


def mlp(weights: np.ndarray, bits: int = 8) -> Graph:
    x = Input(name="x", output=Tensor("x", (weights.shape[0],), IntType.of_bits(bits, signed=True)))
    fc = with_output(
        Dense(name="fc", output=unknown_output("fc"), input=x.output, weight=Ints(weights))
    )
    act = with_output(
        Requantize(name="act", output=unknown_output("act"), input=fc.output, multiplier=Ints([5]),
                   offset=Ints([3]), shift=6, lo=0, hi=15)
    )  # fmt: skip
    return Graph("mlp", (x, fc, act), (act.output,))


def design(graph: Graph, io_type: IoType = "io_parallel", **fold: Hls4mlFolding) -> Hls4mlDesign:
    folding = {layer.name: fold.get(layer.name, Hls4mlFolding()) for layer in graph.layers}
    return Hls4mlDesign(graph=graph, board=BOARD, clock_mhz=100, io_type=io_type, folding=folding)


def random_weights(n_in: int, n_out: int, bits: int) -> np.ndarray:
    top = 1 << (bits - 1)
    return np.random.default_rng(1).integers(-top, top, (n_in, n_out))


def test_signed_digits() -> None:
    values = np.array([0, 1, -1, 2, 3, 7, 5, -11, 85, 64])
    assert signed_digits(values).tolist() == [0, 1, 1, 1, 2, 2, 2, 3, 4, 1]


def test_typical_weights_keep_their_zeros() -> None:
    weights = typical_weights(8, 4, 6, 20)
    assert np.count_nonzero(weights) == 20
    assert abs(weights).max() <= 16


@pytest.mark.parametrize(
    ("width", "depth", "blocks"),
    [(112 * 14, 384, 44), (64 * 12, 1024, 43), (36, 512, 1), (37, 512, 2), (9, 2048, 1)],
)
def test_block_ram_of_a_memory(width: int, depth: int, blocks: int) -> None:
    assert memory_bram18(width, depth) == blocks


def test_zero_and_power_of_two_weights_cost_less() -> None:
    weights = random_weights(32, 16, 4)
    full = estimate_hls4ml(design(mlp(weights))).layers["fc"]
    pruned = estimate_hls4ml(design(mlp(np.where(weights > 2, 0, weights)))).layers["fc"]
    powers = estimate_hls4ml(design(mlp(np.sign(weights) * 4))).layers["fc"]
    assert pruned.lut.value < full.lut.value
    assert powers.lut.value < full.lut.value


def test_resource_strategy_counts_multipliers_and_rom() -> None:
    graph = mlp(random_weights(64, 32, 8), bits=12)
    layer = estimate_hls4ml(design(graph, fc=Hls4mlFolding("resource", 32))).layers["fc"]
    assert layer.dsp.value == 64
    assert layer.interval.value == 32
    csynth = estimate_hls4ml(
        design(graph, fc=Hls4mlFolding("resource", 32)), stage="csynth"
    ).layers["fc"]
    assert csynth.bram18.value == memory_bram18(64 * 8, 32)


def test_weights_of_a_folded_layer_are_in_block_ram_or_in_luts() -> None:
    """Where the value has no block RAM, neither it nor the low is below 64 bits a LUT."""
    weights = random_weights(256, 512, 8)
    folded = Hls4mlFolding("resource", 256)
    layer = estimate_hls4ml(design(mlp(weights), fc=folded)).layers["fc"]
    assert layer.bram18.value == 0
    assert layer.lut.low >= 256 * 512 * 8 / 64
    whole = estimate_hls4ml(design(mlp(weights), fc=folded))
    assert whole.lut.low >= layer.lut.least  # no sum of ranges reaches below it
    pruned = weights * (np.random.default_rng(0).random(weights.shape) < 0.05)
    sparse = estimate_hls4ml(design(mlp(pruned), fc=folded)).layers["fc"].lut.least
    assert 0 < sparse < 0.2 * layer.lut.least
    declared = estimate_hls4ml(design(mlp(weights), fc=folded), stage="csynth").layers["fc"]
    assert declared.bram18.value > 0 and declared.lut.least == 0
    unrolled = random_weights(16, 16, 8)
    constants = estimate_hls4ml(design(mlp(unrolled), fc=Hls4mlFolding("latency", 1)))
    assert constants.lut.least == 0


def test_pipeline_and_dataflow_intervals() -> None:
    graph = mlp(random_weights(16, 8, 4))
    assert estimate_hls4ml(design(graph)).interval_cycles.value == 1
    folded = estimate_hls4ml(design(graph, fc=Hls4mlFolding("resource", 16)))
    assert folded.interval_cycles.value == 16
    assert folded.latency_cycles.value > 16


def test_stream_convolution_takes_its_input_pixels() -> None:
    x = Input(name="x", output=Tensor("x", (10, 10, 2), IntType.of_bits(4, signed=False)))
    weight = Ints(random_weights(18, 4, 4).reshape(3, 3, 2, 4))
    conv = with_output(
        Conv(name="conv", output=unknown_output("conv"), input=x.output, weight=weight,
             strides=(1, 1), dilations=(1, 1), pads=((1, 1), (1, 1)))
    )  # fmt: skip
    graph = Graph("cnn", (x, conv), (conv.output,))
    streamed = estimate_hls4ml(design(graph, "io_stream"))
    assert 3 * 144 <= streamed.interval_cycles.value <= 3 * 144 + 20
    # Parallel: one output position per cycle.
    assert estimate_hls4ml(design(graph)).layers["conv"].interval.value < 110
    folded = estimate_hls4ml(design(graph, "io_stream", conv=Hls4mlFolding("resource", 18)))
    assert folded.interval_cycles.value == 144 * (18 + STREAM_RESOURCE_STEP)


def test_stream_pool_takes_its_padded_positions() -> None:
    x = Input(name="x", output=Tensor("x", (7, 7, 3), IntType.of_bits(4, signed=False)))
    pool = with_output(
        MaxPool(name="pool", output=unknown_output("pool"), input=x.output, kernel=(3, 3),
                strides=(2, 2), pads=((1, 1), (1, 1)))
    )  # fmt: skip
    found = estimate_hls4ml(design(Graph("p", (x, pool), (pool.output,)), "io_stream"))
    assert 81 <= found.interval_cycles.value <= 81 + 8


@pytest.mark.parametrize("stage", ["csynth", "logic_synth"])
def test_figures_are_sane(stage: str) -> None:
    graph = mlp(random_weights(32, 16, 6))
    for io_type in ("io_parallel", "io_stream"):
        for folding in (Hls4mlFolding(), Hls4mlFolding("resource", 16)):
            found = estimate_hls4ml(design(graph, io_type, fc=folding), stage=stage)  # type: ignore[arg-type]
            assert found.stage == stage
            for name in ("latency_cycles", "interval_cycles", "lut", "ff", "dsp", "bram18"):
                figure = getattr(found, name)
                assert 0 <= figure.low <= figure.value <= figure.high
            assert found.lut.value >= sum(layer.lut.value for layer in found.layers.values())


@pytest.mark.slow
def test_importing_loads_neither_scipy_nor_pandas() -> None:
    code = (
        "import sys, fpgacomp.engines.hls4ml.estimate.design;"
        "import fpgacomp.engines.stream.estimate.design;"
        "print([m for m in ('scipy', 'pandas', 'onnx', 'hls4ml') if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def test_coefficients_are_complete() -> None:
    for stage in ("csynth", "logic_synth"):
        found = load(stage)  # type: ignore[arg-type]
        assert set(found.spread) >= {"latency", "resource", "conv", "activation", "cells"}
        assert all(
            low <= 1 <= high for kind in found.spread.values() for low, high in kind.values()
        )


def activation(kind: str, *shape: int, shared: bool = False) -> Graph:
    """One activation over 10-bit data, its parameters per channel or shared."""
    x = Input(name="x", output=Tensor("x", shape, IntType.of_bits(10, signed=True)))
    rows = 1 if shared else shape[-1]
    plain = {"name": "act", "output": unknown_output("act"), "input": x.output}
    rng = np.random.default_rng(0)
    layer: Thresholds | Requantize | Lookup
    if kind == "thresholds":
        table = np.sort(rng.integers(-500, 500, (rows, 7)), axis=1)
        layer = Thresholds(**plain, thresholds=Ints(table), base=Ints([0]), step=Ints([1]))
    elif kind == "requantize":
        multiplier, offset = rng.integers(64, 127, rows), rng.integers(0, 9, rows)
        layer = Requantize(**plain, multiplier=Ints(multiplier), offset=Ints(offset), shift=12,
                           lo=0, hi=15)  # fmt: skip
    else:
        layer = Lookup(**plain, table=Ints(rng.integers(0, 16, (rows, 1024))))
    made = with_output(layer)
    return Graph("a", (x, made), (made.output,))


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("kind", ["thresholds", "requantize", "lookup"])
def test_shared_lanes_take_less_and_longer(kind: str, shared: bool, io_type: IoType) -> None:
    graph = activation(kind, 256, shared=shared)
    found = [
        estimate_hls4ml(design(graph, io_type, act=Hls4mlFolding("latency", rf))).layers["act"]
        for rf in (1, 16, 256)
    ]
    area = [layer.lut.value + 30 * layer.dsp.value + 200 * layer.bram18.value for layer in found]
    assert area[0] > area[1] >= area[2]  # a table per channel is as large for one lane as for 16
    assert [layer.interval.value for layer in found] == [1, 16 + 3, 256 + 3]
    # The waiting elements cost registers and half a LUT per bit, however few lanes there are.
    assert found[2].lut.value > 256 * 10 / 2
    assert found[2].ff.value > found[0].ff.value


def test_shared_lanes_over_the_pixels_of_a_stream() -> None:
    graph = activation("thresholds", 5, 4, 16)
    for rf in (1, 2, 16):
        layer = estimate_hls4ml(design(graph, "io_stream", act=Hls4mlFolding("latency", rf)))
        assert layer.layers["act"].interval.value == 20 * rf + 3


def test_per_channel_parameters_of_shared_lanes_lie_in_memories() -> None:
    """Thresholds in LUT ROM, a long table in block RAM, multipliers as DSPs."""
    folding = Hls4mlFolding("latency", 64)
    for kind, own in (("thresholds", "lut"), ("requantize", "dsp"), ("lookup", "bram18")):
        one, many = (
            getattr(
                estimate_hls4ml(design(activation(kind, 256, shared=s), act=folding)).layers["act"],
                own,
            ).value
            for s in (True, False)
        )
        # A shared multiplier is a DSP block by the rule for constants, a per-channel one by that
        # for variables.
        assert many > one or (kind == "requantize" and many == one > 0)
