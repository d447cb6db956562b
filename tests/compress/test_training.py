"""The training loop: repeatable, resumable, interruptible; keeps constraints; names errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.constraints import keep_shared, keep_zeros  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.training import accuracy, scores, train  # noqa: E402
from fpgacomp.data.labelled import load_data  # noqa: E402
from fpgacomp.errors import InputDataError, TrainingError, UsageError  # noqa: E402

pytestmark = pytest.mark.slow  # loading the framework takes seconds


def blobs(seed=0, classes=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, 600)
    x = (rng.normal(size=(600, 8)) + 2 * np.eye(classes, 8)[y]).astype(np.float32)
    return load_data((x, y))


def mlp(seed=0, classes=3):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, classes)
    )


RECIPE = Recipe(epochs=6, learning_rate=0.02, batch=32)


def same(one, other):
    return all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values())
    )


def test_the_same_recipe_gives_the_same_weights_and_leaves_the_callers_random_state():
    data, one, other = blobs(), mlp(), mlp()
    torch.manual_seed(5)
    train(one, data, RECIPE)
    drawn = torch.rand(1)
    train(other, data, RECIPE)
    assert same(one, other)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))
    another = mlp()
    train(another, data, replace(RECIPE, seed=1))
    assert not same(one, another)


def test_it_learns_and_keeps_the_best_epoch():
    data, network = blobs(), mlp()
    before = accuracy(network, data.test)
    history = train(network, data, RECIPE)
    assert accuracy(network, data.test) > max(0.75, before + 0.2)
    best = max(history.epochs, key=lambda e: (e.score, -e.validation_loss))
    assert history.best == best
    assert accuracy(network, data.validation) == pytest.approx(best.score)
    assert not network.training


def test_the_test_split_changes_nothing():
    data, one, other = blobs(), mlp(), mlp()
    train(one, data, RECIPE)
    noise = replace(data.test, y=1 - data.test.y.clip(0, 1), x=-data.test.x)
    train(other, replace(data, test=noise), RECIPE)
    assert same(one, other)


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_an_interrupted_run_keeps_its_best_and_resumes_to_the_same_weights(tmp_path, stop):
    data, whole, part = blobs(), mlp(), mlp()
    train(whole, data, RECIPE)
    recipe = replace(RECIPE, checkpoint=tmp_path / "run.pt")

    def interrupt(what, epoch):
        if epoch.number == stop + 1:
            raise KeyboardInterrupt

    history = train(part, data, recipe, observer=interrupt)
    assert history.interrupted
    assert accuracy(part, data.validation) == pytest.approx(history.best.score)
    resumed = mlp()
    again = train(resumed, data, recipe)
    assert not again.interrupted
    assert [e.number for e in again.epochs] == [1, 2, 3, 4, 5, 6]
    assert same(whole, resumed)


def test_ctrl_c_before_the_first_epoch_is_passed_on():
    def interrupted(network, x, y):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(mlp(), blobs(), RECIPE, loss=interrupted)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    recipe = replace(RECIPE, checkpoint=tmp_path / "run.pt")
    train(mlp(), blobs(), recipe)
    with pytest.raises(TrainingError, match="another run: its network, data, recipe or options"):
        train(mlp(), blobs(seed=1), recipe)
    (tmp_path / "run.pt").write_bytes(b"nonsense")
    with pytest.raises(TrainingError, match="is no checkpoint"):
        train(mlp(), blobs(), recipe)


def test_a_loss_that_is_not_a_number_names_epoch_and_remedy():
    network = mlp()
    with torch.no_grad():
        network[0].weight[0, 0] = float("nan")
    with pytest.raises(
        TrainingError, match=r"epoch 1: the loss is nan at step 1 of \d+.*lower the"
    ):
        train(network, blobs(), RECIPE)


def test_labels_without_an_output_are_refused():
    with pytest.raises(InputDataError, match="is 2, the network has 2 classes"):
        train(mlp(classes=2), blobs(), RECIPE)


def test_zeros_and_shared_values_survive():
    data, network = blobs(), mlp()
    kept = torch.rand(16, 8, generator=torch.Generator().manual_seed(0)) > 0.5
    keep_zeros(network[0], kept)
    indices = torch.randint(0, 4, (3, 16), generator=torch.Generator().manual_seed(0))
    keep_shared(network[4], indices)
    before = network[4].weight.detach().clone()
    train(network, data, replace(RECIPE, weight_decay=0.1))
    assert torch.equal(network[0].weight != 0, kept)
    assert len(network[4].weight.unique()) == 4
    assert not torch.equal(before, network[4].weight)


def test_a_network_that_ends_in_a_softmax_learns_as_well():
    data = blobs()
    network = nn.Sequential(*mlp(), nn.Softmax(dim=1))
    history = train(network, data, RECIPE)
    assert accuracy(network, data.test) > 0.75
    assert np.allclose(scores(network, data.test.x).sum(axis=1), 1, atol=1e-5)
    assert history.best.validation_loss < 0.7


@pytest.mark.parametrize(
    "wrong", [{"epochs": -1}, {"batch": 1}, {"learning_rate": 0.0}, {"weight_decay": -1.0}]
)
def test_recipes_that_make_no_sense(wrong):
    with pytest.raises(UsageError, match="use"):
        Recipe(**wrong)
