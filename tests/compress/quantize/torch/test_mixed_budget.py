"""The trained network keeps the budget, no uniform one dominates it, input bits are searched."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")
from torch import nn  # noqa: E402

from fpgacomp.compress.quantize import MixedOptions, QuantizeOptions, quantize_mixed  # noqa: E402
from fpgacomp.compress.quantize.torch.spending import INPUT, Spending  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import from_module, weight_layers  # noqa: E402
from fpgacomp.compress.training import train  # noqa: E402
from fpgacomp.data.labelled import load_data  # noqa: E402
from fpgacomp.errors import DoesNotFit, UsageError  # noqa: E402
from tests.support.depth import deep  # noqa: E402

pytestmark = pytest.mark.slow  # networks are trained

RECIPE = Recipe(epochs=3, learning_rate=5e-3)
FEW = {"weight_choices": (2, 4, 8), "activation_choices": (2, 4, 8), "refinements": 1}


def problem(seed):
    """A small network of random widths that was trained on blobs, and the blobs."""
    rng = np.random.default_rng(seed)
    first, second = (int(width) for width in rng.integers(4, 12, 2))
    centres = rng.normal(size=(3, 6))
    y = rng.integers(0, 3, 240)
    data = load_data(((centres[y] + 0.6 * rng.normal(size=(240, 6))).astype(np.float32), y))
    torch.manual_seed(seed)
    module = nn.Sequential(
        nn.Linear(6, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 3)
    )
    network = from_module(module, torch.zeros(1, 6))
    train(network, data, Recipe(epochs=10, learning_rate=0.02, seed=seed))
    return network, data


def bits_cost(network):
    """Bits of all weights, and those of the input for every value of it."""
    layers = weight_layers(network).values()
    bits = sum(float(x.quant_weight().bit_width) * x.weight.numel() for x in layers)
    quantizer = next(m for name, m in network.named_modules() if name == "input_quant")
    return bits + 6 * float(quantizer.act_quant.bit_width())


class RisesByTraining:
    """A cost that is a tenth larger for networks that were trained, as a board's may be.

    Untrained networks have weights of the float network, trained ones have others.
    """

    def __init__(self, network, factor=1.1):
        self.known = next(iter(weight_layers(network).values())).weight.detach().clone()
        self.factor = factor

    def __call__(self, network):
        weight = next(iter(weight_layers(network).values())).weight.detach()
        trained = not torch.equal(weight, self.known)
        return {"lut": bits_cost(network) * (self.factor if trained else 1.0)}


def dominated(candidates, used, score):
    """Names of the candidates that are no worse in both and better in one."""
    return [
        name
        for name, found in candidates.items()
        if found["cost"] <= used
        and found["validation_score"] >= score
        and (found["cost"] < used or found["validation_score"] > score)
    ]


@pytest.mark.parametrize("seed", [0, deep(1)])
def test_the_trained_network_keeps_the_budget_and_is_not_dominated(seed):
    network, data = problem(seed)
    cost = RisesByTraining(network)
    weights = sum(layer.weight.numel() for layer in weight_layers(network).values())
    # The search spends the budget nearly whole, so that a tenth more would miss it.
    options = MixedOptions(budget=4.5 * weights, measure="lut", **FEW)
    outcome = quantize_mixed(network, data, options, RECIPE, cost=cost)
    details = outcome.details
    assert cost(outcome.network)["lut"] == details["used"] <= options.budget
    candidates = details["candidates"]
    assert any(name.startswith(("W2A2", "W4A4")) for name in candidates)
    score = outcome.history.best.rank[0]
    assert not dominated(candidates, details["used"], score)
    missed = [found for found in candidates.values() if not found["within_budget"]]
    assert bool(missed) == any("missed the budget" in note for note in outcome.notes)


def test_a_budget_that_only_untrained_networks_keep_is_refused():
    network, data = problem(0)
    cost = RisesByTraining(network, factor=50.0)
    weights = sum(layer.weight.numel() for layer in weight_layers(network).values())
    options = MixedOptions(budget=4 * weights, measure="lut", **FEW)
    with pytest.raises(DoesNotFit, match=r"is missed by all \d+ networks that were trained"):
        quantize_mixed(network, data, options, Recipe(epochs=1), cost=cost)


def test_a_choice_that_misses_is_followed_by_a_cheaper_one():
    network, data = problem(1)
    cost = RisesByTraining(network, factor=1.4)
    weights = sum(layer.weight.numel() for layer in weight_layers(network).values())
    options = MixedOptions(budget=5 * weights, measure="lut", **FEW)
    details = quantize_mixed(network, data, options, RECIPE, cost=cost).details
    costs = [found["cost"] for found in details["candidates"].values()]
    assert costs[0] > options.budget, "the case this test is about"
    assert details["used"] <= options.budget


def test_input_bits_are_spent_where_they_count():
    """Only the input costs anything: all else stays as fine as it may be."""
    network, data = problem(2)

    def cost(found):
        quantizer = next(m for name, m in found.named_modules() if name == "input_quant")
        return {"lut": float(quantizer.act_quant.bit_width())}

    options = MixedOptions(budget=3, measure="lut", weight_choices=(8,), activation_choices=(8,))
    details = quantize_mixed(network, data, options, Recipe(epochs=1), cost=cost).details
    assert details["input_bits"] == details["activation_bits"]["input"] <= 3
    assert list(details["input_sensitivity"]["input"]) == ["2", "3", "4", "5", "6", "8"]
    free = MixedOptions(budget=1e9, weight_choices=(8,), activation_choices=(8,))
    assert quantize_mixed(network, data, free, Recipe(epochs=0)).details["input_bits"] == 8


def test_the_input_bits_of_the_base_are_the_most_that_are_tried():
    network, data = problem(0)
    five = MixedOptions(budget=1e9, base=QuantizeOptions(input_bits=5))
    assert five.input_widths == (2, 3, 4, 5)
    assert Spending(network, data, five, None).choices[INPUT] == (2, 3, 4, 5)
    assert MixedOptions(budget=1, input_choices=(8, 4)).input_widths == (4, 8)
    with pytest.raises(UsageError, match="input choices: has none"):
        MixedOptions(budget=1, input_choices=())


def test_every_training_has_a_checkpoint_of_its_own(tmp_path):
    network, data = problem(0)
    recipe = Recipe(epochs=1, checkpoint=tmp_path / "run.pt")
    weights = sum(layer.weight.numel() for layer in weight_layers(network).values())
    options = MixedOptions(budget=4 * weights, **FEW)
    first = quantize_mixed(network, data, options, recipe).details
    names = {path.name for path in tmp_path.iterdir()}
    count = len(first["candidates"])
    assert names == {"run.pt", *(f"run.pt.{n}" for n in range(2, count + 1))}
    assert quantize_mixed(network, data, options, recipe).details == first
