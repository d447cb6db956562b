"""The digits, and a float network that knows them; both made once a session."""

from __future__ import annotations

import copy

import pytest


@pytest.fixture(scope="session")
def digits():
    from sklearn.datasets import load_digits

    from fpgacomp.compress.data import load_data

    bundle = load_digits()
    return load_data((bundle.images[:, None].astype("float32") / 16, bundle.target))


@pytest.fixture(scope="session")
def _trained(digits):
    torch = pytest.importorskip("torch")
    from torch import nn

    from fpgacomp.compress.network import from_module
    from fpgacomp.compress.recipe import Recipe
    from fpgacomp.compress.training import train

    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    network = from_module(module, torch.zeros(1, 1, 8, 8))
    train(network, digits, Recipe(epochs=15, learning_rate=0.01))
    return network


@pytest.fixture
def float_cnn(_trained):
    """A copy of the trained float CNN (about 98 to 99 % on the test split)."""
    return copy.deepcopy(_trained)
