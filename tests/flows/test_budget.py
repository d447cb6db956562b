"""A budget of LUTs, held by the trained network in the estimate that a user asks for."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")
from torch import nn  # noqa: E402

import fpgacomp  # noqa: E402
from fpgacomp.compress.quantize.options import MixedOptions  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import from_module  # noqa: E402
from fpgacomp.compress.training import train  # noqa: E402
from fpgacomp.data.labelled import load_data  # noqa: E402
from fpgacomp.flows import compress as compression  # noqa: E402
from fpgacomp.results.target import Target  # noqa: E402

pytestmark = pytest.mark.slow  # loading the framework takes seconds


def test_the_boards_estimate_of_the_trained_network_keeps_the_budget():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 240)
    x = 2 * np.eye(3, 6)[y] + 0.5 * rng.normal(size=(240, 6))
    data = load_data((x.astype(np.float32), y))
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3))
    network = from_module(module, torch.zeros(1, 6))
    train(network, data, Recipe(epochs=10, learning_rate=0.02))
    asked = fpgacomp.Options(target=Target("area", 1e5), backend="hls4ml")
    hardware = compression.Hardware(board="pynq-z2", options=asked)

    def luts(model):
        return fpgacomp.estimate(model, "pynq-z2", options=asked).estimate.lut.value

    wide, narrow = (
        luts(compression.quantize(network, data, options=bits, recipe=Recipe(epochs=0)).model)
        for bits in (
            compression.QuantizeOptions(weight_bits=width, activation_bits=width)
            for width in (8, 2)
        )
    )
    search = MixedOptions(
        budget=(wide + narrow) / 2, measure="lut", weight_choices=(2, 4), refinements=1,
        activation_choices=(2, 4), input_choices=(2, 4, 8),
    )  # fmt: skip
    recipe = Recipe(epochs=3, learning_rate=5e-3)
    result = compression.quantize(network, data, options=search, recipe=recipe, hardware=hardware)
    assert luts(result.model) == result.details["used"] <= search.budget
    assert result.details["candidates"]
    assert result.details["input_bits"] in (2, 4, 8)
