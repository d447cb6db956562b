"""The digits as Keras takes them, and a float model that knows them, made once a session."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


@pytest.fixture(scope="session")
def tf():
    # Not importorskip: TensorFlow has to be told of Keras 2 before it is imported.
    missing = [name for name in ("tf_keras", "qkeras") if find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    from fpgacomp.host.keras2 import tensorflow

    return tensorflow()


@pytest.fixture(scope="session")
def digits():
    """x [N, 64]"""
    from sklearn.datasets import load_digits

    from fpgacomp.data.labelled import load_data

    bundle = load_digits()
    return load_data(((bundle.data / 16).astype("float32"), bundle.target))


@pytest.fixture(scope="session")
def images():
    """x [N, 8, 8, 1]"""
    from sklearn.datasets import load_digits

    from fpgacomp.data.labelled import load_data

    bundle = load_digits()
    return load_data(((bundle.images[..., None] / 16).astype("float32"), bundle.target))


@pytest.fixture(scope="session")
def make_mlp(tf):
    """A function: an untrained MLP, always the same."""

    def make(last="softmax", dropout=0.0):
        tf.keras.utils.set_random_seed(0)
        layers = tf.keras.layers
        return tf.keras.Sequential(
            [
                layers.Input((64,), name="pixels"),
                layers.Dense(64, "relu", name="fc1"),
                layers.Dropout(dropout, name="drop"),
                layers.Dense(32, name="fc2"),
                layers.Activation("relu", name="act2"),
                layers.Dense(10, last, name="fc3"),
            ],
            name="mlp",
        )

    return make


@pytest.fixture(scope="session")
def mlp(make_mlp, digits):
    """The trained float MLP: to be left as it is."""
    from fpgacomp.compress.quantize.keras.train import train_keras
    from fpgacomp.compress.recipe import Recipe

    model = make_mlp()
    train_keras(model, digits, Recipe(epochs=20, batch=32, learning_rate=0.01, weight_decay=0.05))
    return model
