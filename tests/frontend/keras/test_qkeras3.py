"""QKeras models that Keras 3 saved are read as the same model of Keras 2."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.errors import ModelError, UnsupportedLayer
from fpgacomp.frontend.keras.qkeras3 import names_qkeras, to_keras_2
from tests.support.keras_files import (
    Config,
    entry,
    functional_3,
    object_3,
    sequential,
    write_hdf5_3,
    write_keras_3,
)

pytest.importorskip("h5py")
NEEDS_TENSORFLOW = pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)

RANDOM = np.random.default_rng(0)
KERNEL, BIAS = RANDOM.normal(size=(6, 4)).astype("f4"), RANDOM.normal(size=4).astype("f4")
NORM = [RANDOM.uniform(0.5, 2, 4).astype("f4") for _ in range(4)]
LAST = RANDOM.normal(size=(4, 3)).astype("f4")


def quantizer(name: str, **config: Any) -> Config:
    return object_3("qkeras.quantizers", name, config)


def qkeras_layer(module: str, kind: str, source: str, **config: Any) -> Config:
    """A layer of QKeras; its initializers and policies are written as Keras 3 does."""
    common = {
        "trainable": True,
        "dtype": object_3("keras", "DTypePolicy", {"name": "float32"}),
        "kernel_initializer": object_3("keras.initializers", "HeNormal", {"seed": None}),
        "kernel_constraint": object_3("qkeras.qlayers", "Clip", {"min_value": -1}),
        "kernel_range": None,
    }
    return object_3(f"qkeras.{module}", kind, {**common, **config}, source)


def network(**dense: Any) -> Config:
    """x -> 8 bits -> QDense -> QBatchNormalization -> ReLU -> + itself -> QDense."""
    bits = {"alpha": 1, "qnoise_factor": 1.0, "post_training_scale": None}
    return functional_3(
        [
            object_3("keras.layers", "InputLayer", {"name": "x", "batch_shape": [None, 6]}),
            qkeras_layer(
                "qlayers", "QActivation", "x", name="in",
                activation=quantizer("quantized_bits", bits=8, integer=3, **bits),
            ),
            qkeras_layer(
                "qlayers", "QDense", "in", name="fc1", units=4, activation="linear",
                kernel_quantizer=quantizer("quantized_linear", bits=4, alpha="auto_po2"),
                bias_quantizer=quantizer("quantized_bits", bits=6, integer=1, **bits),
                **{"quantization_config": None, **dense},
            ),
            qkeras_layer(
                "qnormalization", "QBatchNormalization", "fc1", name="bn", renorm=False,
                renorm_clipping=None, renorm_momentum=0.99, gamma_quantizer=None,
                beta_quantizer=None, mean_quantizer=None, variance_quantizer=None,
            ),
            qkeras_layer(
                "qlayers", "QActivation", "bn", name="act", activation="quantized_relu(4, 2)"
            ),
            object_3("keras.layers", "Add", {"name": "sum"}, "act", "act"),
            qkeras_layer(
                "qlayers", "QDense", "sum", name="fc2", units=3, use_bias=False,
                kernel_quantizer="ternary(alpha=1)", activation=quantizer("quantized_tanh", bits=6),
            ),
        ],
        "x", "fc2",
    )  # fmt: skip


NUMBERED = {"fc1": [KERNEL, BIAS], "bn": NORM, "fc2": [LAST], "in": [], "act": [], "sum": []}
NAMED = {
    "fc1": {"kernel": KERNEL, "bias": BIAS},
    "bn": dict(zip(("gamma", "beta", "moving_mean", "moving_variance"), NORM)),
    "fc2": {"kernel": LAST},
}


def the_same_in_keras_2() -> Any:
    from fpgacomp.frontend.keras import tensorflow

    keras = tensorflow().keras
    import qkeras as q

    plain = dict.fromkeys(("gamma_quantizer", "beta_quantizer", "mean_quantizer"))
    x = keras.Input((6,))
    y = q.QActivation("quantized_bits(8, 3, alpha=1)")(x)
    kernel = q.get_quantizer("quantized_linear(4, alpha='auto_po2')")
    fc1 = q.QDense(4, kernel_quantizer=kernel, bias_quantizer="quantized_bits(6, 1, alpha=1)")
    bn = q.QBatchNormalization(**plain, variance_quantizer=None)
    y = q.QActivation("quantized_relu(4, 2)")(bn(fc1(y)))
    last = {"use_bias": False, "kernel_quantizer": "ternary(alpha=1)"}
    fc2 = q.QDense(3, **last, activation="quantized_tanh(6)")
    model = keras.Model(x, fc2(keras.layers.Add()([y, y])))
    for layer, weights in ((fc1, [KERNEL, BIAS]), (bn, NORM), (fc2, [LAST])):
        layer.set_weights(weights)
    return model


@pytest.mark.slow
@NEEDS_TENSORFLOW
def test_it_answers_as_the_same_model_of_keras_2(tmp_path: Path) -> None:
    from fpgacomp.frontend.keras import export_keras, load_keras

    x = (np.random.default_rng(1).integers(-96, 96, (32, 6)) / 32).astype("f4")
    wanted = the_same_in_keras_2().predict(x, verbose=0)
    files = [
        write_keras_3(tmp_path / "m.keras", network(), NUMBERED),
        write_hdf5_3(tmp_path / "m.h5", network(), NAMED),
    ]
    for path in files:
        model = load_keras(path)
        assert np.array_equal(model.predict(x, verbose=0), wanted)
        assert export_keras(model).graph.node


@pytest.mark.slow
@NEEDS_TENSORFLOW
def test_weights_that_are_missing_or_do_not_fit_are_named(tmp_path: Path) -> None:
    from fpgacomp.frontend.keras import load_keras

    lacks = {**NUMBERED, "bn": NORM[:2]}
    with pytest.raises(ModelError, match=r"it holds no weight bn/moving_mean"):
        load_keras(write_keras_3(tmp_path / "lacks.keras", network(), lacks))
    other = {**NUMBERED, "fc2": [LAST.T]}
    with pytest.raises(ModelError, match=r"has the shape \(3, 4\), not \(4, 3\)"):
        load_keras(write_keras_3(tmp_path / "other.keras", network(), other))


class FakeDense:
    """Stands for a class of Keras 2."""

    def __init__(self, units: int, name: str = "", kernel_quantizer: Any = None) -> None:
        self.units = units


def translated(config: Config) -> Config:
    model = sequential(entry("QDense", {"name": "here", "units": 2, **config}))
    return to_keras_2(model, {"QDense": FakeDense})["config"]["layers"][1]["config"]


def test_settings_of_training_and_those_switched_off_are_dropped() -> None:
    off = {"kernel_initializer": entry("HeNormal"), "kernel_range": 3, "lora_rank": None}
    assert translated(off | {"kernel_quantizer": None}) == {
        "name": "here",
        "units": 2,
        "kernel_quantizer": None,
    }


def test_settings_and_classes_that_keras_2_lacks_are_refused() -> None:
    with pytest.raises(UnsupportedLayer, match=r"layer here \(QDense\): its setting lora_rank"):
        translated({"lora_rank": 4})
    with pytest.raises(UnsupportedLayer, match=r"layer \? \(QMac\): class QMac is not there"):
        to_keras_2(sequential(entry("QMac")), {})
    steep = entry("Activation", {"name": "here", "activation": "hard_sigmoid"})
    with pytest.raises(UnsupportedLayer, match=r"layer here .* another slope in Keras 3"):
        to_keras_2(sequential(steep), {})


def test_qkeras_is_found_wherever_it_stands() -> None:
    assert names_qkeras(network())
    inside = entry("TimeDistributed", {"layer": object_3("qkeras.qlayers", "QDense", {})})
    assert names_qkeras(sequential(inside))
    assert not names_qkeras(sequential(entry("Dense", module="keras.layers")))
