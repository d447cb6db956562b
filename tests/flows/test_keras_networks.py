"""Keras networks from file to integers: what the integer graph answers is what `predict` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fpgacomp.errors import ToolError
from fpgacomp.flows.options import Options
from fpgacomp.frontend.keras import export_keras, tensorflow
from tests.support.keras_models import on_grid, randomized
from tests.support.whole_runs import answers, assert_exact

pytestmark = pytest.mark.slow

try:
    tf = tensorflow()
except ToolError as missing:
    pytest.skip(str(missing), allow_module_level=True)
L = tf.keras.layers
Q = pytest.importorskip("qkeras")
W, B = "quantized_bits(4, 0, alpha=1)", "quantized_bits(6, 1, alpha=1)"
IN, ACT = "quantized_bits(6, 2, alpha=1)", "quantized_relu(4, 2)"


def qdense(units: int) -> Any:
    return Q.QDense(units, kernel_quantizer=W, bias_quantizer=B)


def of_two_branches(merge: str) -> Any:
    x = L.Input((6,))
    y = Q.QActivation(IN)(x)
    left, right = (Q.QActivation(IN)(qdense(5)(y)) for _ in range(2))
    merged = Q.QActivation("quantized_bits(6, 3, alpha=1)")(getattr(L, merge)()([left, right]))
    return tf.keras.Model(x, qdense(3)(merged))


def joined_positions() -> Any:
    x = L.Input((6, 3))
    y = Q.QActivation(IN)(x)
    parts = []
    for strides in (1, 2):
        conv = Q.QConv1D(4, 2, strides=strides, kernel_quantizer=W, bias_quantizer=B)
        parts.append(Q.QActivation(ACT)(conv(y)))
    joined = L.Concatenate(axis=1)(parts)
    return tf.keras.Model(x, Q.QConv1D(2, 3, kernel_quantizer=W, bias_quantizer=B)(joined))


def powers_of_two() -> Any:
    kernel = "quantized_bits(4, 0, alpha='auto_po2', scale_axis=0)"
    layers = [
        L.Input((6,)),
        Q.QActivation(IN),
        Q.QDense(5, kernel_quantizer=kernel, bias_quantizer=B),
        Q.QActivation("quantized_relu_po2(3, 2, negative_slope=0.25)"),
        Q.QDense(3, kernel_quantizer="quantized_linear(4, alpha='auto_po2')", use_bias=False),
    ]
    return tf.keras.Sequential(layers)


def windows_over_time() -> Any:
    conv = Q.QConv1D(4, 3, padding="same", kernel_quantizer=W, bias_quantizer=B)
    layers = [
        L.Input((3, 8, 2)),
        Q.QActivation(IN),
        L.TimeDistributed(conv),
        L.TimeDistributed(Q.QActivation(ACT)),
        L.TimeDistributed(L.MaxPooling1D(2)),
        L.TimeDistributed(L.Flatten()),
        L.TimeDistributed(qdense(2)),
    ]
    return tf.keras.Sequential(layers)


def cropped() -> Any:
    layers = [
        L.Input((6, 5, 2)),
        Q.QActivation(IN),
        Q.QSeparableConv2D(
            3, 2, depthwise_quantizer=W, pointwise_quantizer=W, bias_quantizer=B, padding="same"
        ),
        Q.QActivation(ACT),
        L.Cropping2D(((1, 0), (2, 1))),
        L.Flatten(),
        qdense(3),
    ]
    return tf.keras.Sequential(layers)


def quantized_variance() -> Any:
    norm = Q.QBatchNormalization(variance_quantizer="quantized_relu(8, 3)", gamma_quantizer=None)
    layers = [L.Input((6,)), Q.QActivation(IN), qdense(5), norm, Q.QActivation(ACT), qdense(3)]
    return tf.keras.Sequential(layers)


NETWORKS: dict[str, Callable[[], Any]] = {
    "multiply": lambda: of_two_branches("Multiply"),
    "maximum": lambda: of_two_branches("Maximum"),
    "average": lambda: of_two_branches("Average"),
    "subtract": lambda: of_two_branches("Subtract"),
    "positions": joined_positions,
    "powers of two": powers_of_two,
    "cropped": cropped,
    "over time": windows_over_time,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_integers_are_what_keras_predicts(name: str) -> None:
    model = randomized(NETWORKS[name]())
    exported = export_keras(model)
    _, judgement = assert_exact(exported)
    x = on_grid(tuple(model.inputs[0].shape)[1:], count=24)
    # The scales are powers of two, so that float32 is exact on every processor.
    wanted = model.predict(x, verbose=0)
    ours = answers(exported, {exported.graph.input[0].name: x})
    (found,) = ours.values()
    assert judgement.ties == 0
    assert np.array_equal(found, wanted)


def test_a_normalization_with_quantized_parameters_is_exact() -> None:
    """Its root and division round, so that `predict` is no reference for every processor."""
    assert_exact(export_keras(randomized(quantized_variance())))


def test_calibration_quantizes_what_a_network_leaves_in_float() -> None:
    layers = [
        L.Input((6,)),
        Q.QActivation(IN),
        qdense(5),
        Q.QActivation(ACT),
        L.Dense(4, activation="relu"),
        qdense(3),
        L.Softmax(),
    ]
    model = randomized(tf.keras.Sequential(layers))
    assert_exact(export_keras(model), Options(calibration=on_grid((6,), count=64)))
