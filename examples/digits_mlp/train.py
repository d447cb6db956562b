"""Trains a 6-bit MLP on scikit-learn's handwritten digits with QKeras and exports it as QONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fpgacomp.frontend.keras import export_keras, tensorflow

tf = tensorflow()  # before qkeras: it selects the Keras that QKeras is written for
from qkeras import QActivation, QDense  # noqa: E402

HERE = Path(__file__).resolve().parent
EPOCHS = 60
WEIGHTS = "quantized_bits(6, 0, alpha=1)"
BIAS = "quantized_bits(6, 0, alpha=1)"


def build() -> tf.keras.Model:
    """64 -> 32 -> 32 -> 10, all weights, biases and activations in 6 bits: 3,392 weights."""
    return tf.keras.Sequential(
        [
            tf.keras.layers.Input((64,), name="pixels"),
            QActivation("quantized_bits(6, 1, keep_negative=False)", name="grey"),
            QDense(32, kernel_quantizer=WEIGHTS, bias_quantizer=BIAS, name="fc1"),
            QActivation("quantized_relu(6, 2)", name="relu1"),
            QDense(32, kernel_quantizer=WEIGHTS, bias_quantizer=BIAS, name="fc2"),
            QActivation("quantized_relu(6, 2)", name="relu2"),
            QDense(10, kernel_quantizer=WEIGHTS, bias_quantizer=BIAS, name="fc3"),
            tf.keras.layers.Softmax(name="softmax"),
        ],
        name="digits_mlp",
    )


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images [N, 64] in 0..1 (raw grey levels are 0..16) and labels, 3/4 for training."""
    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)
    return train_test_split(
        images, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )


def main() -> None:
    tf.keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    train_images, test_images, train_labels, test_labels = load()
    model = build()
    steps = EPOCHS * -(-len(train_images) // 32)
    rate = tf.keras.optimizers.schedules.CosineDecay(0.005, steps)
    model.compile(tf.keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(train_images, train_labels, batch_size=32, epochs=EPOCHS, verbose=0)
    predicted = model.predict(test_images, verbose=0).argmax(1)
    print(f"test accuracy: {np.mean(predicted == test_labels):.4f} of {len(test_labels)} images")
    export_keras(model, path=HERE / "model.onnx")
    np.save(HERE / "test_inputs.npy", test_images)
    np.save(HERE / "test_labels.npy", test_labels)


if __name__ == "__main__":
    main()
