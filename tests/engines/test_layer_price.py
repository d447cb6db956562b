"""`fpgacomp.estimate_layer`: what decides a price, and that the compiler's own is the same."""

from __future__ import annotations

import inspect
from math import isfinite
from typing import Any, get_args

import numpy as np
import pytest

import fpgacomp
from fpgacomp.devices.read import load_board
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.estimate import coefficients as hls4ml
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.layer_spec import LayerKind
from fpgacomp.engines.shared.terms import Strategy
from fpgacomp.engines.stream.design import Arithmetic, Memory, StreamDesign, StreamFolding
from fpgacomp.engines.stream.estimate import coefficients as stream
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.errors import UsageError
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Conv, Dense, Input, Tensor
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.results.estimate import LayerEstimate
from tests.support.builders import GraphBuilder

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


def conv(kernel: np.ndarray) -> Graph:
    x = Input(name="x", output=Tensor("x", (10, 12, kernel.shape[2]), IntType(0, 255)))
    layer = with_output(
        Conv(name="fc", output=unknown_output("fc"), input=x.output, weight=Ints(kernel),
             strides=(1, 1), dilations=(1, 1), pads=((0, 0), (0, 0)))
    )  # fmt: skip
    return Graph("net", (x, layer), (layer.output,))


def compiled(graph: Graph, strategy: Strategy, rf: int, io_type: IoType) -> LayerEstimate:
    """What the compiler says of layer fc in this form."""
    folding = {"x": Hls4mlFolding(), "fc": Hls4mlFolding(strategy, rf)}
    design = Hls4mlDesign(graph=graph, board=PYNQ, clock_mhz=100, io_type=io_type, folding=folding)
    return estimate_hls4ml(design).layers["fc"]


FORMS: tuple[tuple[Strategy, int], ...] = (
    ("latency", 1), ("latency", 4), ("resource", 8), ("resource", 1)
)  # fmt: skip


@pytest.mark.parametrize(("strategy", "rf"), FORMS)
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_a_dense_costs_what_the_compiler_says(strategy: Strategy, rf: int, io_type: IoType) -> None:
    graph = dense(weights())
    found = compiled(graph, strategy, rf, io_type)
    acc = graph.outputs[0].type.bits
    alone = price("dense", inputs=32, outputs=16, input_bits=8, weight_bits=6,
                  accumulator_bits=acc, weights=weights(), strategy=strategy, reuse_factor=rf,
                  streamed=io_type == "io_stream", clock_mhz=100, part=PYNQ.part)  # fmt: skip
    assert (alone.lut, alone.dsp, alone.bram18) == (found.lut, found.dsp, found.bram18)
    assert (alone.cycles, alone.interval) == (found.cycles, found.interval)
    # The compiler adds registers, nothing else: of the output array, or of the gathered vector.
    registers = 16 * acc if io_type == "io_parallel" else 32 * 8
    cost = hls4ml.load("logic_synth").cost["ff"]["register"]
    assert found.ff.value == pytest.approx(alone.ff.value + registers * cost)


@pytest.mark.parametrize(("strategy", "rf"), [("latency", 1), ("resource", 36)])
def test_a_convolution_costs_what_the_compiler_says(strategy: Strategy, rf: int) -> None:
    kernel = np.random.default_rng(0).integers(-31, 32, (3, 3, 4, 8))
    kernel.flat[:2] = (-31, 31)
    graph = conv(kernel)
    for given in (kernel, kernel.reshape(36, 8)):
        alone = price("conv", inputs=4, outputs=8, weight_bits=6, image=(10, 12), kernel=(3, 3),
                      accumulator_bits=graph.outputs[0].type.bits, weights=given,
                      strategy=strategy, reuse_factor=rf, clock_mhz=100,
                      part=PYNQ.part)  # fmt: skip
        found = compiled(graph, strategy, rf, "io_stream")
        assert alone.resources == found.resources
        assert (alone.cycles, alone.interval) == (found.cycles, found.interval)


@pytest.mark.parametrize(("pe", "simd"), [(4, 8), (16, 32)])
@pytest.mark.parametrize(
    ("memory", "arithmetic"), [("auto", "lut"), ("bram", "lut"), ("auto", "dsp")]
)
def test_a_streaming_matrix_costs_what_the_compiler_says(
    pe: int, simd: int, memory: Memory, arithmetic: Arithmetic
) -> None:
    graph = dense(weights())
    folding = {"fc": StreamFolding(pe, simd, memory, arithmetic)}
    design = StreamDesign(graph=graph, board=PYNQ, clock_mhz=100, folding=folding)
    matrix = next(op for op in expand(design).operators if isinstance(op, MatrixVector))
    alone = price("matrix", inputs=32, outputs=16, input_bits=8, weight_bits=6, pe=pe, simd=simd,
                  memory=memory, arithmetic=arithmetic, part=PYNQ.part,
                  accumulator_bits=matrix.output.type.bits, weights=weights())  # fmt: skip
    own = matrix.terms(PYNQ.device.wide_port_bits)
    assert alone.resources == stream.load().priced(own, "matrix")
    assert alone.cycles.value == matrix.cycles
    # The layer is the matrix and the converters of words around it.
    assert alone.lut.value <= estimate_stream(design).layers["fc"].lut.value


@pytest.mark.parametrize("memory", get_args(Memory))
@pytest.mark.parametrize(("count", "pe"), [(1, 4), (3, 16), (15, 4), (255, 2)])
def test_thresholds_cost_what_the_compiler_says(memory: Memory, count: int, pe: int) -> None:
    made = GraphBuilder()
    out = made.thresholds("act", made.input("x", (5, 5, 16), -2000, 2000), count=count)
    graph = made.graph(out)
    folding = {"act": StreamFolding(pe, memory=memory)}
    design = StreamDesign(graph=graph, board=PYNQ, clock_mhz=100, folding=folding)
    (act,) = [op for op in expand(design).operators if isinstance(op, Activate)]
    alone = price("thresholds", inputs=16, input_bits=act.input.type.bits, pe=pe, depth=count,
                  memory=memory, image=(5, 5), part=PYNQ.part)  # fmt: skip
    priced = stream.load().priced(act.terms(PYNQ.device.wide_port_bits), "thresholds")
    assert alone.resources == priced and alone.cycles.value == act.cycles


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


ONES = np.ones((32, 16), dtype=np.int64)
SMALL = {"inputs": 3, "outputs": 4}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "lstm"}, "kind 'lstm'"),
    ({"kind": None}, "kind None"),
    ({"kind": "dense", "stage": "later"}, "stage 'later'"),
    ({"kind": "dense", "outputs": 0}, "outputs 0"),
    ({"kind": "dense", "inputs": 16.0}, "inputs 16.0"),
    ({"kind": "dense", "inputs": "16"}, "inputs '16'"),
    ({"kind": "dense", "inputs": True}, "inputs True"),
    ({"kind": "dense", "inputs": np.array(16)}, r"inputs array\(16\)"),
    ({"kind": "dense", "reuse_factor": -3}, "reuse_factor -3"),
    ({"kind": "dense", "reuse_factor": 513}, r"reuse_factor 513: is not within 1..512"),
    ({"kind": "dense", **SMALL, "strategy": "resource", "reuse_factor": 4},
     "reuse_factor 4: is none that hls4ml keeps for 3 x 4 weights. Fix: use 3 or 6"),
    ({"kind": "dense", "inputs": 512, "outputs": 512, "strategy": "resource",
      "reuse_factor": 1 << 16}, "reuse_factor 65536: is none .* use 8192 or 16384"),
    ({"kind": "dense", "strategy": "lut"}, "strategy 'lut'"),
    ({"kind": "dense", "streamed": 1}, "streamed 1"),
    ({"kind": "matrix", "memory": "flash"}, "memory 'flash'"),
    ({"kind": "matrix", "arithmetic": "fpu"}, "arithmetic 'fpu'"),
    ({"kind": "matrix", "arithmetic": "dsp", "part": "ice40hx8k"}, "arithmetic 'dsp'.*lacks"),
    ({"kind": "matrix", "simd": 3}, "simd 3: does not divide inputs 32"),
    ({"kind": "matrix", "pe": 5}, "pe 5: does not divide outputs 16"),
    ({"kind": "thresholds", "pe": 5}, "pe 5: does not divide inputs 32"),
    ({"kind": "window", "simd": 300, "image": (8, 8), "kernel": (3, 3)}, "simd 300"),
    ({"kind": "dense", "part": "z80"}, "part 'z80'"),
    ({"kind": "dense", "part": None}, "part None"),
    ({"kind": "dense", "tool": None}, "tool None"),
    ({"kind": "dense", "tool": "abc"}, "tool 'abc'"),
    ({"kind": "dense", "tool": "2022"}, "tool '2022'"),
    ({"kind": "dense", "tool": "Quartus 21.1"}, "tool 'Quartus 21.1'"),
    ({"kind": "dense", "clock_mhz": 0.0}, "clock_mhz 0.0"),
    ({"kind": "dense", "clock_mhz": "200"}, "clock_mhz '200'"),
    ({"kind": "dense", "clock_mhz": float("nan")}, "clock_mhz nan"),
    ({"kind": "dense", "weight_bits": 65}, "weight_bits 65"),
    ({"kind": "dense", "input_bits": 1 << 24}, "input_bits 16777216"),
    ({"kind": "window", "input_bits": 1 << 24}, "input_bits 16777216"),
    ({"kind": "dense", "accumulator_bits": 0}, "accumulator_bits 0"),
    ({"kind": "fifo", "input_bits": (1 << 24) + 1}, "input_bits 16777217"),
    ({"kind": "dense", "nonzero": 10**9}, "nonzero 1000000000"),
    ({"kind": "dense", "nonzero": 7.5}, "nonzero 7.5"),
    ({"kind": "dense", "signed_digits": float("nan")}, "signed_digits nan"),
    ({"kind": "dense", "signed_digits": float("inf")}, "signed_digits inf"),
    ({"kind": "dense", "signed_digits": -1}, "signed_digits -1"),
    ({"kind": "dense", "signed_digits": 512 * 5 + 1}, "signed_digits 2561"),
    ({"kind": "dense", "nonzero": 9, "signed_digits": 8}, "signed_digits 8"),
    ({"kind": "dense", "nonzero": 9, "weights": ONES}, "nonzero: is given beside the weights"),
    ({"kind": "fifo", "weights": ONES}, "weights: is given for fifo"),
    ({"kind": "dense", "weights": [0.5, 1.5]}, r"weights: have shape \(2,\)"),
    ({"kind": "dense", "weights": ONES * 0.5}, "no array of integers, but of float64"),
    ({"kind": "dense", "weights": ONES > 0}, "no array of integers, but of bool"),
    ({"kind": "dense", "weights": [[1, 2], [3]]}, "no rectangular array"),
    ({"kind": "dense", "weights": []}, "have shape"),
    ({"kind": "dense", "weights": ONES.T}, r"have shape \(16, 32\)"),
    ({"kind": "conv", "image": (8, 8), "kernel": (3, 3), "weights": ONES}, "have shape"),
    ({"kind": "dense", "weight_bits": 7, "weights": -128 * ONES}, "-128 to -128, which 7 bits"),
    ({"kind": "dense", "weights": 256 * ONES}, "reach from 256 to 256, which 8 bits"),
    ({"kind": "dense", "weights": -(2**63) * ONES}, "which 8 bits do not hold"),
    ({"kind": "dense", "weight_bits": 64, "weights": ONES.astype(np.uint64) << np.uint64(63)},
     "which 64 bits do not hold"),
    ({"kind": "conv", "inputs": 1 << 24, "kernel": (1 << 10, 9)}, "more than"),
    ({"kind": "conv", "kernel": (0, 3)}, "kernel 0"),
    ({"kind": "conv", "kernel": (3, 3), "image": (8, 2)}, r"kernel \(3, 3\): is larger"),
    ({"kind": "window", "image": (-8, -8)}, "image -8"),
    ({"kind": "conv", "image": 5}, "image 5: is no pair"),
    ({"kind": "conv", "image": (2,)}, r"image \(2,\): is no pair"),
    ({"kind": "conv", "image": (8, 8, 8)}, r"image \(8, 8, 8\): is no pair"),
    ({"kind": "conv", "image": "88"}, "image '88': is no pair"),
    ({"kind": "conv", "image": (8.0, 8)}, "image 8.0"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), REFUSED)
def test_what_no_layer_has_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        price(**({"inputs": 32, "outputs": 16} | arguments))
    assert caught.value.why and caught.value.fix


HOSTILE = (
    None, True, -1, 0, 3, 1 << 30, 1.5, float("nan"), float("inf"), "", "x", (), (2,), (3, 3),
    [[1, 2], [3]], {}, np.int64(2), np.array([]), np.ones((2, 2)), b"x", object(), 1j,
)  # fmt: skip


@pytest.mark.parametrize("kind", get_args(LayerKind))
def test_every_argument_is_priced_or_refused_by_name(kind: str) -> None:
    names = [n for n in inspect.signature(price).parameters if n != "kind"]
    assert {"inputs", "clock_mhz"} < set(names)
    for name in names:
        for value in HOSTILE:
            arguments: dict[str, Any] = {"inputs": 6, "outputs": 6}
            if kind in ("conv", "window"):
                arguments |= {"image": (4, 4), "kernel": (2, 2)}
            try:
                found = price(kind, **(arguments | {name: value}))
            except UsageError:
                continue
            assert all(isfinite(found.resources[r].high) for r in ("lut", "ff", "dsp", "bram18"))
            assert found.cycles.value >= 0 and found.lut.value >= 0


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    one = price("conv", inputs=4, outputs=2, image=(8, 8), kernel=(3, 3), clock_mhz=100)
    other = price("conv", inputs=np.int64(4), outputs=np.uint8(2), image=np.array([8, 8]),
                  kernel=[np.int32(3), 3], clock_mhz=np.float32(100))  # fmt: skip
    assert one == other


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("2020.1", "2020.1"), ("v2020.1", "2020.1"), ("Vivado 2019.1", "2019.2"),
        ("vivado_hls-2020.1", "2020.1"), ("2019.2.1", "2019.2"), ("Vitis HLS 2022.2", "2024.1"),
        ("Vivado/Vitis HLS v2023.2", "2022.1"),
    ],
)  # fmt: skip
def test_a_release_is_read_as_year_and_number(name: str, release: str) -> None:
    one, other = (
        price("conv", inputs=4, outputs=4, image=(8, 8), kernel=(3, 3), input_bits=9, tool=tool)
        for tool in (name, release)
    )
    assert one == other


def test_without_weights_resource_with_reuse_factor_1_is_what_latency_is() -> None:
    one, other = (
        price("dense", inputs=16, outputs=16, strategy=strategy)
        for strategy in ("latency", "resource")
    )
    assert one.resources == other.resources


def test_a_fifo_has_no_accumulator() -> None:
    for kind in ("fifo", "converter"):
        found = price(kind, inputs=1, input_bits=1 << 24, output_bits=1 << 24)
        assert found.lut.value > 0


def test_weights_of_every_type_of_their_bits_are_taken() -> None:
    for bits, low, high in ((8, -128, 127), (8, 0, 255), (1, -1, 1), (1, 0, 1), (64, -(2**63), 9)):
        given = ONES * high
        given[0] = low
        found = price("matrix", inputs=32, outputs=16, input_bits=1, weight_bits=bits,
                      pe=16, simd=32, weights=given)  # fmt: skip
        assert found.lut.value > 0


def test_fewer_digits_than_weights_mean_zeros() -> None:
    found = [price("dense", inputs=32, outputs=16, signed_digits=d).lut.value for d in (0, 100)]
    assert found[0] < found[1]
    zeros = price("dense", inputs=32, outputs=16, nonzero=100, signed_digits=100)
    assert zeros.lut.value == found[1]
    # Typical weights of 3 bits have one digit each; those that are told have two.
    told = price("dense", inputs=32, outputs=16, weight_bits=3, signed_digits=1024)
    assert told.lut.value > price("dense", inputs=32, outputs=16, weight_bits=3).lut.value


CHANGED: dict[str, Any] = {
    "strategy": "resource", "reuse_factor": 2, "streamed": True, "image": (8, 8), "kernel": (3, 3),
    "pe": 2, "simd": 2, "memory": "lutram", "arithmetic": "dsp", "streamed_weights": True,
    "depth": 12,
}  # fmt: skip
# What an argument changes only beside others, by kind and argument.
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("dense", "strategy"): {"reuse_factor": 4},
    ("conv", "strategy"): {"reuse_factor": 4},
    ("thresholds", "memory"): {"inputs": 64, "depth": 255},
    ("matrix", "memory"): {"inputs": 1024, "outputs": 256},
    ("matrix", "streamed_weights"): {"memory": "bram"},
}


@pytest.mark.parametrize("kind", get_args(LayerKind))
@pytest.mark.parametrize("name", CHANGED)
def test_an_argument_is_of_the_kind_or_refused(kind: str, name: str) -> None:
    """Silence would let a user compare foldings that the estimate does not look at."""
    base: dict[str, Any] = {"inputs": 16, "outputs": 4} | BESIDE.get((kind, name), {})
    if kind in ("conv", "window") and name != "image":
        base |= {"image": (8, 8)}
    try:
        found = price(kind, **base, **{name: CHANGED[name]})
    except UsageError as error:
        assert str(error).startswith(name)
        return
    assert found != price(kind, **base), f"{name} is taken and changes nothing"
