"""Distillation: the student gains from its teacher; hidden layers; what does not go together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.distill import DistillOptions, distill  # noqa: E402
from fpgacomp.compress.losses import soft_divergence  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.training import accuracy, train  # noqa: E402
from fpgacomp.errors import ModelError, UsageError  # noqa: E402

pytestmark = pytest.mark.slow  # they train


def small(seed=0, classes=10):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, classes),
    )  # fmt: skip


def test_a_student_learns_from_its_teacher_alone(float_cnn, digits):
    """Trained on labels that say nothing, a student knows what its teacher told it."""
    shuffled = np.random.default_rng(0).permutation(digits.train.y)
    blind = replace(digits, train=replace(digits.train, y=shuffled))
    recipe = Recipe(epochs=15, learning_rate=0.01)
    taught = distill(small(), float_cnn, blind, DistillOptions(soft_share=1.0), recipe).network
    assert accuracy(taught, digits.test) > 0.85
    alone = small()
    train(alone, blind, recipe)
    assert accuracy(alone, digits.test) < 0.5


def test_hidden_layers_are_drawn_together(float_cnn, digits):
    """The student's hidden layer finds the same samples alike, the more it is asked to."""
    x = torch.from_numpy(digits.test.x[:200])
    layer = next(n for n, m in float_cnn.named_modules() if isinstance(m, nn.Linear))
    truth = hidden(float_cnn, layer, x)
    distances = []
    for weight in (0.0, 3000.0):
        options = DistillOptions(hidden=((layer, "9"),), hidden_weight=weight)
        outcome = distill(small(), float_cnn, digits, options, Recipe(epochs=8))
        distances.append(float(((hidden(outcome.network, "9", x) - truth) ** 2).mean()))
    assert distances[1] < 0.9 * distances[0]


def hidden(network, layer, x):
    found = []
    handle = network.get_submodule(layer).register_forward_hook(lambda *a: found.append(a[2]))
    with torch.no_grad():
        network.eval()(x)
    handle.remove()
    flat = found[0].flatten(1)
    return nn.functional.normalize(flat @ flat.T, dim=1)


def test_neither_teacher_nor_student_given_is_changed(float_cnn, digits):
    student = small()
    before = [p.clone() for p in (*student.parameters(), *float_cnn.parameters())]
    outcome = distill(student, float_cnn, digits, DistillOptions(), Recipe(epochs=1))
    after = (*student.parameters(), *float_cnn.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, after))
    assert not torch.equal(outcome.network[0].weight, student[0].weight)
    assert not float_cnn._forward_hooks


def test_the_divergence_is_that_of_the_definition():
    rng = np.random.default_rng(0)
    s, t = rng.normal(size=(2, 5, 4)) * 3
    temperature = 3.0
    p = np.exp(t / temperature) / np.exp(t / temperature).sum(1, keepdims=True)
    q = np.exp(s / temperature) / np.exp(s / temperature).sum(1, keepdims=True)
    expected = temperature**2 * (p * np.log(p / q)).sum(1).mean()
    got = soft_divergence(torch.from_numpy(s), torch.from_numpy(t), temperature)
    assert float(got) == pytest.approx(expected)


def test_what_does_not_go_together_is_refused(float_cnn, digits):
    recipe = Recipe(epochs=1)
    with pytest.raises(ModelError, match="has 11 outputs, its teacher 10"):
        distill(small(classes=11), float_cnn, digits, DistillOptions(), recipe)
    with pytest.raises(UsageError, match=r"the teacher has no layer x.*name one of"):
        distill(small(), float_cnn, digits, DistillOptions(hidden=(("x", "9"),)), recipe)
    for wrong in ({"temperature": 0}, {"soft_share": 1.5}, {"hidden_weight": -1}):
        with pytest.raises(UsageError, match="use"):
            DistillOptions(**wrong)
