"""Small fixed networks, each built around one trap; NASTY maps name -> function -> model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx

from tests.support.network_builder import Grid, NetworkBuilder

NASTY: dict[str, Callable[[], onnx.ModelProto]] = {}
UNIT = Grid(np.float32(1 / 8), 0.0, 4)
UNSIGNED = replace(UNIT, signed=False)


def nasty(build: Callable[[NetworkBuilder], str | tuple[str, ...]]) -> None:
    """Register a network; its argument's annotation gives nothing, its default the input shape."""
    defaults = build.__defaults__ or ((6,),)

    def make() -> onnx.ModelProto:
        builder = NetworkBuilder(np.random.default_rng(1), defaults[0])
        outputs = build(builder)
        names = (outputs,) if isinstance(outputs, str) else outputs
        return builder.finish(*names, name=build.__name__)

    NASTY[build.__name__] = make


def weight(b: NetworkBuilder, *shape: int, bits: int = 4, scale: float = 0.25) -> str:
    raw = b.constant(b.arrays.normal(size=shape) * scale * 2 ** (bits - 2))
    return b.quant(raw, Grid(np.float32(scale), 0.0, bits, True, True))


def conv(b: NetworkBuilder, x: str, w: str, kernel: list[int], **attributes: object) -> str:
    rank = len(kernel)
    plain = {"strides": [1] * rank, "dilations": [1] * rank, "pads": [0] * 2 * rank, "group": 1}
    return b.op("Conv", x, w, kernel_shape=kernel, **(plain | attributes))


def every_value_on_a_boundary(rounding: str) -> None:
    def build(b: NetworkBuilder) -> str:
        x = b.quant(b.input, Grid(np.float32(1 / 8), 0.0, 5))
        x = b.op("MatMul", x, b.quant(b.constant(np.eye(6)), Grid(np.float32(1), 0.0, 2)))
        return b.quant(x, Grid(np.float32(1 / 4), 0.0, 4, rounding=rounding))

    build.__name__ = f"every_value_on_a_boundary_{rounding.lower()}"
    nasty(build)


for _mode in ("ROUND", "FLOOR", "CEIL", "HALF_UP", "HALF_DOWN", "UP", "DOWN"):
    every_value_on_a_boundary(_mode)


@nasty
def one_number_in_one_number_out(b: NetworkBuilder, shape: tuple[int, ...] = (1,)) -> str:
    x = b.quant(b.input, UNIT)
    return b.op("MatMul", x, weight(b, 1, 1, bits=8))


@nasty
def only_a_quantizer(b: NetworkBuilder) -> str:
    return b.quant(b.input, replace(UNIT, zero_point=2.0))


@nasty
def quantizer_on_quantizer(b: NetworkBuilder) -> str:
    x = b.quant(b.input, Grid(np.float32(0.03), 0.0, 7))
    x = b.quant(x, Grid(np.float32(0.07), 1.0, 5, rounding="FLOOR"))
    return b.quant(x, Grid(np.float32(0.21), 0.0, 3, rounding="HALF_UP"))


@nasty
def bipolar_input_under_padding(b: NetworkBuilder, shape: tuple[int, ...] = (2, 5, 5)) -> str:
    x = b.bipolar(b.input, np.float32(0.7))
    w = b.bipolar(b.constant(b.arrays.normal(size=(3, 2, 3, 3))), np.float32(0.3))
    x = conv(b, x, w, [3, 3], pads=[1, 1, 1, 1])
    return b.bipolar(x, np.float32(1.0))


@nasty
def one_bit_signed_quant_with_zero_point(b: NetworkBuilder) -> str:
    x = b.quant(b.input, UNIT)
    x = b.op("MatMul", x, weight(b, 6, 4, bits=1))
    return b.quant(x, Grid(np.float32(0.5), 1.0, 1))


@nasty
def negative_zero_and_tiny_gamma(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 4))
    numbers = ([-1.5, 0.0, 1e-4, 2.0], [0.3, 0.4, -0.2, 0.0], [0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4])
    x = b.op("BatchNormalization", x, *(b.constant(n) for n in numbers), epsilon=1e-5)
    return b.quant(b.op("Relu", x), UNSIGNED)


@nasty
def weight_scales_over_six_decades(b: NetworkBuilder) -> str:
    scale = np.asarray([[1e-3, 0.0117, 0.37, 13.0, 1e3]], np.float32)
    w = b.quant(b.constant(b.arrays.normal(size=(6, 5)) * scale * 3), Grid(scale, 0.0, 4))
    x = b.op("MatMul", b.quant(b.input, UNIT), w)
    return b.quant(b.op("Tanh", x), Grid(np.float32(0.013), 0.0, 8))


@nasty
def all_weights_zero(b: NetworkBuilder) -> str:
    w = b.quant(b.constant(np.zeros((6, 3))), UNIT)
    x = b.op("MatMul", b.quant(b.input, UNIT), w)
    x = b.op("Add", x, b.constant([0.2, -0.3, 0.0]))
    return b.quant(x, UNIT)


@nasty
def zero_point_under_asymmetric_padding(
    b: NetworkBuilder, shape: tuple[int, ...] = (2, 5, 6)
) -> str:
    x = b.quant(b.input, Grid(np.float32(0.11), 3.0, 4, False))
    w = weight(b, 4, 1, 2, 3)
    x = conv(b, x, w, [2, 3], pads=[1, 0, 0, 2], group=2, dilations=[2, 1], strides=[1, 2])
    return b.quant(x, Grid(np.float32(0.17), -1.0, 5))


@nasty
def average_without_its_padding(b: NetworkBuilder, shape: tuple[int, ...] = (2, 5, 5)) -> str:
    x = b.quant(b.input, UNIT)
    x = b.op("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
             count_include_pad=0)  # fmt: skip
    return b.quant(conv(b, x, weight(b, 3, 2, 1, 1), [1, 1]), Grid(np.float32(0.09), 0.0, 6))


@nasty
def zero_point_that_is_no_integer(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 4))
    return b.quant(x, Grid(np.float32(0.23), 1.5, 4))


@nasty
def residual_three_to_two(b: NetworkBuilder) -> str:
    x = b.quant(b.input, Grid(np.float32(0.25), 0.0, 4))
    y = b.op("MatMul", x, weight(b, 6, 6))
    y = b.quant(b.op("Relu", y), Grid(np.float32(0.375), 0.0, 3, False))
    return b.quant(b.op("Add", x, y), Grid(np.float32(0.3), 0.0, 5))


@nasty
def residual_two_to_three_only_nearly(b: NetworkBuilder) -> str:
    """1/32 * 2/3 in float32 misses the ratio by 1e-8: sums that hit a border exactly are ties."""
    x = b.quant(b.input, Grid(np.float32(1 / 32), 0.0, 6))
    y = b.op("MatMul", x, b.quant(b.constant(np.eye(6)), Grid(np.float32(1), 0.0, 2)))
    y = b.quant(b.op("Relu", y), Grid(np.float32(2 / 96), 0.0, 3, False))
    return b.quant(b.op("Add", x, y), Grid(np.float32(1 / 16), 0.0, 5))


@nasty
def per_channel_activation_scales(b: NetworkBuilder, shape: tuple[int, ...] = (3, 4, 4)) -> str:
    scale = np.asarray([[[[0.05]], [[0.125]], [[0.4]]]], np.float32)
    x = b.quant(b.input, Grid(scale, 0.0, 4))
    x = conv(b, x, weight(b, 3, 1, 2, 2), [2, 2], group=3)
    x = b.op("MaxPool", x, kernel_shape=[2, 2], strides=[1, 1], pads=[0] * 4)
    return b.quant(b.op("PRelu", x, b.constant([[[0.1]], [[0.0]], [[-0.2]]])), UNIT)


@nasty
def sums_added_before_any_quantizer(b: NetworkBuilder, shape: tuple[int, ...] = (2, 4, 4)) -> str:
    x = b.quant(b.input, UNIT)
    left = conv(b, x, weight(b, 3, 2, 1, 1), [1, 1])
    right = conv(b, x, weight(b, 3, 2, 3, 3, scale=0.5), [3, 3], pads=[1] * 4)
    return b.quant(b.op("Relu", b.op("Add", left, right)), UNSIGNED)


@nasty
def normalised_after_the_activation(b: NetworkBuilder) -> str:
    """As Keras models have it: ReLU, then BatchNormalization, gammas of both signs."""
    x = b.op("Relu", b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 3)))
    numbers = ([-1.5, 0.7, 0.01], [0.3, 0.4, -0.2], [0.1, 0.2, 0.3], [1, 2, 3])
    x = b.op("BatchNormalization", x, *(b.constant(n) for n in numbers), epsilon=1e-3)
    return b.quant(x, Grid(np.float32(0.11), 0.0, 5))


@nasty
def added_to_itself(b: NetworkBuilder) -> str:
    x = b.quant(b.input, UNIT)
    return b.quant(b.op("Add", x, x), Grid(np.float32(0.3), 0.0, 4))


@nasty
def joined_with_itself(b: NetworkBuilder, shape: tuple[int, ...] = (2, 3, 3)) -> str:
    x = b.quant(b.input, UNIT)
    x = b.op("Concat", x, x, axis=1)
    return b.quant(conv(b, x, weight(b, 2, 4, 2, 2), [2, 2]), UNIT)


@nasty
def three_readers_and_two_outputs(b: NetworkBuilder) -> tuple[str, ...]:
    x = b.quant(b.input, UNIT)
    left = b.quant(b.op("MatMul", x, weight(b, 6, 6)), UNIT)
    right = b.op("MatMul", x, weight(b, 6, 3))
    return b.quant(b.op("Add", x, left), UNIT), right


@nasty
def gelu_over_eight_bits(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, Grid(np.float32(0.02), 0.0, 8)), weight(b, 6, 3))
    return b.quant(b.op("Gelu", x), Grid(np.float32(0.021), -40.0, 8))


@nasty
def silu_before_four_bits(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 3))
    return b.quant(b.op("Silu", x), Grid(np.float32(0.1), 0.0, 4))


@nasty
def prelu_with_a_negative_slope(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 3))
    x = b.op("PRelu", x, b.constant([-0.5, 0.25, 2.0]))
    return b.quant(x, Grid(np.float32(0.17), 0.0, 4))


@nasty
def one_step_sequence_dilated_depthwise(b: NetworkBuilder, shape: tuple[int, ...] = (3, 7)) -> str:
    x = b.quant(b.input, Grid(np.float32(0.11), 0.0, 3))
    x = conv(b, x, weight(b, 3, 1, 4), [4], dilations=[2], group=3)
    return b.quant(x, UNIT)


@nasty
def narrow_unsigned(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 4))
    return b.quant(b.op("Relu", x), replace(UNSIGNED, narrow=True, bits=2))


@nasty
def equal_and_unreachable_thresholds(b: NetworkBuilder) -> str:
    x = b.op("MatMul", b.quant(b.input, UNIT), weight(b, 6, 2))
    rows = [[0.125, 0.125, 1.0], [-1e9, 0.0, 1e9]]
    return b.op("MultiThreshold", x, b.constant(rows), out_dtype="INT4", out_scale=2.0,
                out_bias=-3.0, data_layout="NC")  # fmt: skip


@nasty
def truncated_sum_pool(b: NetworkBuilder, shape: tuple[int, ...] = (2, 4, 4)) -> str:
    x = b.quant(b.input, Grid(np.float32(0.07), 0.0, 4))
    x = b.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4)
    x = b.op("Mul", x, b.constant(4.0))
    numbers = (np.float32(0.07), 0.0, 6, 4)
    return b.op("Trunc", x, *(b.constant(n) for n in numbers), rounding_mode="FLOOR")


@nasty
def channels_last_to_the_end(b: NetworkBuilder, shape: tuple[int, ...] = (4, 5, 2)) -> str:
    x = b.op("Transpose", b.quant(b.input, UNIT), perm=[0, 3, 1, 2])
    x = conv(b, x, weight(b, 3, 2, 3, 3), [3, 3], pads=[1, 1, 1, 1])
    x = b.op("Transpose", b.quant(b.op("Relu", x), UNSIGNED), perm=[0, 2, 3, 1])
    x = b.op("Reshape", x, b.constant([1, 60], np.int64))
    x = b.op("MatMul", x, weight(b, 60, 3))
    return b.op("Softmax", b.op("Add", x, b.constant([0.1, -0.2, 0.3])), axis=-1)


@nasty
def upsampled_and_pooled_again(b: NetworkBuilder, shape: tuple[int, ...] = (2, 3, 3)) -> str:
    x = b.quant(b.input, UNIT)
    x = b.op("Resize", x, b.constant([]), b.constant([1, 1, 3, 2]), mode="nearest",
             nearest_mode="floor", coordinate_transformation_mode="asymmetric")  # fmt: skip
    x = b.op("MaxPool", x, kernel_shape=[2, 3], strides=[2, 1], pads=[1, 0, 0, 2])
    return b.quant(b.op("GlobalAveragePool", x), Grid(np.float32(0.019), 0.0, 8))


@nasty
def two_sums_without_a_quantizer_between(b: NetworkBuilder) -> str:
    x = b.quant(b.input, UNIT)
    x = b.op("MatMul", x, weight(b, 6, 4))
    x = b.op("MatMul", x, weight(b, 4, 3))
    return b.quant(x, Grid(np.float32(0.4), 0.0, 6))
