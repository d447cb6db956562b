"""Trains a float Keras MLP (float_mlp.h5) and quantizes it with QKeras."""

from __future__ import annotations

from pathlib import Path

from examples.compression.digits import pixels
from examples.compression.figures import Promise, judge, row
from fpgacomp.compress.quantize import QuantizeOptions
from fpgacomp.compress.quantize.keras.train import train_keras
from fpgacomp.compress.recipe import Recipe
from fpgacomp.data.labelled import load_data
from fpgacomp.flows import compress as compression
from fpgacomp.host.keras2 import tensorflow

FLOAT_MLP = Path(__file__).resolve().parent / "float_mlp.h5"
RECIPE = Recipe(epochs=40, learning_rate=5e-3)
RUNS = {
    "qkeras W8A8": QuantizeOptions(),
    "qkeras W4A4": QuantizeOptions(weight_bits=4, activation_bits=4, first_last_bits=None),
    "qkeras W2A2, 8-bit ends": QuantizeOptions(weight_bits=2, activation_bits=2),
    "qkeras ternary A4": QuantizeOptions(weight_bits="ternary", activation_bits=4),
}


def build():  # type: ignore[no-untyped-def]
    """64 -> 64 -> 32 -> 10, ReLU between and a softmax behind: 6,464 weights."""
    tf = tensorflow()
    tf.keras.utils.set_random_seed(0)
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.Input((64,), name="pixels"),
            layers.Dense(64, activation="relu", name="fc1"),
            layers.Dense(32, activation="relu", name="fc2"),
            layers.Dense(10, activation="softmax", name="fc3"),
        ]
    )


def main() -> None:
    data = load_data(pixels)
    model = build()
    train_keras(model, data, RECIPE)
    model.save(FLOAT_MLP, include_optimizer=False)
    found = {}
    for name, options in RUNS.items():
        result = compression.quantize(FLOAT_MLP, data, options=options, recipe=RECIPE)
        if not found:
            row("float Keras MLP", result.before)
        found[name] = result.after
        row(name, result.after)
    judge(
        Promise("W4A4 within 1 point of the float model",
                found["qkeras W4A4"] >= result.before - 0.01),
    )  # fmt: skip


if __name__ == "__main__":
    main()
