"""A checkpoint is gone on from by its own run alone: other options, weights or teachers refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.distill import DistillOptions, distill  # noqa: E402
from fpgacomp.compress.factorize.factorize import factorize  # noqa: E402
from fpgacomp.compress.factorize.options import FactorizeOptions  # noqa: E402
from fpgacomp.compress.prune.magnitude import prune_magnitude  # noqa: E402
from fpgacomp.compress.prune.n_of_m import prune_n_of_m  # noqa: E402
from fpgacomp.compress.prune.options import (  # noqa: E402
    ChannelOptions,
    HardwareOptions,
    MagnitudeOptions,
    NOfMOptions,
)
from fpgacomp.compress.prune.structured import prune_channels  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.share import ShareOptions, share  # noqa: E402
from fpgacomp.compress.trainable import from_module  # noqa: E402
from fpgacomp.data.labelled import load_data  # noqa: E402
from fpgacomp.errors import TrainingError  # noqa: E402

pytestmark = pytest.mark.slow  # loading the framework takes seconds


def network(seed=0):
    torch.manual_seed(seed)
    layers = nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU()
    return from_module(nn.Sequential(*layers, nn.Linear(12, 3)), torch.zeros(1, 8))


def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    return load_data(((rng.normal(size=(200, 8)) + 2 * np.eye(3, 8)[y]).astype(np.float32), y))


def quantized(model, data, options, recipe):
    pytest.importorskip("brevitas")
    from fpgacomp.compress.quantize import quantize_aware
    from fpgacomp.compress.quantize.options import QuantizeOptions

    return quantize_aware(model, data, QuantizeOptions(**options), recipe)


def in_hardware(model, data, options, recipe):
    from fpgacomp.compress.prune.hardware import prune_hardware

    def cost(pruned):
        alive = sum(int((p != 0).sum()) for p in pruned.parameters() if p.ndim == 2)
        return dict.fromkeys(("lut", "dsp", "ff", "bram18"), float(alive))

    return prune_hardware(model, data, HardwareOptions(**options), recipe, cost=cost)


def of_class(technique, options_class):
    return lambda model, data, options, recipe: technique(
        model, data, options_class(**options), recipe
    )


def distilled(model, data, options, recipe):
    return distill(network(seed=1), model, data, DistillOptions(**options), recipe)


magnitude = of_class(prune_magnitude, MagnitudeOptions)

TECHNIQUES = {
    "quantize": (quantized, {"weight_bits": 4}, {"weight_bits": 2}),
    "magnitude": (magnitude, {"sparsity": 0.5}, {"sparsity": 0.8}),
    "n of m": (of_class(prune_n_of_m, NOfMOptions), {"n": 2, "m": 4}, {"n": 1, "m": 4}),
    "channels": (of_class(prune_channels, ChannelOptions), {"share": 0.5}, {"share": 0.25}),
    "hardware": (in_hardware, {"saving": 0.3}, {"saving": 0.5}),
    "distill": (distilled, {"temperature": 4.0}, {"temperature": 2.0}),
    "share": (of_class(share, ShareOptions), {"values": 4}, {"values": 8}),
    "factorize": (of_class(factorize, FactorizeOptions), {"rank": 0.25}, {"rank": 0.5}),
}  # fmt: skip


@pytest.mark.parametrize("name", TECHNIQUES)
def test_only_the_same_run_goes_on(name, tmp_path):
    run, options, others = TECHNIQUES[name]
    data = blobs()
    recipe = Recipe(epochs=1, batch=64, checkpoint=tmp_path / "run.pt")

    def weights(found):
        return [value.clone() for value in found.network.state_dict().values()]

    first = weights(run(network(), data, options, recipe))
    again = weights(run(network(), data, options, recipe))
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    for model, wanted in ((network(), others), (network(seed=2), options)):
        with pytest.raises(TrainingError, match="checkpoint of another run"):
            run(model, data, wanted, recipe)
    with pytest.raises(TrainingError, match="checkpoint of another run"):
        run(network(), data, options, replace(recipe, learning_rate=1e-3))
