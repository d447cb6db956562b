"""Layers split: exact at full rank, smaller below, accuracy recovered, skips counted."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.constraints import keep_zeros  # noqa: E402
from fpgacomp.compress.factorize.factorize import ANSWERS, factorize  # noqa: E402
from fpgacomp.compress.factorize.low_rank import spectrum, split  # noqa: E402
from fpgacomp.compress.factorize.moments import input_moments  # noqa: E402
from fpgacomp.compress.factorize.options import FactorizeOptions  # noqa: E402
from fpgacomp.compress.factorize.separable import split_grouped, split_separable  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import from_module, from_onnx, to_onnx, weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy  # noqa: E402
from fpgacomp.data.labelled import load_data  # noqa: E402
from fpgacomp.errors import ModelError, UsageError  # noqa: E402

pytestmark = pytest.mark.slow  # they train

SHORT = Recipe(epochs=12, learning_rate=5e-3)
LAYERS = {
    "dense": (lambda: nn.Linear(12, 7), (3, 12)),
    "conv2d": (lambda: nn.Conv2d(3, 8, 3, stride=2, padding=1), (2, 3, 9, 9)),
    "conv2d oblong": (lambda: nn.Conv2d(2, 5, (3, 1), padding=(1, 0), bias=False), (2, 2, 6, 5)),
    "conv1d": (lambda: nn.Conv1d(4, 6, 5, dilation=2), (2, 4, 20)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_the_full_rank_is_exact_and_each_rank_errs_as_its_values_say(kind):
    build, shape = LAYERS[kind]
    torch.manual_seed(0)
    layer, x = build(), torch.rand(shape)
    found = spectrum(layer)
    for rank in range(1, found.full_rank + 1):
        pair = nn.Sequential(*split(layer, rank))
        product = pair[1].weight.flatten(1) @ pair[0].weight.flatten(1)
        error = (product - layer.weight.flatten(1)).norm()
        assert error.item() == pytest.approx(float(found.values[rank:].norm()), abs=1e-5)
        assert sum(m.weight.numel() for m in pair) == found.weights(rank)
    torch.testing.assert_close(pair(x), layer(x), rtol=1e-4, atol=1e-5)


def test_the_energy_names_the_lowest_rank_that_keeps_it():
    layer = nn.Linear(4, 4, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.diag(torch.tensor([4.0, 2.0, 2.0, 1.0])))
    found = spectrum(layer)  # squares 16, 4, 4, 1 of 25
    assert [found.of_energy(e) for e in (0.1, 0.64, 0.65, 0.8, 0.96, 0.97, 1.0)] == [
        1, 1, 2, 2, 3, 4, 4,
    ]  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2])
def test_what_is_separable_is_separated_exactly(stride):
    torch.manual_seed(0)
    depth = nn.Conv2d(3, 3, 3, stride, 1, groups=3, bias=False)
    point = nn.Conv2d(3, 8, 1)
    layer = nn.Conv2d(3, 8, 3, stride, 1)
    with torch.no_grad():
        layer.weight.copy_(point.weight * depth.weight.transpose(0, 1))
        layer.bias.copy_(point.bias)
    x = torch.rand(2, 3, 9, 9)
    pair = nn.Sequential(*split_separable(layer))
    torch.testing.assert_close(pair(x), point(depth(x)), rtol=1e-4, atol=1e-5)


def test_groups_keep_the_weights_within_them():
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 6, 3)
    smaller = split_grouped(layer, 2)
    with torch.no_grad():
        layer.weight[:3, 2:] = 0
        layer.weight[3:, :2] = 0
        x = torch.rand(1, 4, 5, 5)
        torch.testing.assert_close(smaller(x), layer(x))


def test_moments_are_those_of_what_the_layers_read():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 3, (3, 2), stride=(1, 2), padding=(1, 0)), nn.ReLU(),
        nn.Flatten(), nn.Linear(27, 4),
    )  # fmt: skip
    network = from_module(module, torch.rand(2, 2, 3, 6))
    x = np.random.default_rng(0).random((90, 2, 3, 6), dtype=np.float32)
    data = load_data((x, np.arange(90) % 4))
    conv, dense = weight_layers(network)
    found = input_moments(network, (conv, dense), data)
    seen = torch.from_numpy(data.train.x)
    windows = nn.functional.unfold(seen, (3, 2), padding=(1, 0), stride=(1, 2))
    read = windows.transpose(1, 2).flatten(0, 1).double()
    torch.testing.assert_close(found[conv], read.T @ read / len(read), rtol=1e-4, atol=1e-6)
    hidden = module[:3](seen).detach().double()
    torch.testing.assert_close(found[dense], hidden.T @ hidden / len(hidden), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rank", [1, 3, 7])
def test_a_split_that_knows_its_inputs_errs_less_on_them(rank):
    torch.manual_seed(0)
    layer = nn.Linear(12, 7)
    x = torch.randn(400, 12) * torch.logspace(0, -3, 12)  # some inputs hardly vary
    moments = (x.T @ x / len(x)).double()
    errors = [
        float((nn.Sequential(*split(layer, rank, known))(x) - layer(x)).square().mean())
        for known in (moments, None)
    ]
    assert errors[0] <= errors[1] + 1e-9
    if rank < 7:
        assert errors[0] < 0.9 * errors[1]


def test_the_last_layer_keeps_its_rank_unless_it_is_named(float_cnn, digits):
    *_, last = weight_layers(float_cnn)
    none = Recipe(epochs=0)
    for options in (FactorizeOptions(), FactorizeOptions(kind="tucker", energy=0.5)):
        outcome = factorize(float_cnn, digits, options, none)
        assert last not in outcome.details["layers"]
        assert any(note.endswith(f"take its whole rank): {last}") for note in outcome.notes)
    named = factorize(float_cnn, digits, FactorizeOptions(rank={last: 0.5}), none)
    assert named.details["layers"][last]["rank"] == 5


def test_half_the_rank_costs_little(float_cnn, digits):
    outcome = factorize(float_cnn, digits, FactorizeOptions(rank=0.5), SHORT)
    ranks = {n: f["rank"] / f["full_rank"] for n, f in outcome.details["layers"].items()}
    assert len(ranks) == 3
    assert all(0.4 <= share <= 0.5 for share in ranks.values())
    assert outcome.details["weights"] < outcome.details["weights_before"]
    assert accuracy(outcome.network, digits.test) > accuracy(float_cnn, digits.test) - 0.05
    x = torch.from_numpy(digits.test.x[:5])
    again = from_onnx(to_onnx(outcome.network, (1, 8, 8)))
    torch.testing.assert_close(again(x), outcome.network(x), rtol=1e-4, atol=1e-4)


def test_separable_convolutions_recover(float_cnn, digits):
    options = FactorizeOptions(kind="separable")
    raw = factorize(float_cnn, digits, options, Recipe(epochs=0))
    tuned = factorize(float_cnn, digits, options, SHORT)
    assert accuracy(tuned.network, digits.test) > accuracy(raw.network, digits.test)
    assert accuracy(tuned.network, digits.test) > 0.9
    kinds = [m.groups for m in weight_layers(tuned.network).values() if isinstance(m, nn.Conv2d)]
    assert kinds == [1, 16, 1]
    assert [note[:50] for note in tuned.notes] == [
        "1 layers left alone (has one input channel: all it",
        "2 layers left alone (is no k x k convolution): lay",
    ]


def test_an_accuracy_budget_finds_its_energy(float_cnn, digits):
    before = accuracy(float_cnn, digits.validation)
    sizes = []
    for within in (1.0, 20.0):
        options = FactorizeOptions(within=within)
        outcome = factorize(float_cnn, digits, options, Recipe(epochs=0))
        assert accuracy(outcome.network, digits.validation) >= before - within / 100
        sizes.append(outcome.details["weights"])
    assert sizes[1] < sizes[0]


def test_bound_layers_are_left_alone_and_counted(float_cnn, digits):
    first, *others, last = weight_layers(float_cnn)
    keep_zeros(weight_layers(float_cnn)[first])
    options = FactorizeOptions(leave=(others[0],))
    outcome = factorize(float_cnn, digits, options, Recipe(epochs=0))
    assert set(outcome.notes) == {
        f"1 layers left alone (has pruned or shared weights): {first}",
        f"1 layers left alone (left out): {others[0]}",
        f"1 layers left alone ({ANSWERS}): {last}",
    }


def test_errors_name_what_is_wrong(float_cnn, digits):
    for wrong, text in (
        ({"rank": 0.0}, "rank: is 0"),
        ({"rank": 0.5, "energy": 0.5}, "rank and energy: do not go together"),
        (
            {"kind": "separable", "rank": 0.5},
            "rank: do not go together, or not with kind separable",
        ),
        ({"groups": 1}, "groups: is 1"),
        ({"kind": "x"}, "kind: is 'x'"),
    ):
        with pytest.raises(UsageError, match=text):
            FactorizeOptions(**wrong)
    with pytest.raises(UsageError, match="has no layer nonsense"):
        factorize(float_cnn, digits, FactorizeOptions(leave=("nonsense",)), SHORT)
    with pytest.raises(ModelError, match="no layer gets smaller"):
        factorize(float_cnn, digits, FactorizeOptions(rank=1.0), SHORT)
