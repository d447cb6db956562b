"""Trains a 4-bit CNN on scikit-learn's handwritten digits with Brevitas and exports it as QONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from brevitas.core.scaling import ScalingImplType
from brevitas.export import export_qonnx
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant import Int8WeightPerChannelFloat, Uint8ActPerTensorFloat
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.functional import cross_entropy

HERE = Path(__file__).resolve().parent
BITS = 4
EPOCHS = 60
BATCH = 32


class PixelQuant(Uint8ActPerTensorFloat):
    """Grey levels 0, 1/16 .. 15/16: the scale is fixed at 1/16, white (1) saturates at 15/16."""

    bit_width = BITS
    scaling_impl_type = ScalingImplType.CONST
    scaling_init = 15 / 16


def convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
    """3x3 convolution, normalization, 4-bit ReLU and 2x2 pooling."""
    return [
        QuantConv2d(
            channels_in,
            channels_out,
            kernel_size=3,
            padding=1,
            bias=False,
            weight_quant=Int8WeightPerChannelFloat,
            weight_bit_width=BITS,
        ),
        nn.BatchNorm2d(channels_out),
        QuantReLU(bit_width=BITS),
        nn.MaxPool2d(2),
    ]


def build() -> nn.Sequential:
    """8x8x1 -> 8 channels -> 16 channels -> 10 classes: 1,864 weights."""
    return nn.Sequential(
        QuantIdentity(act_quant=PixelQuant),
        *convolution(1, 8),
        *convolution(8, 16),
        nn.Flatten(),
        QuantLinear(64, 10, bias=True, weight_bit_width=BITS),
    )


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images [N, 1, 8, 8] in 0..1 (raw grey levels are 0..16) and labels, 3/4 for training."""
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    return train_test_split(
        images, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )


def train(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> None:
    """Adam with a one-cycle learning rate over shuffled mini-batches."""
    inputs, targets = torch.from_numpy(images), torch.from_numpy(labels)
    steps = EPOCHS * -(-len(inputs) // BATCH)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)
    model.train()
    for epoch in range(EPOCHS):
        for batch in torch.randperm(len(inputs)).split(BATCH):
            optimizer.zero_grad()
            loss = cross_entropy(model(inputs[batch]), targets[batch])
            loss.backward()
            optimizer.step()
            schedule.step()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1:3d}: loss {loss.item():.4f}")
    model.eval()


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the order of float sums, and so the result, depends on it
    torch.use_deterministic_algorithms(True)
    train_images, test_images, train_labels, test_labels = load()
    model = build()
    train(model, train_images, train_labels)
    with torch.no_grad():
        predicted = model(torch.from_numpy(test_images)).argmax(1).numpy()
    print(f"test accuracy: {np.mean(predicted == test_labels):.4f} of {len(test_labels)} images")
    export_qonnx(
        model,
        torch.from_numpy(test_images[:1]),
        export_path=str(HERE / "model.onnx"),
        dynamo=False,
        input_names=["image"],
        output_names=["scores"],
    )
    np.save(HERE / "test_inputs.npy", test_images)
    np.save(HERE / "test_labels.npy", test_labels)


if __name__ == "__main__":
    main()
