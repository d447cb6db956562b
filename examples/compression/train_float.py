"""Trains the float CNN that the compression examples start from: float_cnn.onnx."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import nn

from examples.compression.digits import images
from fpgacomp.compress.recipe import Recipe
from fpgacomp.compress.trainable import from_module, to_onnx
from fpgacomp.compress.training import accuracy, train
from fpgacomp.data.labelled import load_data

HERE = Path(__file__).resolve().parent


def build() -> nn.Sequential:
    """8x8x1 -> 16 -> 32 channels -> 64 -> 10 classes: 13,584 weights."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def main() -> None:
    torch.manual_seed(0)
    network = from_module(build(), torch.zeros(1, 1, 8, 8))
    data = load_data(images)
    train(network, data, Recipe(epochs=30, learning_rate=0.005))
    print(f"test accuracy: {accuracy(network, data.test):.4f} of {len(data.test)} images")
    onnx.save(to_onnx(network, (1, 8, 8)), HERE / "float_cnn.onnx")


if __name__ == "__main__":
    main()
