"""int8 TFLite networks beside the integer graph, in each of TFLite's sets of kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import onnx
import pytest

import fpgacomp
from fpgacomp.errors import ModelError, Problems, ToolError
from fpgacomp.flows.options import Options
from fpgacomp.host.tflite import (
    KERNEL_SETS,
    LiteGraph,
    LiteOperator,
    LiteSession,
    LiteTensor,
    tflite_bytes,
)
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.layers import Rounding, Tensor
from fpgacomp.ir.types import Ints
from fpgacomp.qdq.rounding import rounded_in_float32, rounded_twice
from fpgacomp.qdq.tflite import lite_network
from tests.support import builders
from tests.support.paths import EXAMPLES

NEEDS_TENSORFLOW = pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="TensorFlow is not installed (extra qkeras)"
)
DIGITS = EXAMPLES / "digits_cnn" / "model.onnx"


def assert_exact(graph: Graph, samples: int = 200) -> None:
    network = lite_network(graph)
    content = tflite_bytes(network.graph)
    inputs = builders.inputs(graph, samples)
    expected = run(graph, inputs)
    codes = {name: (inputs[name] + zero).astype(np.int8) for name, zero in network.zeros.items()}
    for name, zero in network.zeros.items():
        np.testing.assert_array_equal(codes[name].astype(np.int64) - zero, inputs[name])
    for kernels in KERNEL_SETS:
        outputs = LiteSession(content, kernels).run(codes)
        for tensor, found in zip(dict.fromkeys(graph.outputs), outputs):
            assert found.dtype == np.int32
            np.testing.assert_array_equal(found, expected[tensor.name], err_msg=kernels)


class RandomLite(builders.GraphBuilder):
    """A network of the layers that TFLite takes, of random sizes and ranges."""

    def __init__(self, seed: int) -> None:
        super().__init__(f"lite{seed}", seed)
        self.count = 0
        image = seed % 3 < 2
        shape = (*self.rng.integers(4, 8, size=2).tolist(), 3) if image else (9,)
        lo, hi = [(0, 255), (-8, 7), (0, 15), (-128, 127), (3, 40)][int(self.rng.integers(5))]
        if image and lo > 0:
            lo = 0  # a border of zeros needs a code for 0
        x = self.input("x", shape, lo, hi)
        for _ in range(int(self.rng.integers(1, 3)) if image else 0):
            x = self.block(x)
        if image:
            x = self.reshape("flat", x, (x.size,))
        x = self.quantized(self.dense(self.name_of("fc"), x, 6))
        # The last sums are an output in one half of the networks, codes in the other.
        self.made = self.graph(self.dense("last", x, 5) if seed % 2 else x)

    def name_of(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def block(self, x: Tensor) -> Tensor:
        depthwise = bool(self.rng.integers(2))
        pads = tuple((int(a), int(b)) for a, b in self.rng.integers(0, 2, size=(2, 2)))
        strides = tuple(self.rng.integers(1, 3, size=2).tolist())
        x = self.conv(
            self.name_of("conv"), x, x.channels if depthwise else 4, (3, 2), pads=pads,
            strides=strides, groups=x.channels if depthwise else 1,
        )  # fmt: skip
        x = self.quantized(x)
        if min(x.shape[:2]) > 1:
            pads = tuple((int(a), int(b)) for a, b in self.rng.integers(0, 2, size=(2, 2)))
            x = self.maxpool(self.name_of("pool"), x, (2, 2), (1, 2), pads)
        if self.rng.integers(2):  # a dense layer at every place
            x = self.quantized(self.dense(self.name_of("point"), x, 3))
        return x

    def quantized(self, x: Tensor) -> Tensor:
        """A shift, so that its steps are those of the kernels; to any range around 0."""
        lo, hi = [(0, 15), (-8, 7), (0, 3), (-1, 2), (0, 255), (-128, 127)][
            int(self.rng.integers(6))
        ]
        shift = max((x.type.count // (hi - lo + 1)).bit_length() - 1, 1)
        name = self.name_of("act")
        made = self.requantize(name, x, lo, hi, shift=shift, negative=not self.rng.integers(4))
        layer = self.layers[-1]
        signs = np.sign(layer.multiplier.array)  # type: ignore[union-attr]
        self.layers[-1] = replace(layer, multiplier=type(layer.multiplier)(signs))  # type: ignore
        return made


@pytest.mark.slow
@NEEDS_TENSORFLOW
def test_random_networks_give_their_integers() -> None:
    for seed in range(12):
        assert_exact(RandomLite(seed).made)


@pytest.mark.slow
@NEEDS_TENSORFLOW
def test_a_maximum_in_front_of_its_activation_is_exact() -> None:
    """As the compiler moves it: a build's graph has it there."""
    b = builders.GraphBuilder("pooled")
    x = b.input("x", (6, 6, 2), -8, 7)
    x = b.maxpool("pool", b.conv("conv", x, 3, (2, 2)), (2, 2), pads=((1, 0), (0, 1)))
    made = b.requantize("act", x, 0, 15, shift=4, per_channel=False)
    b.layers[-1] = replace(b.layers[-1], multiplier=Ints([1]))  # type: ignore[call-arg]
    assert_exact(b.graph(made))
    b.layers[-1] = replace(b.layers[-1], multiplier=Ints([-1]))  # type: ignore[call-arg]
    with pytest.raises(ModelError, match=r"layer act \(requantize\): it falls behind a maximum"):
        lite_network(b.graph(made))
    b.layers.pop()
    with pytest.raises(ModelError, match=r"layer pool \(maxpool\): maxima of sums leave"):
        lite_network(b.graph(x))


@NEEDS_TENSORFLOW
@pytest.mark.slow
def test_the_kernels_round_as_the_model_of_them_says() -> None:
    """Every sum of -128 * 100..127 * 100 with each factor, in TFLite and in `rounding`."""
    factors = [1 / 16, 0.013, 1 / 16 * (1 - 2.0**-20), 0.0071, 0.125, 1.0, 3.3]
    weights = np.array([1, 100, 7, 64, 1, 1, 2])
    scales = tuple(float(np.float32(factor)) for factor in factors)
    count = len(scales)
    tensors = (
        LiteTensor("x", (1, 1, 1, 1), "int8", None, (1.0,)),
        LiteTensor("w", (count, 1, 1, 1), "int8", weights.reshape(-1, 1, 1, 1), scales),
        LiteTensor("b", (count,), "int32", np.arange(count), scales),
        LiteTensor("y", (1, 1, 1, count), "int8", None, (1.0,)),
    )
    options = {"padding": 1, "strideH": 1, "strideW": 1}
    operator = LiteOperator("CONV_2D", (0, 1, 2), (3,), options)
    content = tflite_bytes(LiteGraph("round", tensors, (operator,), (0,), (3,)))
    x = np.arange(-128, 128)
    for kernels, model in (("reference", rounded_twice), ("default", rounded_in_float32)):
        (found,) = LiteSession(content, kernels).run({"x": x.astype(np.int8)[:, None, None, None]})
        for channel, factor in enumerate(scales):
            wanted = np.clip(model(x * weights[channel] + channel, factor), -128, 127)
            np.testing.assert_array_equal(found[:, 0, 0, channel], wanted, err_msg=str(factor))


@pytest.mark.slow
@NEEDS_TENSORFLOW
def test_the_digits_network_is_exact_and_is_told_how_to_be_fed() -> None:
    found = fpgacomp.export_tflite(onnx.load(DIGITS), options=Options(vectors=200))
    summary = found.summary()
    assert summary["samples"] == 200 and summary["kernels"] == list(KERNEL_SETS)
    assert summary["input_zero_points"] == {"image": 0}
    assert summary["wide_products"] == ["dense1"]
    assert found.content[4:8] == b"TFL3"


@pytest.mark.slow
def test_ties_to_even_are_refused_with_all_layers_that_have_them() -> None:
    """The MLP of the examples rounds as QONNX does by default."""
    options = Options(vectors=4)
    if find_spec("tensorflow") is None:
        with pytest.raises(ToolError, match=r"pip install 'fpgacomp\[qkeras\]'"):
            fpgacomp.export_tflite(onnx.load(EXAMPLES / "digits_mlp" / "model.onnx"))
        return
    with pytest.raises(Problems) as refused:
        fpgacomp.export_tflite(onnx.load(EXAMPLES / "digits_mlp" / "model.onnx"), options=options)
    told = [str(problem) for problem in refused.value.problems]
    assert [text.split(":")[0] for text in told] == [
        "layer act1 (requantize)", "layer act2 (requantize)"
    ]  # fmt: skip
    assert all("rounds ties to even" in text and "--out FILE.onnx" in text for text in told)


def wide_input(b: builders.GraphBuilder) -> Tensor:
    return b.dense("fc", b.input("x", (4,), 0, 256), 2)


def heavy_weights(b: builders.GraphBuilder) -> Tensor:
    return b.requantize("act", b.dense("fc", b.input("x", (4,), 0, 3), 2, -128, 127), 0, 3)


def sums_of_sums(b: builders.GraphBuilder) -> Tensor:
    return b.dense("fc", b.dense("front", b.input("x", (4,), 0, 255), 2), 2)


def bare_activation(b: builders.GraphBuilder) -> Tensor:
    return b.requantize("act", b.input("x", (4,), 0, 255), 0, 15)


def wide_activation(b: builders.GraphBuilder) -> Tensor:
    return b.requantize("act", b.dense("fc", b.input("x", (9,), 0, 255), 2), 0, 900, shift=1)


def uneven(b: builders.GraphBuilder) -> Tensor:
    return b.thresholds("act", b.dense("fc", b.input("x", (9,), 0, 255), 2), 12)


def half_to_even(b: builders.GraphBuilder) -> Tensor:
    x = b.dense("fc", b.input("x", (9,), 0, 255), 2)
    made = b.requantize("act", x, 0, 15, shift=6, rounding=Rounding.ROUND)
    b.layers[-1] = replace(b.layers[-1], multiplier=Ints([1]), offset=Ints([0]))  # type: ignore
    return made


def sequence(b: builders.GraphBuilder) -> Tensor:
    return b.conv("conv", b.input("x", (8, 3), 0, 3), 2, (3,))


def grouped(b: builders.GraphBuilder) -> Tensor:
    return b.conv("conv", b.input("x", (4, 4, 4), 0, 3), 4, (2, 2), groups=2)


def border(b: builders.GraphBuilder) -> Tensor:
    x = b.input("x", (4, 4, 2), 100, 300)
    return b.conv("conv", x, 2, (2, 2), pads=((1, 0), (0, 0)))


def addition(b: builders.GraphBuilder) -> Tensor:
    x = b.input("x", (4,), 0, 3)
    return b.add_two("sum", x, x)


def wide_sums(b: builders.GraphBuilder) -> Tensor:
    return b.dense("fc", b.input("x", (2000,), 0, 255), 2, -127, 127)


def shifted_sums(b: builders.GraphBuilder) -> Tensor:
    """Each sum is exact in float32; the one of codes from 0 on and its bias are not."""
    x = b.dense("fc", b.input("x", (3,), 0, 15), 1600)
    x = b.requantize("act", x, -128, 127, shift=1, per_channel=False)
    b.layers[-1] = replace(b.layers[-1], multiplier=Ints([1]))  # type: ignore[call-arg]
    return b.dense("last", x, 2, -127, 120)


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (wide_input, r"layer x \(input\): its integers uint9.* do not fit int8.*at most 8 bits"),
        (heavy_weights, r"layer fc \(dense\): its weights .* no symmetric int8"),
        (sums_of_sums, r"layer fc \(dense\): it reads the sums front"),
        (bare_activation, r"layer act \(requantize\): it stands behind no sum of products"),
        (wide_activation, r"layer act \(requantize\): its outputs .* do not fit int8"),
        (uneven, r"layer act \(thresholds\): in . of 2 channels .* no factor and whole bias"),
        (half_to_even, r"layer act \(requantize\): in . of 2 channels .* rounds ties to even"),
        (sequence, r"layer conv \(conv\): only convolutions over two axes"),
        (grouped, r"layer conv \(conv\): its groups are neither one nor one for each channel"),
        (border, r"layer conv \(conv\): it pads with 0, which is no int8 code"),
        (addition, r"layer sum \(add\): it has no int8 form in TFLite"),
        (shifted_sums, r"layer last \(dense\): its sums may reach .* on the way, and float32"),
        (wide_sums, r"layer fc \(dense\): its integers may reach .*float32"),
    ],
)
def test_what_is_not_exact_is_refused(
    network: Callable[[builders.GraphBuilder], Tensor], told: str
) -> None:
    b = builders.GraphBuilder("refused")
    graph = b.graph(network(b))
    with pytest.raises(ModelError, match=told) as refused:
        lite_network(graph)
    assert "ONNX" in str(refused.value) or "bits" in refused.value.fix


def test_all_layers_at_fault_are_told_and_no_others() -> None:
    b = builders.GraphBuilder("several")
    x = b.conv("groups", b.input("x", (4, 4, 4), 0, 3), 4, (1, 1), groups=2, lo=-1, hi=1)
    x = b.requantize("behind", x, 0, 3)  # it says nothing of its own
    y = b.input("y", (300,), 0, 3)
    y = b.requantize("ties", b.dense("fc", y, 2), 0, 15, shift=7, rounding=Rounding.ROUND)
    b.layers[-1] = replace(b.layers[-1], multiplier=Ints([1]), offset=Ints([0]))  # type: ignore
    graph = b.graph(x, b.add_two("sum", y, y))
    with pytest.raises(Problems) as refused:
        lite_network(graph)
    where = [problem.where for problem in refused.value.problems]
    assert where == ["layer groups (conv)", "layer ties (requantize)", "layer sum (add)"]


@pytest.mark.slow
@NEEDS_TENSORFLOW
def test_kernels_that_compute_other_integers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = LiteSession.run

    def wrong(self: LiteSession, inputs: object) -> list[np.ndarray]:
        (found,) = honest(self, inputs)  # type: ignore[arg-type]
        return [found + (np.arange(len(found)) == 3)[:, None]]

    monkeypatch.setattr(LiteSession, "run", wrong)
    with pytest.raises(ToolError, match=r"reference kernels compute other integers: .*ONNX"):
        fpgacomp.export_tflite(onnx.load(DIGITS), options=Options(vectors=5))


def test_a_missing_tensorflow_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("fpgacomp.host.tflite.import_module", missing)
    with pytest.raises(ToolError, match=r"pip install 'fpgacomp\[qkeras\]'"):
        fpgacomp.export_tflite(onnx.load(DIGITS))
