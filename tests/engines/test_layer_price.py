"""`fpgacomp.estimate_layer`: what decides a price, and that the compiler's own is the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fpgacomp
from fpgacomp.devices.read import load_board
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.errors import UsageError
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Dense, Input, Tensor
from fpgacomp.ir.types import Ints, IntType

PYNQ = load_board("pynq-z2")
price: Any = fpgacomp.estimate_layer


def dense(weights: np.ndarray, bits: int = 8) -> Graph:
    x = Input(name="x", output=Tensor("x", (weights.shape[0],), IntType(0, (1 << bits) - 1)))
    layer = with_output(
        Dense(name="fc", output=unknown_output("fc"), input=x.output, weight=Ints(weights))
    )
    return Graph("net", (x, layer), (layer.output,))


def weights(inputs: int = 32, outputs: int = 16, top: int = 31) -> np.ndarray:
    found = np.random.default_rng(0).integers(-top, top + 1, (inputs, outputs))
    found[0, :2] = (-top, top)
    return found


@pytest.mark.parametrize("strategy", ["latency", "resource"])
def test_an_hls4ml_layer_costs_what_the_compiler_says(strategy: str) -> None:
    graph, rf = dense(weights()), 1 if strategy == "latency" else 8
    folding = {"x": Hls4mlFolding(), "fc": Hls4mlFolding(strategy, rf)}  # type: ignore[arg-type]
    design = Hls4mlDesign(graph=graph, board=PYNQ, clock_mhz=100, io_type="io_parallel",
                          folding=folding)  # fmt: skip
    found = estimate_hls4ml(design).layers["fc"]
    alone = price("dense", inputs=32, outputs=16, input_bits=8, weight_bits=6,
                  accumulator_bits=graph.outputs[0].type.bits, weights=weights(),
                  strategy=strategy, reuse_factor=rf, clock_mhz=100, part=PYNQ.part)  # fmt: skip
    # The compiler adds the registers of the output array, nothing else.
    assert (alone.lut, alone.dsp, alone.cycles) == (found.lut, found.dsp, found.cycles)
    assert alone.bram18 == found.bram18 and alone.ff.value < found.ff.value


@pytest.mark.parametrize(("pe", "simd"), [(4, 8), (16, 32)])
def test_a_streaming_matrix_costs_what_the_compiler_says(pe: int, simd: int) -> None:
    graph = dense(weights())
    design = StreamDesign(graph=graph, board=PYNQ, clock_mhz=100,
                          folding={"fc": StreamFolding(pe, simd)})  # fmt: skip
    matrix = next(op for op in expand(design).operators if isinstance(op, MatrixVector))
    alone = price("matrix", inputs=32, outputs=16, input_bits=8, weight_bits=6, pe=pe, simd=simd,
                  accumulator_bits=matrix.output.type.bits, weights=weights())  # fmt: skip
    whole = estimate_stream(design).layers["fc"]
    assert 0 < alone.lut.value <= whole.lut.value
    assert alone.cycles.value == matrix.cycles


def test_zeros_cost_nothing_where_each_weight_has_its_product() -> None:
    full = weights()
    pruned = np.where(np.abs(full) < 12, 0, full)
    for kind, options in (("dense", {}), ("matrix", {"pe": 16, "simd": 32})):
        one, other = (
            price(kind, inputs=32, outputs=16, weight_bits=6, weights=w, **options)
            for w in (full, pruned)
        )
        assert other.lut.value < 0.8 * one.lut.value
        fewer = price(kind, inputs=32, outputs=16, weight_bits=6, nonzero=200, **options)
        assert (
            fewer.lut.value < price(kind, inputs=32, outputs=16, weight_bits=6, **options).lut.value
        )


def test_signed_digits_stand_for_the_weights() -> None:
    few, many = (
        price("dense", inputs=32, outputs=16, weight_bits=6, nonzero=500, signed_digits=digits)
        for digits in (500, 1500)
    )
    assert few.lut.value < many.lut.value


def test_a_constant_takes_a_dsp_block_by_its_own_bits() -> None:
    """Three signed digits, and 18 bits together with the input (facts: cause 3)."""
    ones = np.ones((8, 4), dtype=np.int64)
    for value, input_bits, blocks in ((21, 16, 8), (21, 11, 0), (17, 16, 0), (85, 10, 8)):
        found = price("dense", inputs=8, outputs=4, input_bits=input_bits, weight_bits=8,
                      weights=value * ones)  # fmt: skip
        # Four equal constants of an input are one product.
        assert found.dsp.value == blocks, (value, input_bits)


def test_the_tool_and_the_kernel_decide_the_cycles_of_a_convolution() -> None:
    old, new = (
        price("conv", inputs=1, outputs=4, image=(28, 28), kernel=(5, 5), weight_bits=4, tool=tool)
        for tool in ("2020.1", "2024.1")
    )
    assert 784 <= old.cycles.value < 1.14 * 784 and 3 * 784 <= new.cycles.value < 3.1 * 784
    shared = price("conv", inputs=4, outputs=4, image=(10, 10), kernel=(3, 3), weight_bits=8,
                   strategy="resource", reuse_factor=36)  # fmt: skip
    assert 100 * (36 + 4) <= shared.cycles.value <= 100 * (36 + 11)


def test_both_late_stages_are_predicted_alike_and_csynth_is_not() -> None:
    found = {
        stage: price("dense", inputs=64, outputs=32, stage=stage).lut.value
        for stage in ("csynth", "logic_synth", "implementation")
    }
    assert found["logic_synth"] == found["implementation"] < found["csynth"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "lstm"}, "kind 'lstm'"),
        ({"kind": "dense", "stage": "later"}, "stage 'later'"),
        ({"kind": "dense", "outputs": 0}, "outputs 0"),
        ({"kind": "dense", "reuse_factor": -3}, "reuse_factor -3"),
        ({"kind": "matrix", "simd": 3}, "do not divide"),
        ({"kind": "dense", "part": "z80"}, "part 'z80'"),
        ({"kind": "dense", "weights": [0.5, 1.5]}, "array of integers"),
        ({"kind": "dense", "nonzero": 10**9}, "nonzero 1000000000"),
        ({"kind": "dense", "clock_mhz": 0.0}, "clock_mhz"),
        ({"kind": "conv", "inputs": 1 << 24, "kernel": (1 << 10, 9)}, "more than"),
        ({"kind": "conv", "kernel": (0, 3)}, "kernel 0"),
    ],
)
def test_what_no_layer_has_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("(", r"\(")):
        price(**({"inputs": 32, "outputs": 16} | arguments))
