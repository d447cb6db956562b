"""Hardware-aware pruning: prices found, goals reached, digits held, and the estimate beaten."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

from fpgacomp.compress.prune import hardware  # noqa: E402
from fpgacomp.compress.prune.gradual import effective_weight  # noqa: E402
from fpgacomp.compress.prune.hardware import _Search, prune_hardware  # noqa: E402
from fpgacomp.compress.prune.ladder import (  # noqa: E402
    DIGITS,
    IntegerGrid,
    Ladder,
    WeightPrices,
    _rising,
    grid_of,
    larger_squares,
    price_of,
    signed_digits,
)
from fpgacomp.compress.prune.options import HardwareOptions  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy, train  # noqa: E402
from fpgacomp.engines.shared.digits import signed_digits as estimated_digits  # noqa: E402
from fpgacomp.errors import ModelError, Problems, UsageError  # noqa: E402
from tests.support.depth import deep, deep_only  # noqa: E402

pytestmark = pytest.mark.slow  # they train

SHORT = Recipe(epochs=5, learning_rate=5e-3)
NONE = Recipe(epochs=0)
WEIGHT, DIGIT = (20.0, 5.0, 0.0), (15.0, 4.0, 0.0)  # of the three layers


def integers(layer):
    return torch.round(effective_weight(layer) / layer.quant_weight().scale.detach()).to(int)


def board(network):
    """A board where the layers' weights and digits have these prices; the last one's none."""
    lut = 1000.0
    for layer, weight, digit in zip(weight_layers(network).values(), WEIGHT, DIGIT):
        digits = signed_digits(integers(layer))
        alive = int((digits > 0).sum())
        lut += weight * alive + digit * (int(digits.sum()) - alive)
    return {"lut": lut, "dsp": 0.0, "ff": 0.0, "bram18": 0.0, "latency_us": 1.0}


def test_digits_are_those_of_the_estimator():
    values = np.arange(-300, 301)
    mine = signed_digits(torch.from_numpy(values)).numpy()
    np.testing.assert_array_equal(mine, estimated_digits(values))


@pytest.mark.parametrize(("lowest", "highest"), [(-7, 7), (-8, 7), (-127, 127), (-1, 1)])
def test_the_nearest_integers_of_few_digits(lowest, highest):
    grid = IntegerGrid(lowest, highest, torch.tensor(0.25))
    weight = torch.linspace(1.2 * lowest, 1.2 * highest, 333) * 0.25
    for most in range(grid.most_digits + 1):
        allowed = [v for v in range(lowest, highest + 1) if estimated_digits(np.array(v)) <= most]
        least = [min(abs(float(w) / 0.25 - v) for v in allowed) for w in weight]
        found = (grid.nearest(weight, most) - weight / 0.25).abs()
        np.testing.assert_allclose(found.numpy(), least, atol=1e-5)


def test_no_step_is_rated_better_than_one_before_it():
    generator = torch.Generator().manual_seed(0)
    loss = torch.rand((4, 200), generator=generator, dtype=torch.float64)
    price = torch.rand((4, 200), generator=generator, dtype=torch.float64) + 0.1
    rate = _rising(loss, price)
    assert bool((rate.diff(dim=0) >= -1e-12).all())
    torch.testing.assert_close((rate * price).sum(0), loss.sum(0))


def test_prices_are_found_from_the_cost_alone(quantized_cnn, digits):
    layers = weight_layers(quantized_cnn)
    search = _Search(quantized_cnn, list(layers), HardwareOptions(), board, 0.0)
    for found, weight, digit in zip(search.prices(0.5).values(), WEIGHT, DIGIT):
        assert found.weight == pytest.approx(weight, abs=1e-9)
        assert found.digit == pytest.approx(digit, abs=1e-9)


def test_the_last_weights_of_a_layer_are_dear():
    weight = torch.tensor([1.0, -3.0, 2.0, 0.0])
    assert larger_squares(weight).tolist() == [14.0, 9.0, 13.0, 14.0]


@pytest.mark.slow
def test_the_goal_is_reached_where_it_pays(quantized_cnn, digits):
    before = board(quantized_cnn)["lut"]
    outcome = prune_hardware(
        quantized_cnn, digits, HardwareOptions(saving=0.4), SHORT, cost=board
    )  # fmt: skip
    after = board(outcome.network)["lut"]
    assert after <= 0.6 * before
    assert after >= 0.5 * before, "more than asked for"
    assert outcome.details["cost_after"]["lut"] == after
    assert outcome.details["cost_before"]["lut"] == before
    *_, last = weight_layers(quantized_cnn)
    assert outcome.notes[0] == f"1 layer left alone: zeros there save nothing: {last}"
    assert not hasattr(weight_layers(outcome.network)[last], DIGITS)
    assert accuracy(outcome.network, digits.test) >= 0.85
    assert board(quantized_cnn)["lut"] == before, "the network given was changed"


@pytest.mark.slow
@pytest.mark.parametrize(("more", "reached"), [(1000, True), deep(100_000, False)])
def test_where_every_training_misses_the_goal_the_nearest_loses_more(
    quantized_cnn, digits, monkeypatch, more, reached
):
    """A stricter plan may take more than the one before it, as its folding is another."""
    trained = []

    def noted(network, *arguments, **options):
        history = train(network, *arguments, **options)
        network.meta["attempt"] = len(trained)
        trained.append(network)
        return history

    def cost(network):
        figures = dict(board(network))
        if "attempt" in network.meta:
            figures["lut"] += more * (1 + network.meta["attempt"])
        return figures

    monkeypatch.setattr(hardware, "train", noted)
    outcome = prune_hardware(
        quantized_cnn, digits, HardwareOptions(saving=0.4), Recipe(epochs=1), cost=cost
    )
    goal = outcome.details["goal"]
    after, costs = cost(outcome.network)["lut"], [cost(network)["lut"] for network in trained]
    assert min(costs) > goal and outcome.details["cost_after"]["lut"] == after
    nearest = costs.index(min(costs))
    assert outcome.network.meta["attempt"] == nearest
    assert (after <= goal) == reached and (reached or after == costs[nearest])
    assert any("miss the goal" in note for note in outcome.notes) != reached


@pytest.mark.slow
def test_digits_are_capped_and_zeros_survive_further_training(quantized_cnn, digits):
    options = HardwareOptions(saving=0.4)
    network = prune_hardware(quantized_cnn, digits, options, SHORT, cost=board).network
    pruned = [layer for layer in weight_layers(network).values() if hasattr(layer, DIGITS)]
    assert len(pruned) == 2
    for layer in pruned:
        found = signed_digits(integers(layer))
        assert bool((found <= layer.digits).all())
        assert bool(((layer.digits == 1) & (found == 1)).any())
        assert torch.equal(layer.kept, layer.digits > 0)
    train(network, digits, Recipe(epochs=1))
    for layer in pruned:
        assert bool((effective_weight(layer)[~layer.kept] == 0).all())


@pytest.mark.slow
def test_without_digits_weights_go_whole(quantized_cnn, digits):
    old = weight_layers(quantized_cnn)
    options = HardwareOptions(saving=0.3, digits=False)
    outcome = prune_hardware(quantized_cnn, digits, options, NONE, cost=board)
    for name, layer in weight_layers(outcome.network).items():
        new, given = integers(layer), integers(old[name])
        assert bool(((new == given) | (new == 0)).all())
    assert outcome.details["cost_after"]["lut"] <= outcome.details["goal"]


def test_a_better_use_of_the_budget_than_equal_prices(quantized_cnn, digits):
    """Where the first layer's weights are dear, they go; were they free, they would stay."""
    layers = weight_layers(quantized_cnn)
    first, second, last = layers

    def left(prices):
        import copy

        network = copy.deepcopy(quantized_cnn)
        total = sum(price_of(layers[name], prices[name]) for name in layers)
        ladder = Ladder(weight_layers(network), prices, 0.5 * total, ramp=0.5)
        ladder.project(1.0)
        total = sum(price_of(weight_layers(network)[n], prices[n]) for n in layers)
        assert total <= ladder.budget + 1e-6
        return int(integers(weight_layers(network)[first]).count_nonzero())

    cheap, even = WeightPrices(1.0, 1.0), WeightPrices(10.0, 10.0)
    dear = {first: WeightPrices(1000.0, 1000.0), second: cheap, last: cheap}
    assert left(dear) < left({first: cheap, second: even, last: even})


def test_float_networks_lose_whole_weights(float_cnn, digits):
    names = list(weight_layers(float_cnn))

    def cost(network):
        alive = [int(layer.weight.count_nonzero()) for layer in weight_layers(network).values()]
        return {"lut": 3.0 * alive[0] + 5.0 * alive[1] + alive[2]}

    options = HardwareOptions(saving=0.5, leave=(names[3],))
    outcome = prune_hardware(float_cnn, digits, options, SHORT, cost=cost)
    assert cost(outcome.network)["lut"] <= 0.5 * cost(float_cnn)["lut"]
    assert outcome.details["prices"][names[1]]["weight"] == pytest.approx(5.0)
    assert accuracy(outcome.network, digits.test) >= 0.9
    assert grid_of(weight_layers(float_cnn)[names[0]]) is None


def test_scales_that_follow_the_weights_take_no_digits():
    from brevitas.nn import QuantLinear

    layer = QuantLinear(8, 4, bias=False, weight_bit_width=4)
    assert grid_of(layer) is None


@pytest.mark.slow
def test_errors_name_what_is_wrong(quantized_cnn, digits):
    with pytest.raises(Problems, match=r"saving: is 1\.[\s\S]*resource: is 'gold'"):
        HardwareOptions(saving=1, resource="gold")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="has no layer nonsense"):
        options = HardwareOptions(leave=("nonsense",))
        prune_hardware(quantized_cnn, digits, options, NONE, cost=board)
    with pytest.raises(ModelError, match=r"saving 0\.99 of lut: zeros and fewer digits bring"):
        prune_hardware(quantized_cnn, digits, HardwareOptions(saving=0.99), NONE, cost=board)
    with pytest.raises(ModelError, match="the network takes no dsp"):
        options = HardwareOptions(resource="dsp")
        prune_hardware(quantized_cnn, digits, options, NONE, cost=board)
    with pytest.raises(ModelError, match="there is nothing to prune"):
        options = HardwareOptions(leave=tuple(weight_layers(quantized_cnn)))
        prune_hardware(quantized_cnn, digits, options, NONE, cost=board)


@deep_only
def test_the_boards_estimate_reaches_the_goal(quantized_cnn, digits, monkeypatch):
    """The LUTs of unstructured pruning to 80 % on pynq-z2; which is more accurate is not said."""
    from fpgacomp.compress.prune.magnitude import prune_magnitude
    from fpgacomp.compress.prune.options import MagnitudeOptions
    from fpgacomp.compress.quantize import to_qonnx
    from fpgacomp.flows.estimate import estimate
    from fpgacomp.flows.options import Options
    from fpgacomp.results.target import Target

    asked = Options(backend="hls4ml", io_type="io_stream", target=Target("area", fps=3e5))

    def cost(network):
        figures = estimate(to_qonnx(network), "pynq-z2", options=asked).estimate
        return {name: getattr(figures, name).value for name in ("lut", "dsp", "ff", "bram18")}

    monkeypatch.setattr(hardware, "BISECTIONS", 5)  # of 7: each estimates the network
    recipe = Recipe(epochs=8, learning_rate=5e-3)
    plain = prune_magnitude(quantized_cnn, digits, MagnitudeOptions(sparsity=0.8), recipe).network
    before, theirs = cost(quantized_cnn)["lut"], cost(plain)["lut"]
    options = HardwareOptions(saving=1 - theirs / before)
    mine = prune_hardware(quantized_cnn, digits, options, recipe, cost=cost)
    assert mine.details["cost_after"]["lut"] <= theirs < before
    assert mine.details["cost_after"] == cost(mine.network)
    assert accuracy(mine.network, digits.test) >= 0.85
