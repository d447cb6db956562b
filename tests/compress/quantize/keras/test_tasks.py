"""Keras models of other tasks than classes: the figures are those of `predict`."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.compress.quantize.keras.losses import ending_of, keras_loss
from fpgacomp.compress.quantize.keras.train import train_keras
from fpgacomp.compress.recipe import Recipe
from fpgacomp.data.labelled import load_data
from fpgacomp.data.tasks import OutputForm, OutputTask, TaskRequest
from fpgacomp.errors import FpgacompError, ModelError, TrainingError
from fpgacomp.flows.compress import quantize
from tests.support.task_networks import task_case

pytestmark = pytest.mark.slow  # networks are trained


def model_of(tf, case, ending=None):
    """The case's network as a Keras model."""
    from onnx import numpy_helper

    arrays = {t.name: numpy_helper.to_array(t) for t in case.model.graph.initializer}
    size = arrays["w_y"].shape[1]
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [layers.Input((6,)), layers.Dense(12, "relu"), layers.Dense(size, ending)]
    )
    model.set_weights([arrays[name] for name in ("w0", "b0", "w_y", "b_y")])
    return model


@pytest.mark.parametrize(
    ("name", "ending", "kind"),
    [
        ("binary", None, "binary"),
        ("sigmoid", "sigmoid", "binary"),
        ("multi-label", None, "multi-label"),
        ("regression", None, "regression"),
        ("reconstruction", None, "reconstruction"),
    ],
)
def test_figures_after_training(tf, name, ending, kind):
    case = task_case(name)
    x, y = case.test
    model = model_of(tf, case, ending)
    assert ending_of(model) == (ending or "scores")
    result = quantize(
        model, case.train, test=case.test, recipe=Recipe(epochs=2, learning_rate=1e-3)
    )
    assert result.task.kind == kind and result.before > 0.8 and result.after > 0.7
    before = model.predict(x, verbose=0)
    labels = (x if y is None else y).reshape(len(x), -1)
    figures = next(iter(result.scores_before.values()))
    if kind in ("binary", "multi-label"):
        right = (before >= (0.5 if ending else 0)) == labels
        key = "accuracy" if kind == "binary" else "label_accuracy"
        assert figures[key] == pytest.approx(right.mean(), abs=0.01)
    else:
        assert figures["mae"] == pytest.approx(np.abs(before - labels).mean(), rel=0.01)
    assert len(result.history.epochs) == 2
    assert set(result.scores_after) == set(result.scores_before)


@pytest.mark.parametrize("kind", ["classes", "binary", "multi-label", "regression"])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_are_those_of_torch(tf, kind, weighted):
    torch = pytest.importorskip("torch")
    from fpgacomp.compress.losses import task_loss
    from fpgacomp.data.tasks import Task

    rng = np.random.default_rng(0)
    size = {"classes": 3, "binary": 1}.get(kind, 4)
    outputs = rng.normal(size=(20, size)).astype(np.float32)
    one_each = kind in ("classes", "binary")
    y = rng.integers(0, 3 if kind == "classes" else 2, 20 if one_each else (20, 4))
    weights = (0.5, 2.0, 3.0, 1.0)[: {"classes": 3, "binary": 2}.get(kind, 4)]
    is_number = kind == "regression"
    part = OutputTask(
        OutputForm("y", (size,)), kind, 1 if one_each else 4, "",
        weights if weighted and not is_number else (), (2.0, 1.0, 4.0, 1.0) if is_number else (),
    )  # fmt: skip
    ours = float(keras_loss(part, tf.constant(outputs), tf.constant(y), Recipe()))
    task = Task((part.form,), (part,))
    theirs = float(task_loss(task, torch.from_numpy(outputs), torch.from_numpy(y)))
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_a_loss_of_ones_own_and_no_step(tf):
    case = task_case("binary")
    model = model_of(tf, case)
    seen = []

    def loss(outputs, labels):
        seen.append(outputs.shape)
        return tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(labels, tf.float32), outputs[:, 0])
        )

    recipe = Recipe(epochs=1, learning_rate=1e-3, loss=loss)
    assert quantize(model, case.train, test=case.test, recipe=recipe).after > 0.7 and seen
    step = Recipe(epochs=1, step=lambda *_: 0.0)
    with pytest.raises(TrainingError, match="is for networks that PyTorch trains"):
        quantize(model, case.train, test=case.test, recipe=step)
    weights = TaskRequest(class_weights="balanced")
    result = quantize(model, case.train, test=case.test, recipe=Recipe(epochs=1), task=weights)
    assert len(result.task.parts[0].class_weights) == 2


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (lambda outputs, labels: 1 / 0, r"raised ZeroDivisionError.*test_tasks.py, line"),
        (lambda outputs: outputs, "raised TypeError"),
        (lambda outputs, labels: None, "returned NoneType, not one number"),
        (lambda outputs, labels: outputs, r"returned a tensor of \(.*, 1\), not one number"),
    ],
)
def test_errors_in_a_loss_of_ones_own_are_the_users(tf, loss, text):
    case = task_case("binary")
    data = load_data(case.train, case.test)
    with pytest.raises(FpgacompError, match=text) as told:
        train_keras(model_of(tf, case), data, Recipe(epochs=1, loss=loss))
    assert told.value.exit_code == 1


def test_several_outputs_are_refused_with_a_way_out(tf):
    layers = tf.keras.layers
    source = layers.Input((6,))
    hidden = layers.Dense(4)(source)
    model = tf.keras.Model(source, [layers.Dense(3, name="a")(hidden), layers.Dense(1)(hidden)])
    case = task_case("several")
    with pytest.raises(ModelError, match=r"has 2 outputs.* export it to ONNX"):
        quantize(model, case.train, test=case.test)
