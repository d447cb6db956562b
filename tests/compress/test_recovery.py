"""What training after pruning keeps and tells: calm epochs only, and a fall of the score."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.outcome import TechniqueOutcome  # noqa: E402
from fpgacomp.compress.prune.hardware import prune_hardware  # noqa: E402
from fpgacomp.compress.prune.options import ChannelOptions, HardwareOptions  # noqa: E402
from fpgacomp.compress.prune.structured import prune_channels  # noqa: E402
from fpgacomp.compress.recipe import Epoch, History, Recipe  # noqa: E402
from fpgacomp.compress.recovery import CalmEpochs, mixtures, tell_fall, with_mixtures  # noqa: E402
from fpgacomp.compress.trainable import from_module, weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy, train  # noqa: E402
from fpgacomp.data.labelled import load_data  # noqa: E402

pytestmark = pytest.mark.slow  # loading the framework takes seconds

RECIPE = Recipe(epochs=10, learning_rate=5e-3)


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 6, 600)
    centres = 2.5 * rng.normal(size=(6, 8))
    return load_data(((centres[y] + rng.normal(size=(600, 8))).astype(np.float32), y))


@pytest.fixture(scope="module")
def trained(blobs):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU())
    network = from_module(nn.Sequential(*module, nn.Linear(16, 6)), torch.zeros(1, 8))
    train(network, blobs, Recipe(epochs=30, learning_rate=0.01))
    return network


def cost(network):
    alive = sum(int(layer.weight.count_nonzero()) for layer in weight_layers(network).values())
    return dict.fromkeys(("lut", "dsp", "ff", "bram18"), float(alive))


def test_only_a_late_epoch_is_kept(trained, blobs):
    history = train(trained, blobs, RECIPE, constraints=[CalmEpochs()])
    assert history.best is not None
    assert history.best.number >= 8
    assert not any(epoch.best for epoch in history.epochs[:7])
    single = train(trained, blobs, Recipe(epochs=1), constraints=[CalmEpochs()])
    assert single.best is not None, "the only epoch is the last one"


def test_mixtures_lie_between_two_samples_of_the_batch():
    torch.manual_seed(0)
    x = torch.rand(16, 2, 3)
    for mixture in mixtures(x):
        between = [
            (mixture - x[i]).mul(mixture - x[j]) <= 1e-6 for i in range(16) for j in range(i + 1)
        ]
        assert any(bool(inside.all()) for inside in between)


def test_mixtures_are_compared_without_labels(trained, blobs):
    seen = []

    def guided(network, x, y):
        seen.append(x)
        return network(x).sum() * 0 + 1.0

    def matched(network, x, y):
        seen.append(x)
        return network(x).sum() * 0 + 3.0

    x, y = torch.from_numpy(blobs.train.x[:8]), torch.from_numpy(blobs.train.y[:8])
    assert with_mixtures(guided, matched)(trained, x, y).item() == 2.0
    mixed, plain = seen
    assert torch.equal(plain, x)
    assert mixed.shape == x.shape and not torch.equal(mixed, x)


@pytest.mark.parametrize(("fall", "told"), [(0.4, True), (0.019, False), (-0.01, False)])
def test_a_fall_is_told_with_both_figures(trained, blobs, fall, told):
    before = accuracy(trained, blobs.validation)
    epoch = Epoch(1, 1, 0.1, before - fall, 0.1, True)
    outcome = TechniqueOutcome(None, History((epoch,), epoch))
    scores = f"{100 * before:.2f} % to {100 * (before - fall):.2f} %"
    text = f"the score on the validation split fell from {scores}: less"
    assert tell_fall(trained, blobs, outcome, "less").notes == ((text,) if told else ())


def test_an_untrained_network_tells_no_fall(trained, blobs):
    for history in (None, History()):
        assert tell_fall(trained, blobs, TechniqueOutcome(None, history), "less").notes == ()


def test_too_much_hardware_saved_is_told(trained, blobs):
    """Nine weights of ten gone from 672: no training brings six classes back."""
    outcome = prune_hardware(trained, blobs, HardwareOptions(saving=0.97), RECIPE, cost=cost)
    assert any("fell from" in note and "save less than 97%" in note for note in outcome.notes)
    little = prune_hardware(trained, blobs, HardwareOptions(saving=0.1), RECIPE, cost=cost)
    assert not any("fell from" in note for note in little.notes)


def test_too_few_channels_are_told(trained, blobs):
    options = ChannelOptions(share=0.95, rounds=1)
    outcome = prune_channels(trained, blobs, options, RECIPE)
    assert any("fell from" in note and "remove fewer channels" in note for note in outcome.notes)
