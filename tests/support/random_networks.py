"""Random canonical networks over every layer that fpgacomp carries.

model = random_network(np.random.default_rng(7), size=4)
inputs = random_inputs(model, np.random.default_rng(8), 50)

@given(networks(size=4))          # shrinks: fewer layers, plainer choices
def test_something(model): ...
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import prod
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st

from tests.support.choices import Choices, DrawnChoices, SeededChoices, pick, sometimes
from tests.support.network_builder import Grid
from tests.support.random_parts import FEATURES, Parts

LARGEST = 400  # elements of an activation, so that a test takes milliseconds


def random_network(
    rng: np.random.Generator, *, size: int = 4, features: Collection[str] = FEATURES
) -> onnx.ModelProto:
    """A canonical network with a quantized input and 1 to `size` layers.

    Args:
        rng: the only source of randomness.
        size: the most layers; a residual or concat block counts as one.
        features: a subset of FEATURES; what is not named does not occur.
    """
    return _network(SeededChoices(rng), size, frozenset(features))


def networks(
    *, size: int = 4, features: Collection[str] = FEATURES
) -> st.SearchStrategy[onnx.ModelProto]:
    """A hypothesis strategy for the same networks."""

    @st.composite
    def draw_network(draw: Callable[..., Any]) -> onnx.ModelProto:
        return _network(DrawnChoices(draw), size, frozenset(features))

    return draw_network()


def random_inputs(
    model: onnx.ModelProto, rng: np.random.Generator, count: int
) -> dict[str, np.ndarray]:
    """Float32 inputs [count, ...]: mostly in range, some saturating, some exact in binary."""
    inputs = {}
    for tensor in model.graph.input:
        shape = [d.dim_value for d in tensor.type.tensor_type.shape.dim][1:]
        x = rng.uniform(-1.1, 1.1, (count, *shape))
        x[: count // 8] = rng.choice([-4.0, -1.0, 0.0, 1.0, 4.0], x[: count // 8].shape)
        part = slice(count // 8, count // 4)
        x[part] = np.rint(x[part] * 64) / 64
        inputs[tensor.name] = x.astype(np.float32)
    return inputs


def _network(choices: Choices, size: int, features: frozenset[str]) -> onnx.ModelProto:
    unknown = features - FEATURES
    if unknown:
        raise ValueError(f"unknown features {sorted(unknown)}")
    parts = Parts(choices, features, _input_shape(choices, features))
    x = _opening(parts)
    x = _layer(parts, x)
    early = x
    for _ in range(size - 1):
        if choices.integer(0, 4) == 0:  # asked before each layer, so that any one can shrink away
            break
        x = _layer(parts, x)
    outputs = _tail(parts, x)
    if early not in outputs and parts.may("two_outputs", 8):
        outputs = (*outputs, early)
    return parts.builder.finish(*outputs)


def _input_shape(choices: Choices, features: frozenset[str]) -> tuple[int, ...]:
    match choices.integer(0, 2 if "conv" in features else 0):
        case 0:
            return (choices.integer(2, 12),)
        case 1:
            return choices.integer(1, 3), choices.integer(4, 7), choices.integer(4, 7)
        case _:
            return choices.integer(1, 3), choices.integer(5, 10)


def _opening(parts: Parts) -> str:
    """A leading affine and a layout change at times, and always the input's quantizer."""
    builder, choices = parts.builder, parts.choices
    x = builder.input
    if parts.may("nhwc", 3) and len(builder.shape(x)) > 1:
        x = builder.op("Transpose", x, perm=_last_to_front(len(builder.shape(x)) + 1))
    if parts.may("affine", 3):
        x = builder.op("Mul", x, builder.constant(2.0))
        x = builder.op("Add", x, builder.constant(-1.0))
    if parts.may("bipolar", 8):
        return builder.bipolar(x, parts.a_scale())
    grid = Grid(
        bits=choices.integer(2, 8), signed=True,
        zero_point=parts.a_zero_point(), rounding=parts.a_rounding(),
    )  # fmt: skip
    return builder.quant(x, parts.fitted(x, grid))


def _last_to_front(rank: int) -> list[int]:
    return [0, rank - 1, *range(1, rank - 1)]


def _layer(parts: Parts, x: str) -> str:
    """One more layer, of a kind that the shape and the features allow."""
    options: list[Callable[[str], str]] = [parts.dense_layer]
    if len(parts.builder.shape(x)) > 1:
        options = [parts.conv_layer, parts.to_vector]
        if "pool" in parts.features:
            options += [parts.max_pool, parts.average_pool]
        if "upsample" in parts.features and 4 * prod(parts.builder.shape(x)) <= LARGEST:
            options.append(parts.upsample)
        if "nhwc" in parts.features:
            options.append(parts.channels_last_quantizer)
        if "sequence" in parts.features and len(parts.builder.shape(x)) == 2:
            options.append(parts.dense_over_steps)
    for feature, option in (
        ("residual", parts.residual),
        ("concat", parts.concat),
        ("multiply", parts.multiply),
        ("trunc", parts.trunc),
        ("per_channel", parts.per_channel_quantizer),
        ("late_quantizers", parts.activated),
    ):
        if feature in parts.features:
            options.append(option)
    return pick(parts.choices, options)(x)


def _tail(parts: Parts, x: str) -> tuple[str, ...]:
    """The end: quantized as it is, or a classifier with what software does behind it."""
    builder, choices = parts.builder, parts.choices
    if "tail" not in parts.features or choices.integer(0, 3) == 0:
        return (x,)
    if len(builder.shape(x)) > 1:
        x = parts.to_vector(x)
    x = builder.op("MatMul", x, parts.weights((builder.shape(x)[0], choices.integer(2, 5)), 1))
    if sometimes(choices):
        x = builder.op("Add", x, builder.constant(parts.numbers(builder.shape(x))))
    match choices.integer(0, 5):
        case 1:
            x = builder.op("Softmax", x, axis=1)
        case 2:
            x = builder.op("ArgMax", x, axis=1, keepdims=choices.integer(0, 1))
        case 3:
            x = builder.op("LogSoftmax", x, axis=-1)
        case 4:
            x = builder.op("Sigmoid", x)
        case 5:
            k = builder.constant([1], np.int64)
            x = builder.op("TopK", x, k, axis=1)
            return x, f"{x}_index"
    return (x,)
