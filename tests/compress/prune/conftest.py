"""The digits, a float network that knows them, and its 4-bit form; made once a session."""

from __future__ import annotations

import copy

import pytest


@pytest.fixture(scope="session")
def digits():
    from sklearn.datasets import load_digits

    from fpgacomp.data.labelled import load_data

    bundle = load_digits()
    return load_data((bundle.images[:, None].astype("float32") / 16, bundle.target))


def convolution(ins, outs):
    from torch import nn

    parts = [nn.Conv2d(ins, outs, 3, padding=1), nn.BatchNorm2d(outs), nn.ReLU(), nn.MaxPool2d(2)]
    return parts


@pytest.fixture(scope="session")
def _trained(digits):
    torch = pytest.importorskip("torch")
    from torch import nn

    from fpgacomp.compress.recipe import Recipe
    from fpgacomp.compress.trainable import from_module
    from fpgacomp.compress.training import train

    torch.manual_seed(0)
    module = nn.Sequential(
        *convolution(1, 16), *convolution(16, 32),
        nn.Flatten(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    network = from_module(module, torch.zeros(1, 1, 8, 8))
    train(network, digits, Recipe(epochs=15, learning_rate=0.01))
    return network


@pytest.fixture
def float_cnn(_trained):
    """A copy of the trained float CNN (about 98 to 99 % on the test split)."""
    return copy.deepcopy(_trained)


@pytest.fixture(scope="session")
def _quantized(digits):
    torch = pytest.importorskip("torch")
    pytest.importorskip("brevitas")
    from torch import nn

    from fpgacomp.compress.quantize.options import QuantizeOptions
    from fpgacomp.compress.quantize.torch.transform import quantize
    from fpgacomp.compress.recipe import Recipe
    from fpgacomp.compress.trainable import from_module
    from fpgacomp.compress.training import train

    torch.manual_seed(0)
    module = nn.Sequential(*convolution(1, 8), *convolution(8, 16), nn.Flatten(), nn.Linear(64, 10))
    small = from_module(module, torch.zeros(1, 1, 8, 8))
    train(small, digits, Recipe(epochs=20, learning_rate=0.01))
    options = QuantizeOptions(
        weight_bits=4, activation_bits=4, input_bits=4, first_last_bits=None
    )  # fmt: skip
    network = quantize(small, digits, options).network
    train(network, digits, Recipe(epochs=10, learning_rate=5e-3))
    return network


@pytest.fixture
def quantized_cnn(_quantized):
    """A copy of a smaller CNN in 4 bits (1,864 weights, about 97 % on the test split)."""
    return copy.deepcopy(_quantized)
