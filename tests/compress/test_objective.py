"""Class weights, and a loss and a training step of the user's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.constraints import keep_zeros  # noqa: E402
from fpgacomp.compress.losses import task_loss  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.training import scores, train  # noqa: E402
from fpgacomp.data.labelled import load_data  # noqa: E402
from fpgacomp.data.tasks import OutputForm, OutputTask, Task, TaskRequest  # noqa: E402
from fpgacomp.errors import TrainingError, UsageError  # noqa: E402

pytestmark = pytest.mark.slow  # loading the framework takes seconds

RECIPE = Recipe(epochs=4, learning_rate=0.05, batch=32)


def rare(seed=0):
    """Two classes that overlap; one sample in twelve is of class 1."""
    rng = np.random.default_rng(seed)
    y = (rng.random(1500) < 1 / 12).astype(np.int64)
    x = (rng.normal(size=(1500, 2)) + 1.2 * y[:, None]).astype(np.float32)
    return load_data((x, y))


def recall(network, data):
    said = scores(network, data.test.x).argmax(axis=1)
    return float(np.mean(said[data.test.y == 1] == 1))


def fresh(outputs=2):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, outputs))


def test_balanced_weights_find_the_rare_class():
    form = (OutputForm("y", (2,)),)
    plain = rare().for_task(form)
    weighted = rare().for_task(form, TaskRequest(class_weights="balanced"))
    assert weighted.task.parts[0].class_weights == pytest.approx(
        len(plain.train) / (2 * np.bincount(plain.train.y))
    )
    one, other = fresh(), fresh()
    train(one, plain, RECIPE)
    train(other, weighted, replace(RECIPE, epochs=4))
    assert recall(other, weighted) > recall(one, plain) + 0.2


def test_weights_that_do_not_fit_are_refused():
    form = (OutputForm("y", (2,)),)
    with pytest.raises(UsageError, match="are 3 numbers for 2 classes"):
        rare().for_task(form, TaskRequest(class_weights=np.ones(3)))
    x = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    numbers = load_data((x, x[:, 0]))
    with pytest.raises(UsageError, match="which has no classes"):
        numbers.for_task((OutputForm("y", (1,)),), TaskRequest(class_weights="balanced"))


@pytest.mark.parametrize("kind", ["classes", "binary", "multi-label", "regression"])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_by_torch(kind, weighted):
    generator = torch.Generator().manual_seed(0)
    size = {"classes": 3, "binary": 1}.get(kind, 4)
    outputs = torch.randn((20, size), generator=generator)
    weights = (0.5, 2.0, 3.0, 1.0)[: {"classes": 3, "binary": 2}.get(kind, 4)]
    if kind == "regression":
        weights = ()
    torch.manual_seed(1)
    one_each = kind in ("classes", "binary")
    y = torch.randint(0, 3 if kind == "classes" else 2, (20,) if one_each else (20, 4))
    spread = (2.0, 1.0, 4.0, 1.0) if kind == "regression" else ()
    part = OutputTask(OutputForm("y", (size,)), kind, 1 if one_each else 4, "",
                      weights if weighted else (), spread)  # fmt: skip
    functional, w = nn.functional, torch.tensor(weights) if weighted and weights else None
    wanted = {
        "classes": lambda: functional.cross_entropy(outputs, y, w),
        "binary": lambda: functional.binary_cross_entropy_with_logits(
            outputs[:, 0], y.float(), None if w is None else w[y]
        ),
        "multi-label": lambda: functional.binary_cross_entropy_with_logits(
            outputs, y.float(), pos_weight=w
        ),
        "regression": lambda: ((outputs - y) ** 2 / torch.tensor(part.spread)).mean(),
    }[kind]()
    found = task_loss(Task((part.form,), (part,)), outputs, y)
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


@pytest.mark.parametrize("kind", ["binary", "multi-label", "classes"])
def test_probabilities_and_scores_have_one_loss(kind):
    torch.manual_seed(0)
    logits = torch.randn((16, 1 if kind == "binary" else 3))
    y = torch.randint(0, 2, (16, 3) if kind == "multi-label" else (16,))
    ending = "softmax" if kind == "classes" else "sigmoid"
    probabilities = torch.softmax(logits, 1) if kind == "classes" else torch.sigmoid(logits)
    found = []
    for outputs, end in ((logits, "scores"), (probabilities, ending)):
        form = OutputForm("y", tuple(outputs.shape[1:]), end)
        part = OutputTask(form, kind, y.shape[1] if y.ndim == 2 else 1, "")
        found.append(float(task_loss(Task((form,), (part,)), outputs, y)))
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_a_loss_of_ones_own_is_trained_by():
    data, network = rare(), fresh()
    calls = []

    def toward_three(outputs, labels):
        calls.append(tuple(labels.shape))
        return ((outputs - 3.0) ** 2).mean()

    history = train(network, data, replace(RECIPE, epochs=8, loss=toward_three))
    assert (32,) in calls
    assert history.epochs[-1].loss < history.epochs[0].loss / 2
    assert history.epochs[-1].validation_loss < history.epochs[0].validation_loss / 2
    with pytest.raises(TrainingError, match=r"returned torch.float32 of shape .*, not one number"):
        train(fresh(), data, replace(RECIPE, loss=lambda outputs, labels: outputs))


def test_a_training_step_of_ones_own_keeps_the_constraints():
    data, network = rare(), fresh()
    keep_zeros(network[0], torch.tensor([[True, False], [True, True]]))
    before = network[0].weight.detach().clone()
    seen = []

    def step(network, optimizer, x, y):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        seen.append(float(loss.detach()))
        return loss

    history = train(network, data, replace(RECIPE, step=step))
    assert len(seen) == 4 * -(-len(data.train) // 32)
    assert history.epochs[0].loss == pytest.approx(np.mean(seen[: len(seen) // 4]), rel=0.2)
    assert network[0].weight[0, 1] == 0 and not torch.equal(network[0].weight, before)
