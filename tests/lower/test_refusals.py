"""What has no exact integer form is refused with where, what and remedy; all of it at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fpgacomp.errors import FpgacompError, Problems, UnsupportedLayer
from fpgacomp.frontend import read_network
from fpgacomp.lower import lower
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered
from tests.support.frontend_runs import build, node, quant
from tests.support.nasty_networks import UNIT, UNSIGNED, conv, weight
from tests.support.network_builder import Grid, NetworkBuilder

Recipe = Callable[[NetworkBuilder], str]


def lowered(recipe: Recipe, shape: tuple[int, ...] = (6,)) -> Lowered:
    builder = NetworkBuilder(np.random.default_rng(0), shape)
    model = builder.finish(recipe(builder))
    return lower(Network("n", model, model, "qonnx", "n.onnx", ""))


def raw_input(b: NetworkBuilder) -> str:
    return b.op("MatMul", b.input, weight(b, 6, 3))


def float_weights(b: NetworkBuilder) -> str:
    return b.op("MatMul", b.quant(b.input, UNIT), b.constant(b.arrays.normal(size=(6, 3))))


def float_activation(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 6))
    return b.op("MatMul", b.op("Sigmoid", x), weight(b, 6, 3))


def two_activations(b: NetworkBuilder) -> str:
    x = b.quant(b.input, UNIT)
    return b.op("MatMul", b.op("Mul", x, x), weight(b, 6, 3))


def odd_channel_scales(b: NetworkBuilder) -> str:
    scales = np.linspace(0.1, 0.3, 6, dtype=np.float32)
    return b.op("MatMul", b.quant(b.input, replace(UNIT, scale=scales)), weight(b, 6, 3))


def too_many_thresholds(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, replace(UNIT, bits=8)), weight(b, 6, 4, bits=8))
    return b.quant(b.op("Tanh", x), Grid(np.float32(2.0**-13), 0.0, 14))


def skip_around_the_hardware(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 6))
    return b.op("Add", x, b.input)


def sum_that_nothing_quantizes(b: NetworkBuilder) -> str:
    x = b.quant(b.input, replace(UNIT, scale=np.float32(0.11)))
    y = b.op("MatMul", x, weight(b, 6, 6))
    y = b.quant(y, replace(UNSIGNED, scale=np.float32(0.37)))
    return b.op("MatMul", b.op("Add", x, y), weight(b, 6, 3))


def fractional_zero_under_padding(b: NetworkBuilder) -> str:
    x = b.quant(b.input, replace(UNIT, zero_point=0.5))
    return conv(b, x, weight(b, 2, 1, 3, 3), [3, 3], pads=[1, 1, 1, 1])


@pytest.mark.parametrize(
    ("recipe", "shape", "why", "fix"),
    [
        (raw_input, (6,), "'network_input', which is not quantized", "--input-bits 8"),
        (float_weights, (6,), "not quantized", "--calibration X.npy"),
        (float_activation, (6,), "not quantized \\(after Sigmoid\\)", "quantize every activation"),
        (two_activations, (6,), "not quantized \\(after Mul\\)", "quantize every activation"),
        (odd_channel_scales, (6,), "scales have no integer ratio", "one scale per tensor"),
        (too_many_thresholds, (6,), "thresholds per channel", "10 bits or fewer"),
        (skip_around_the_hardware, (6,), "beside the hardware's result", "skip connection"),
        (sum_that_nothing_quantizes, (6,), "sum of different scales", "quantize it first"),
        (fractional_zero_under_padding, (1, 5, 5), "zero is no integer", "integer zero point"),
    ],
)  # fmt: skip
def test_refusals_name_place_and_remedy(
    recipe: Recipe, shape: tuple[int, ...], why: str, fix: str
) -> None:
    with pytest.raises(FpgacompError, match=why) as caught:
        lowered(recipe, shape)
    assert fix in caught.value.fix
    assert caught.value.where


def test_all_problems_come_at_once() -> None:
    def both(b: NetworkBuilder) -> str:
        x = b.quant(b.input, UNIT)
        first = b.op("MatMul", x, b.constant(b.arrays.normal(size=(6, 3))))
        second = b.op("MatMul", x, b.constant(b.arrays.normal(size=(6, 3))))
        return b.op("Concat", first, second, axis=1)

    with pytest.raises(Problems) as caught:
        lowered(both)
    assert len(caught.value.problems) == 2


def test_softmax_and_bias_stay_on_the_host() -> None:
    def tail(b: NetworkBuilder) -> str:
        x = b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 3))
        return b.op("Softmax", b.op("Add", x, b.constant([0.1, 0.2, 0.3])), axis=1)

    result = lowered(tail)
    assert [type(layer).__name__ for layer in result.graph.layers] == ["Input", "Dense"]
    assert result.software_after == ("dequantize", "Add", "Softmax")


def test_image_input_arrives_channels_last_without_a_transpose() -> None:
    def image(b: NetworkBuilder) -> str:
        return conv(b, b.quant(b.input, UNIT), weight(b, 4, 2, 3, 3), [3, 3])

    result = lowered(image, (2, 5, 6))
    assert result.graph.inputs[0].output.shape == (5, 6, 2)
    integers = np.random.default_rng(0).integers(-8, 8, (3, 5, 6, 2))
    raw = result.ports[0].to_raw(integers)
    assert raw.shape == (3, 2, 5, 6)
    assert np.array_equal(raw[:, 1, 2, 3] * 8, integers[:, 2, 3, 1])


def test_an_input_beyond_float32_is_refused() -> None:
    nodes = [quant(["x", "s", "z", "b"], "q"), node("Relu", ["q"], "r"),
             quant(["r", "s", "z", "b"], "y")]  # fmt: skip
    model = build(nodes, [1, 4], {"s": 2e38, "z": 0.0, "b": 8.0})
    with pytest.raises(UnsupportedLayer, match=r"input x: .* numbers that float32 cannot hold"):
        lower(read_network(model))
