"""Keras models quantized with QKeras: bits as asked for, weights carried, exact when compiled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import fpgacomp
from fpgacomp.compress.quantize.keras.aware import quantize_keras
from fpgacomp.compress.quantize.keras.convert import to_qkeras
from fpgacomp.compress.quantize.keras.quantizers import best_steps, error_of
from fpgacomp.compress.quantize.keras.scores import keras_accuracy, keras_scores
from fpgacomp.compress.quantize.keras.train import train_keras
from fpgacomp.compress.quantize.options import QuantizeOptions
from fpgacomp.compress.quantize.torch.levels import IntegerLevels
from fpgacomp.compress.recipe import Recipe
from fpgacomp.errors import FpgacompError, ModelError, Problems, UnsupportedLayer, UsageError
from tests.support.depth import deep, deep_only

pytestmark = pytest.mark.slow  # they train

W4A4 = QuantizeOptions(weight_bits=4, activation_bits=4)
SAMPLES = 150
ALIKE = 0.96  # share of the answers; a wrong export answers at random, one in ten right


def _quantizers(model):
    """bits, signed, narrow and scale of each Quant node, weights and activations apart."""
    from fpgacomp.frontend.keras import export_keras

    exported = export_keras(model)
    values = {t.name: onnx.numpy_helper.to_array(t) for t in exported.graph.initializer}
    weights, activations = [], []
    for node in exported.graph.node:
        if node.op_type in ("Quant", "BipolarQuant"):
            signs = {a.name: a.i for a in node.attribute if a.name in ("signed", "narrow")}
            bits = int(values[node.input[3]]) if node.op_type == "Quant" else "bipolar"
            found = (bits, signs.get("signed"), signs.get("narrow"), values[node.input[1]])
            (weights if node.input[0] in values else activations).append(found)
    return weights, activations


def test_bits_are_those_asked_for(mlp, digits):
    options = QuantizeOptions(
        weight_bits={"fc2": 3, "*": 5}, activation_bits={"fc1": 2, "act2": 4}, input_bits=6
    )
    quantized = to_qkeras(mlp, digits, options)
    assert quantized.weights == {"fc1": 8, "fc2": 3, "fc3": 8}
    weights, activations = _quantizers(quantized.model)
    assert [found[:3] for found in weights] == [(8, 1, 1), (3, 1, 1), (8, 1, 1)]
    assert [found[0] for found in activations] == [6, 2, 4]
    assert not any(found[1] for found in activations)
    assert [found[3].size for found in weights] == [64, 32, 10]
    assert all(np.log2(found[3]) % 1 == 0 for found in activations)


@pytest.mark.parametrize(("bits", "wanted"), [(1, "bipolar"), ("ternary", 2), (2, 2)])
def test_low_bits_scales_and_granularity(mlp, digits, bits, wanted):
    options = QuantizeOptions(
        weight_bits=bits, activation_bits=1, first_last_bits=None, scale="power-of-two",
        granularity="tensor", narrow=False,
    )  # fmt: skip
    weights, activations = _quantizers(to_qkeras(mlp, digits, options).model)
    assert [found[0] for found in weights] == [wanted] * 3
    assert all(found[3].size == 1 and np.log2(found[3]) % 1 == 0 for found in weights)
    if bits != 1:
        assert {found[2] for found in weights} == {int(bits == "ternary")}
    assert [found[0] for found in activations] == [8, 1, 1]


def test_weights_are_carried_and_the_float_model_is_left(mlp, digits):
    before = mlp.get_weights()
    model = to_qkeras(mlp, digits, QuantizeOptions()).model
    assert [layer.name for layer in model.layers] == [
        "pixels", "pixels_quant", "fc1", "fc1_relu", "drop", "fc2", "act2", "fc3", "fc3_softmax",
    ]  # fmt: skip
    for name in ("fc1", "fc2", "fc3"):
        kernel, bias = model.get_layer(name).get_weights()
        alpha = np.asarray(model.get_layer(name).kernel_quantizer_internal.alpha)
        wanted, wanted_bias = mlp.get_layer(name).get_weights()
        assert np.allclose(kernel * alpha, wanted, rtol=1e-6)
        assert np.array_equal(bias, wanted_bias)
    x = digits.test.x
    assert np.abs(keras_scores(model, x) - keras_scores(mlp, x)).mean() < 0.01
    assert all(np.array_equal(a, b) for a, b in zip(before, mlp.get_weights()))


@deep_only  # exports and binary weights are trained by the tests below
@pytest.mark.slow
def test_w4a4_keeps_the_accuracy(mlp, digits):
    recipe = Recipe(epochs=12, batch=32, learning_rate=0.01, weight_decay=0.05)
    outcome = quantize_keras(mlp, digits, W4A4, recipe)
    assert keras_accuracy(outcome.network, digits.test) >= keras_accuracy(mlp, digits.test) - 0.04
    assert outcome.details["weight_bits"] == {"fc1": 8, "fc2": 4, "fc3": 8}
    assert outcome.details["activation_bits"] == {"input": 8, "fc1": 4, "act2": 4}
    assert outcome.details["weights"] == 64 * 64 + 64 * 32 + 32 * 10
    assert outcome.details["weight_storage_bits"] == 8 * (64 * 64 + 320) + 4 * 64 * 32
    assert outcome.details["other_parameter_bits"] == 32 * (64 + 32 + 10)


@pytest.mark.slow
def test_binary_weights_learn(mlp, digits):
    """Untrained they are useless; training mends that."""
    options = QuantizeOptions(weight_bits=1, activation_bits=2)
    before = keras_accuracy(to_qkeras(mlp, digits, options).model, digits.test)
    recipe = Recipe(epochs=8, batch=32, learning_rate=0.005)
    after = keras_accuracy(quantize_keras(mlp, digits, options, recipe).network, digits.test)
    assert after >= 0.85 and after > before


def _joined(tf):
    """Concatenations of unlike activations, depthwise, LeakyReLU, tanh, Dropout."""
    layers = tf.keras.layers
    image = layers.Input((8, 8, 1))
    left = layers.Conv2D(4, 3, padding="same", activation="relu", name="left")(image)
    z = layers.Concatenate()([left, layers.Conv2D(4, 1, name="right")(image)])
    both = layers.Conv2D(4, 3, padding="same", activation="tanh", name="both")(z)
    y = layers.MaxPooling2D()(layers.Concatenate()([z, both]))
    y = layers.LeakyReLU(0.125)(layers.Conv2D(6, 3, padding="same", name="leaky")(y))
    y = layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu", name="deep")(y)
    return tf.keras.Model(image, layers.Dense(10, name="fc")(layers.Flatten()(y)))


def _summed(tf):
    """A float scaling first, sums of sums, normalization, average pooling, a softmax."""
    layers = tf.keras.layers
    image = layers.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same")(layers.Rescaling(2.0, -1.0)(image))
    y = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.Conv2D(8, 3, padding="same")(y)])
    y = layers.Activation("sigmoid")(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.Conv2D(8, 3, padding="same")(y), x])
    y = layers.Flatten()(layers.AveragePooling2D(2)(x))
    return tf.keras.Model(image, layers.Dense(10, activation="softmax")(y))


def _one_dimensional(tf):
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Reshape((8, 8)),
            layers.Conv1D(12, 3, padding="same", kernel_regularizer="l2", name="first"),
            layers.ReLU(6.0),
            layers.MaxPooling1D(2),
            layers.ZeroPadding1D(1),
            layers.Conv1D(12, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dropout(0.1),
            layers.Dense(10),
            layers.Softmax(),
        ]
    )


CASES = [
    (_joined, QuantizeOptions(weight_bits=1, activation_bits=1, granularity="tensor")),
    (_summed, QuantizeOptions(weight_bits=4, activation_bits=4)),
    (_one_dimensional, QuantizeOptions(weight_bits="ternary", activation_bits=3,
                                       scale="power-of-two")),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "options"), [CASES[0], deep(*CASES[1]), CASES[2]], ids=["W1A1", "W4A4", "ternary"]
)
def test_exports_compile_exactly(tf, images, build, options, tmp_path):
    from fpgacomp.frontend.keras import export_keras, load_keras

    tf.keras.utils.set_random_seed(0)
    recipe = Recipe(epochs=2, batch=32, learning_rate=0.01)
    model = build(tf)
    train_keras(model, images, recipe)
    outcome = quantize_keras(model, images, options, recipe)
    x = images.test.x[:SAMPLES]
    theirs = keras_scores(outcome.network, x)
    # That every level of a design is exact is tested where the engines are.
    options = fpgacomp.Options(
        inputs=x, labels=theirs.argmax(axis=1), checks="quick", backend="stream", csim=False,
        target=fpgacomp.Target("area", fps=1e4),
    )  # fmt: skip
    report = fpgacomp.compile(export_keras(outcome.network), "pynq-z2", options=options)
    assert report.status == "ok"
    assert report.exactness.network_mismatches == 0 < report.exactness.vectors
    # TensorFlow computes in float32, whose sums are rounded otherwise on other processors.
    assert report.accuracy["top1"] >= ALIKE
    outcome.network.save(str(tmp_path / "quantized.keras"))
    loaded = load_keras(Path(tmp_path / "quantized.keras"))
    pairs = zip(loaded.get_weights(), outcome.network.get_weights(), strict=True)
    assert all(np.array_equal(again, saved) for again, saved in pairs)
    assert np.mean(keras_scores(loaded, x).argmax(1) == theirs.argmax(1)) >= ALIKE
    dropped = "1 regularizers and constraints of layers were left out"
    assert (dropped in outcome.notes) == (build is _one_dimensional)


def test_sides_of_a_concatenation_have_one_step(tf, images):
    _, activations = _quantizers(to_qkeras(_joined(tf), images, W4A4).model)
    # left, right and both stand side by side
    assert len({float(found[3]) for found in activations[1:4]}) == 1


def test_layers_that_cannot_be_quantized_are_named_together(tf, images):
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.SeparableConv2D(4, 3, name="apart"),
            layers.Conv2D(4, 3, groups=2, name="grouped"),
            layers.Conv2D(4, 1, activation="swish", name="swung"),
            layers.Softmax(name="early"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    with pytest.raises(Problems) as raised:
        to_qkeras(model, images, W4A4)
    text = str(raised.value)
    for expected in (
        "layer apart (SeparableConv2D): has no quantized form",
        "layer grouped (Conv2D): 2 groups",
        "layer swung (Conv2D): its activation swish has no quantized form",
        "layer early (Softmax): a Softmax with layers behind it",
    ):
        assert expected in text


def test_one_layer_in_two_places(tf, digits):
    layers = tf.keras.layers
    image, twice = layers.Input((64,)), layers.Dense(64, name="twice")
    model = tf.keras.Model(image, layers.Dense(10)(twice(twice(image))))
    with pytest.raises(UnsupportedLayer, match=r"layer twice .* several places"):
        to_qkeras(model, digits, W4A4)


def test_one_relu_in_two_places(tf, digits):
    layers = tf.keras.layers
    image, relu = layers.Input((64,)), layers.ReLU(name="act")
    x = relu(layers.Dense(12, name="fc1")(image))
    model = tf.keras.Model(image, layers.Dense(10)(relu(layers.Dense(12, name="fc2")(x))))
    quantized = to_qkeras(model, digits, QuantizeOptions())
    assert {"act", "act_relu"} <= {layer.name for layer in quantized.model.layers}
    x = digits.test.x
    assert np.abs(keras_scores(quantized.model, x) - keras_scores(model, x)).max() < 0.1


def test_models_that_are_refused(tf, mlp, digits, make_mlp):
    with pytest.raises(UnsupportedLayer, match=r"has no dense or convolution layer"):
        layers = tf.keras.layers
        to_qkeras(tf.keras.Sequential([layers.Input((64,)), layers.ReLU()]), digits, W4A4)
    with pytest.raises(FpgacompError, match=r"is quantized already. Fix: start from the float"):
        to_qkeras(to_qkeras(mlp, digits, W4A4).model, digits, W4A4)
    with pytest.raises(ModelError, match="it is not built, or a subclassed model"):
        to_qkeras(tf.keras.Sequential([tf.keras.layers.Dense(10)]), digits, W4A4)
    with pytest.raises(UsageError, match="--weight-bits of fc9: there is no such layer"):
        to_qkeras(mlp, digits, QuantizeOptions(weight_bits={"fc9": 2, "*": 4}))


def test_keras_3_models_are_refused(tf, digits):
    keras = pytest.importorskip("keras", minversion="3")
    model = keras.Sequential([keras.layers.Input((64,)), keras.layers.Dense(10)])
    with pytest.raises(ModelError, match=r"no model of Keras 2, .* Fix: build it with tf_keras"):
        to_qkeras(model, digits, W4A4)


def test_steps_err_least():
    levels = IntegerLevels(4, signed=True, narrow=True)
    rows = np.random.default_rng(0).normal(size=(5, 200))
    steps = best_steps(rows, levels, power_of_two=False)
    for share in (0.5, 0.8, 1.25, 2.0):
        assert np.all(error_of(rows, steps, levels) <= error_of(rows, steps * share, levels))
    powers = best_steps(rows, levels, power_of_two=True)
    assert np.all(np.log2(powers) % 1 == 0)
    grey = np.arange(17)[None] / 16
    assert best_steps(grey, IntegerLevels(8, signed=False), power_of_two=True) == 2.0**-7
    assert best_steps(np.zeros((1, 3)), levels, power_of_two=False) > 0
