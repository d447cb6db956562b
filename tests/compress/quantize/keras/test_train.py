"""Training of Keras models: repeatable, resumable, interruptible, and refusals."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from fpgacomp.compress.quantize.keras.losses import ending_of
from fpgacomp.compress.quantize.keras.schedule import learning_rate_at
from fpgacomp.compress.quantize.keras.scores import keras_accuracy, keras_scores
from fpgacomp.compress.quantize.keras.train import train_keras
from fpgacomp.compress.recipe import Recipe
from fpgacomp.data.labelled import Samples
from fpgacomp.errors import InputDataError, TrainingError

pytestmark = pytest.mark.slow  # they train

SHORT = Recipe(epochs=3, batch=64, learning_rate=0.01)


def _equal(one, other):
    weights = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in weights)


def test_schedule_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=41)
    for step in range(40):
        wanted = optimizer.param_groups[0]["lr"]
        assert learning_rate_at(step, 40, 0.02) == pytest.approx(wanted, rel=1e-9)
        optimizer.step()
        schedule.step()


@pytest.mark.slow
def test_float_mlp_learns_the_digits(mlp, digits):
    assert keras_accuracy(mlp, digits.test) >= 0.92


@pytest.mark.slow
def test_same_recipe_same_weights_other_seed_others(make_mlp, digits):
    python, numpy = random.getstate(), np.random.get_state()[1].copy()
    models = [make_mlp(dropout=0.2) for _ in range(3)]
    random.setstate(python)
    np.random.seed(5)
    numpy = np.random.get_state()[1].copy()
    histories = [
        train_keras(model, digits, replace(SHORT, seed=seed))
        for model, seed in zip(models, (1, 1, 2))
    ]
    assert histories[0] == histories[1] != histories[2]
    assert _equal(models[0], models[1]) and not _equal(models[0], models[2])
    assert random.getstate() == python
    assert np.array_equal(np.random.get_state()[1], numpy)


@pytest.mark.slow
def test_interrupted_keeps_best_and_resumed_equals_straight(make_mlp, digits, tmp_path):
    recipe = replace(SHORT, checkpoint=tmp_path / "run.npz", weight_decay=0.01)
    straight, broken, resumed = (make_mlp(dropout=0.2) for _ in range(3))
    told = []

    def interrupt(what, epoch):
        told.append((what, epoch.number))
        # what the observer of the third epoch raises, the checkpoint of the second outlives
        if epoch.number == 3:
            raise KeyboardInterrupt

    history = train_keras(broken, digits, recipe, interrupt, what="broken")
    assert told == [("broken", 1), ("broken", 2), ("broken", 3)]
    assert history.interrupted and history.best == max(
        history.epochs, key=lambda e: (e.score, -e.validation_loss)
    )
    assert keras_accuracy(broken, digits.validation) == history.best.score
    again = train_keras(resumed, digits, recipe)
    assert not again.interrupted
    assert train_keras(straight, digits, replace(recipe, checkpoint=None)) == again
    assert _equal(straight, resumed)
    with pytest.raises(TrainingError, match="checkpoint of another run"):
        train_keras(make_mlp(), digits, replace(recipe, seed=9))


def test_no_checkpoint_is_said(make_mlp, digits, tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("no archive")
    with pytest.raises(TrainingError, match=r"text.npz: is no checkpoint .*Fix: name another"):
        train_keras(make_mlp(), digits, replace(SHORT, checkpoint=path))


def test_softmax_and_scores_train_alike(make_mlp, digits):
    probable, scored = make_mlp("softmax"), make_mlp(None)
    assert (ending_of(probable), ending_of(scored)) == ("softmax", "scores")
    recipe = Recipe(epochs=1, batch=64)
    one, other = train_keras(probable, digits, recipe), train_keras(scored, digits, recipe)
    assert one.best.loss == pytest.approx(other.best.loss, rel=0.02)
    assert one.best.validation_loss == pytest.approx(other.best.validation_loss, rel=0.02)
    x = digits.test.x
    assert np.allclose(keras_scores(probable, x).sum(axis=1), 1, atol=1e-5)
    theirs = probable.predict(x, batch_size=512, verbose=0)
    assert np.allclose(keras_scores(probable, x), theirs, atol=1e-5)


def test_loss_that_is_no_number(make_mlp, digits):
    huge = Samples(digits.train.x * np.float32(1e30), digits.train.y)
    with pytest.raises(TrainingError, match=r"epoch 1: the loss is (nan|inf) .* learning rate"):
        train_keras(make_mlp(None), replace(digits, train=huge), SHORT)


def test_labels_without_outputs_and_other_shapes(tf, images, make_mlp, digits):
    layers = tf.keras.layers
    small = tf.keras.Sequential([layers.Input((64,)), layers.Dense(7)])
    with pytest.raises(
        InputDataError, match=r"the label of sample 3 is 7, the network has 7 classes"
    ):
        train_keras(small, digits, SHORT)
    with pytest.raises(InputDataError, match="samples of shape"):
        train_keras(make_mlp(), images, SHORT)


def test_nothing_to_train_changes_nothing(make_mlp, digits):
    one, other = make_mlp(), make_mlp()
    assert train_keras(one, digits, Recipe(epochs=0)).best is None
    assert _equal(one, other)
