"""Keras layers beside Dense and convolution: merges, wrappers, other axes, activations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.errors import Problems, ToolError, UnsupportedLayer
from fpgacomp.frontend.keras import export_keras, load_keras, tensorflow
from tests.support.keras_models import execute, on_grid, operators, randomized

pytestmark = pytest.mark.slow

try:
    tf = tensorflow()
except ToolError as missing:
    pytest.skip(str(missing), allow_module_level=True)
L = tf.keras.layers
Q = pytest.importorskip("qkeras")
W, B = "quantized_bits(4, 0, alpha=1)", "quantized_bits(6, 1, alpha=1)"


def assert_answers_as_keras(model: Any) -> list[str]:
    """Compare the export with `predict`; returns the exported operators."""
    exported = export_keras(model)
    x = on_grid(tuple(model.inputs[0].shape)[1:], count=3)
    wanted = model.predict(x, verbose=0)
    assert wanted.any()
    assert np.abs(execute(exported, x) - wanted).max() <= 1e-6 * max(1.0, np.abs(wanted).max())
    return operators(exported)


def sequential(*layers: Any) -> Any:
    return randomized(tf.keras.Sequential(list(layers)))


def merged(merge: str, *, over_one_position: bool = False) -> Any:
    """A network that merges two images, or an image and what holds for all of it."""
    x = L.Input((4, 4, 2))
    image, other = L.Conv2D(3, 3, padding="same")(x), L.Conv2D(3, 1)(x)
    if over_one_position:
        other = L.GlobalAveragePooling2D(keepdims=True)(other)
    return randomized(tf.keras.Model(x, getattr(L, merge)()([image, other])))


MERGES = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")


@pytest.mark.parametrize("merge", MERGES)
def test_merges_of_two_images(merge: str) -> None:
    assert_answers_as_keras(merged(merge))


@pytest.mark.parametrize("merge", ["Add", "Multiply"])
def test_a_single_position_is_repeated_where_it_meets_an_image(merge: str) -> None:
    assert "Resize" in assert_answers_as_keras(merged(merge, over_one_position=True))


def test_channels_are_not_repeated() -> None:
    x = L.Input((4, 4, 3))
    model = tf.keras.Model(x, L.Multiply(name="here")([x, L.Conv2D(1, 1)(x)]))
    with pytest.raises(UnsupportedLayer, match=r"layer here \(Multiply\): .* repeat channels"):
        export_keras(model)


@pytest.mark.parametrize("axis", [1, 2, -2, -1])
def test_concatenations_over_every_axis(axis: int) -> None:
    x = L.Input((4, 4, 2))
    parts = [L.Conv2D(3, 3, padding="same")(x), L.Conv2D(3, 1)(x)]
    assert_answers_as_keras(randomized(tf.keras.Model(x, L.Concatenate(axis=axis)(parts))))


def test_normalizations_over_every_axis() -> None:
    image = (L.BatchNormalization(axis=axis) for axis in (1, 2, 3))
    assert_answers_as_keras(sequential(L.Input((5, 4, 3)), *image))
    assert_answers_as_keras(sequential(L.Input((5, 3)), Q.QBatchNormalization(axis=1)))


OVER_TIME = {
    "window": [
        L.Input((3, 8, 2)),
        L.TimeDistributed(L.Conv1D(4, 3, padding="same", strides=2)),
        L.TimeDistributed(L.MaxPooling1D(2)),
        L.TimeDistributed(L.BatchNormalization()),
        L.TimeDistributed(L.Flatten()),
        L.TimeDistributed(Q.QDense(6, kernel_quantizer=W, bias_quantizer=B)),
        L.TimeDistributed(L.BatchNormalization()),
        L.TimeDistributed(L.LeakyReLU(0.5)),
    ],
    "separable": [
        L.Input((3, 8, 2)),
        L.TimeDistributed(
            Q.QSeparableConv1D(4, 3, depthwise_quantizer=W, pointwise_quantizer=W, bias_quantizer=B)
        ),
        L.TimeDistributed(L.Activation("relu")),
        L.TimeDistributed(L.Reshape((4, -1))),
    ],
}


@pytest.mark.parametrize("name", OVER_TIME)
def test_layers_over_time(name: str) -> None:
    assert_answers_as_keras(sequential(*OVER_TIME[name]))


def test_what_runs_once_per_step_is_refused() -> None:
    model = sequential(L.Input((3, 8, 8, 2)), L.TimeDistributed(L.Conv2D(4, 3), name="here"))
    with pytest.raises(UnsupportedLayer, match=r"runs Conv2D once for each of 3 steps.*per step"):
        export_keras(model)


def test_crops_and_layers_that_do_nothing() -> None:
    layers = [
        L.Input((5, 6, 3)),
        L.RandomFlip(),
        L.Cropping2D(((1, 0), (2, 1))),
        L.Conv2D(2, 2),
        L.Cropping2D(((1, 0), (0, 1))),
    ]
    assert_answers_as_keras(sequential(*layers))
    assert_answers_as_keras(sequential(L.Input((7, 3)), L.Cropping1D((1, 2))))


def test_scalings_of_the_input() -> None:
    values = {"mean": [0.5, 1.0, -1.0], "variance": [0.25, 1.0, 4.0]}
    scalings = [L.Normalization(**values), L.Rescaling(0.5, [1.0, 2.0, 3.0])]
    assert_answers_as_keras(sequential(L.Input((4, 3)), *scalings))
    back = L.Normalization(**values, invert=True)
    assert_answers_as_keras(sequential(L.Input((4, 3)), back))


FUNCTIONS = ("softplus", "softsign", "mish", "elu", "selu", "gelu", "swish", "hard_sigmoid")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_activation_functions(function: str) -> None:
    assert_answers_as_keras(sequential(L.Input((4,)), L.Dense(3, activation=function)))


def test_activation_layers() -> None:
    layers = [L.ThresholdedReLU(0.5), L.Activation(Q.hard_sigmoid), L.Activation("tanh")]
    assert_answers_as_keras(sequential(L.Input((4,)), *layers))


REFUSED = {
    "LSTM": (L.LSTM(2), "carries a state from step to step.*Conv1D"),
    "GRU": (L.GRU(2), "carries a state"),
    "LayerNormalization": (L.LayerNormalization(), "statistics of each input.*BatchNorm"),
    "Conv1DTranspose": (L.Conv1DTranspose(2, 2), "transposed convolution.*UpSampling"),
    "Masking": (L.Masking(), "depending on the values.*full length"),
    "RepeatVector": (L.Reshape((12,)), "write it out"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_each_kind_of_layer_has_one_remedy(kind: str) -> None:
    layer, message = REFUSED[kind]
    layers = [layer, L.RepeatVector(2)] if kind == "RepeatVector" else [layer]
    with pytest.raises((UnsupportedLayer, Problems), match=message):
        export_keras(sequential(L.Input((6, 2)), *layers))


def pruned() -> Any:
    """A network under tfmot's wrappers, with a mask that its weights do not follow yet."""
    sparsity = pytest.importorskip("tensorflow_model_optimization").sparsity.keras
    prune = sparsity.prune_low_magnitude
    model = sequential(
        L.Input((6, 6, 2)),
        prune(L.Conv2D(3, 3), sparsity.PolynomialDecay(0.0, 0.5, 0, 10)),
        L.Flatten(),
        prune(Q.QDense(4, kernel_quantizer=W, bias_quantizer=B), sparsity.ConstantSparsity(0.5, 0)),
        Q.QActivation("quantized_relu(4)"),
        prune(L.Dense(2)),
    )
    random = np.random.default_rng(3)
    for layer in model.layers:
        for _, mask, _ in getattr(layer, "pruning_vars", ()):
            mask.assign(random.integers(0, 2, mask.shape).astype(np.float32))
    return model


def test_pruning_is_taken_off_and_its_mask_applied(tmp_path: Path) -> None:
    model = pruned()
    masks = [
        mask.numpy() for layer in model.layers for _, mask, _ in getattr(layer, "pruning_vars", ())
    ]
    for suffix in (".h5", ".keras"):  # saved before `predict`, which masks the weights
        model.save(tmp_path / f"pruned{suffix}")
    x = on_grid((6, 6, 2), count=3)
    wanted = model.predict(x, verbose=0)
    for suffix in (".h5", ".keras"):
        loaded = load_keras(tmp_path / f"pruned{suffix}")
        kinds = [type(layer).__name__ for layer in loaded.layers]
        assert kinds == ["Conv2D", "Flatten", "QDense", "QActivation", "Dense"]
        kernels = [layer.kernel.numpy() for layer in loaded.layers if hasattr(layer, "kernel")]
        assert all(not kernel[mask == 0].any() for kernel, mask in zip(kernels, masks))
        assert np.array_equal(loaded.predict(x, verbose=0), wanted)
        assert np.abs(execute(export_keras(loaded), x) - wanted).max() <= 1e-5
    assert_answers_as_keras(model)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_quantizers_that_are_objects_are_read_back(tmp_path: Path, suffix: str) -> None:
    model = sequential(
        L.Input((6,)),
        Q.QActivation(Q.quantized_bits(6, 2, alpha=1)),
        Q.QDense(
            3,
            kernel_quantizer=Q.get_quantizer("quantized_linear(4)"),
            bias_quantizer=Q.quantized_bits(6, 1, alpha=1),
            activation=Q.quantized_hswish(6, 2),
        ),
        L.Activation(Q.quantized_relu(4, 2)),
    )
    model.save(tmp_path / f"model{suffix}")
    loaded = load_keras(tmp_path / f"model{suffix}")
    x = on_grid((6,), count=3)
    assert np.array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert operators(export_keras(loaded)) == operators(export_keras(model))
