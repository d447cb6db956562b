"""What a ladder promises, for every budget: weights go whole where digits are not asked for."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")
from torch import nn  # noqa: E402

from fpgacomp.compress.prune.ladder import Ladder, WeightPrices, grid_of, price_of  # noqa: E402
from fpgacomp.compress.quantize.torch.levels import levels_of_weights  # noqa: E402
from fpgacomp.compress.quantize.torch.quantizers import quantize_layer  # noqa: E402

pytestmark = pytest.mark.slow  # loading the framework takes seconds

PRICES = WeightPrices(weight=20.0, digit=15.0)
BUDGETS = [part / 40 for part in range(40)]  # shares of what the layer costs as it is


def quantized_linear(seed):
    torch.manual_seed(seed)
    levels = levels_of_weights(4, narrow=True)
    return quantize_layer(nn.Linear(20, 10), levels, "free", "channel").eval()


def integers(layer):
    quantized = layer.quant_weight()
    return torch.round(quantized.value / quantized.scale).to(torch.int64).detach()


def pruned(layer, share, *, digits):
    ladder = Ladder({"fc": layer}, {"fc": PRICES}, share * price_of(layer, PRICES), ramp=0.6,
                    digits=digits)  # fmt: skip
    ladder.project(1.0)
    ladder.finish()
    return ladder


@pytest.mark.parametrize("seed", range(3))
def test_without_digits_no_budget_splits_a_weight(seed):
    """A budget that ends between two digits of a weight takes the weight, not one digit of it."""
    for share in BUDGETS:
        layer = quantized_linear(seed)
        before = integers(layer)
        ladder = pruned(layer, share, digits=False)
        after = integers(layer)
        assert bool(((after == before) | (after == 0)).all()), share
        # the floor keeps 2 % of the weights, whatever they cost
        least = 4 * (PRICES.weight + PRICES.digit)
        assert price_of(layer, PRICES) <= max(ladder.budget, least) + 1e-6


def test_with_digits_weights_are_split():
    """The counterpart, without which the test above could not fail."""
    layer = quantized_linear(0)
    before = integers(layer)
    pruned(layer, 0.6, digits=True)
    after = integers(layer)
    assert bool(((after != before) & (after != 0)).any())


def test_without_digits_training_moves_no_weight_to_fewer_digits():
    """Whatever the optimizer does between the projections, caps are all or nothing."""
    layer = quantized_linear(0)
    most = grid_of(layer).most_digits
    budget = 0.5 * price_of(layer, PRICES)
    ladder = Ladder({"fc": layer}, {"fc": PRICES}, budget, ramp=0.6, digits=False)
    for step in range(20):
        ladder.settle_gradient()
        with torch.no_grad():
            layer.weight.add_(0.02 * torch.randn_like(layer.weight))
        ladder.project(step / 19)
        assert bool(((layer.digits == 0) | (layer.digits >= most)).all())
