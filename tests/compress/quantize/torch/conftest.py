"""The digits and float networks that know them, made once a session."""

from __future__ import annotations

import copy

import pytest


@pytest.fixture(scope="session")
def digits():
    from sklearn.datasets import load_digits

    from fpgacomp.data.labelled import load_data

    bundle = load_digits()
    return load_data((bundle.images[:, None].astype("float32") / 16, bundle.target))


@pytest.fixture(scope="session")
def trained(digits):
    """A function: torch module -> canonical network, trained on the digits."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("brevitas")
    from fpgacomp.compress.recipe import Recipe
    from fpgacomp.compress.trainable import from_module
    from fpgacomp.compress.training import train

    def make(build, epochs=15):
        torch.manual_seed(0)
        network = from_module(build(), torch.zeros(1, *digits.shape))
        train(network, digits, Recipe(epochs=epochs, learning_rate=0.01))
        return network

    return make


@pytest.fixture(scope="session")
def _cnn(trained):
    from torch import nn

    def build():
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip

    return trained(build, epochs=25)


@pytest.fixture
def float_cnn(_cnn):
    """A copy of the trained float CNN (about 98.5 % on the test split)."""
    return copy.deepcopy(_cnn)
