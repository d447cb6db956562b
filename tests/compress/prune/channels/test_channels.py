"""Channels removed physically: what is left computes as if they were zero; accuracy; errors."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.constraints import keep_zeros  # noqa: E402
from fpgacomp.compress.prune.groups import channels_of, remove_channels  # noqa: E402
from fpgacomp.compress.prune.options import ChannelOptions  # noqa: E402
from fpgacomp.compress.prune.structured import (  # noqa: E402
    narrow_copy,
    prune_channels,
)
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import ScaleTensor, from_module, from_onnx, to_onnx, weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy, train  # noqa: E402
from fpgacomp.data.labelled import load_data  # noqa: E402
from fpgacomp.errors import DoesNotFit, ModelError, UsageError  # noqa: E402
from tests.support.depth import deep  # noqa: E402

pytestmark = pytest.mark.slow  # they train

SHORT = Recipe(epochs=8, learning_rate=5e-3)


class Tangle(nn.Module):
    """Everything channels can meet: residuals, concat, depthwise, flatten, scale, pools."""

    def __init__(self, rng):
        super().__init__()
        a, b = (int(n) for n in rng.integers(3, 9, 2))
        self.stem = nn.Conv2d(2, a, 3, padding=1)
        self.norm = nn.BatchNorm2d(a)
        self.inner = nn.Conv2d(a, b, 3, padding=1)
        self.depth = nn.Conv2d(b, b, 3, padding=1, groups=b)
        self.back = nn.Conv2d(b, a, 1)
        self.skip = bool(rng.integers(2))
        self.side = nn.Conv2d(a, b, 1)
        self.scale = ScaleTensor(torch.rand(a + b, 1, 1) + 0.5)
        self.pool = [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)][rng.integers(3)]
        size = 1 if isinstance(self.pool, nn.AdaptiveAvgPool2d) else 9
        self.hidden = nn.Linear((a + b) * size, 7)
        self.last = nn.Linear(7, 4)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        y = self.back(torch.relu(self.depth(self.inner(x))))
        x = torch.relu(x + y) if self.skip else torch.relu(y)
        x = self.scale(torch.cat([x, self.side(x)], 1))
        return self.last(torch.relu(self.hidden(self.pool(x).flatten(1))))


def tangle(seed):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    module = Tangle(rng)
    with torch.no_grad():
        for value in (module.norm.running_mean, module.norm.bias):
            value.copy_(torch.randn(value.shape) / 4)
    return from_module(module.eval(), torch.rand(2, 2, 6, 6)), rng


def zeroed(network, gone, channels):
    """The same network whose channels are zero instead of gone."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for name, module in network.named_modules():
            if name not in channels.outputs or not hasattr(module, "weight"):
                continue
            dead = torch.from_numpy(np.isin(channels.outputs[name], gone))
            for part in ("weight", "bias", "running_mean"):
                if getattr(module, part, None) is not None:
                    getattr(module, part)[dead] = 0
    return network


@pytest.mark.parametrize(
    "seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 40))]
)
def test_removed_is_zeroed(seed):
    network, rng = tangle(seed)
    channels = channels_of(network)
    units = channels.units()
    count = int(rng.integers(1, max(2, len(units) // 2)))
    gone = [units[i].number for i in rng.choice(len(units), count, replace=False)]
    kept = {}
    for unit in units:
        kept[unit.layers] = kept.get(unit.layers, 0) + (unit.number not in gone)
    if 0 in kept.values():
        pytest.skip("a layer would be empty")
    smaller = remove_channels(network, gone, channels)
    x = torch.randn(5, 2, 6, 6)
    with torch.no_grad():
        expected, found = zeroed(network, gone, channels)(x), smaller(x)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    again = from_onnx(to_onnx(smaller, (2, 6, 6)))
    with torch.no_grad():
        torch.testing.assert_close(again(x), found, rtol=1e-4, atol=1e-5)
    sizes = [sum(p.numel() for p in n.parameters()) for n in (network, smaller)]
    assert sizes[1] < sizes[0]


def test_what_is_tied_goes_together():
    network, _ = tangle(next(s for s in range(9) if tangle(s)[0].get_submodule("add") is not None))
    units = channels_of(network).units()
    together = {unit.layers for unit in units}
    assert ("back", "stem") in together
    assert ("depth", "inner") in together
    assert not any("last" in layers for layers in together)


def test_a_channel_that_is_opaque_stays_and_is_told():
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 1, groups=2), nn.Flatten(), nn.Linear(64, 3)
    )
    network = from_module(module, torch.rand(2, 1, 6, 6))
    channels = channels_of(network)
    assert channels.units() == []
    name = list(weight_layers(network))[1]
    assert list(channels.reasons.values()) == [
        f"4 channels in front of {name} stay: it has 2 groups of several channels"
    ]
    data = load_data((np.random.default_rng(0).random((300, 1, 6, 6)), np.arange(300) % 3))
    with pytest.raises(ModelError, match=r"no channel can go\. 4 channels in front of"):
        prune_channels(network, data, ChannelOptions(), SHORT)


def test_half_the_channels_cost_little(float_cnn, digits):
    outcome = prune_channels(float_cnn, digits, ChannelOptions(share=0.5), SHORT)
    widths = [len(layer.weight) for layer in weight_layers(outcome.network).values()]
    assert widths == [8, 16, 32, 10]
    assert outcome.details["weights"] < 0.3 * outcome.details["weights_before"]
    assert accuracy(outcome.network, digits.test) > accuracy(float_cnn, digits.test) - 0.05


@pytest.mark.parametrize("saliency", ["taylor", "magnitude", "sum", "gamma"])
def test_global_scope_removes_the_share_of_all(float_cnn, digits, saliency):
    options = ChannelOptions(share=0.5, scope="global", rounds=1, saliency=saliency)
    outcome = prune_channels(float_cnn, digits, options, Recipe(epochs=0))
    third = list(weight_layers(float_cnn))[2]
    by_length = f"judged by its magnitude, without a batch normalization: {third}"
    assert outcome.notes == ((by_length,) if saliency == "gamma" else ())
    widths = [len(layer.weight) for layer in weight_layers(outcome.network).values()][:3]
    assert sum(widths) == (16 + 32 + 64) // 2
    assert min(w / n for w, n in zip(widths, (16, 32, 64))) >= 1 / 8


@pytest.mark.parametrize("saliency", ["taylor", "magnitude", "sum", "gamma"])
def test_the_least_salient_go(saliency, float_cnn, digits):
    layer = next(iter(weight_layers(float_cnn).values()))
    norm = next(m for m in float_cnn.modules() if isinstance(m, nn.BatchNorm2d))
    with torch.no_grad():
        for channel in (1, 5, 11):
            layer.weight[channel] *= 1e-4
            norm.weight[channel], norm.bias[channel] = 1e-4, 0
    first = next(iter(weight_layers(float_cnn)))
    options = ChannelOptions(share={first: 3 / 16}, rounds=1, saliency=saliency)
    outcome = prune_channels(float_cnn, digits, options, Recipe(epochs=0))
    left = weight_layers(outcome.network)[first].weight
    alive = [c for c in range(16) if c not in (1, 5, 11)]
    assert torch.equal(left, layer.weight[alive])


def test_masks_are_cut_along_and_hold(float_cnn, digits):
    for layer in weight_layers(float_cnn).values():
        keep_zeros(layer, layer.weight.abs() > layer.weight.abs().median())
    network = prune_channels(float_cnn, digits, ChannelOptions(), SHORT).network
    for layer in weight_layers(network).values():
        assert layer.kept.shape == layer.weight.shape
        assert torch.equal(layer.weight != 0, layer.kept)


def test_a_saving_is_reached_with_as_few_as_it_takes(float_cnn, digits):
    def cost(network):
        return {"lut": sum(layer.weight.numel() for layer in weight_layers(network).values())}

    options = ChannelOptions(saving=0.6, rounds=1)
    outcome = prune_channels(float_cnn, digits, options, Recipe(epochs=0), cost=cost)
    assert 0.3 < cost(outcome.network)["lut"] / cost(float_cnn)["lut"] <= 0.4
    with pytest.raises(DoesNotFit, match="no share of the channels saves"):
        prune_channels(
            float_cnn, digits, ChannelOptions(saving=0.9999), SHORT, cost=lambda n: {"lut": 5.0}
        )
    with pytest.raises(UsageError, match="no board to judge by"):
        prune_channels(float_cnn, digits, options, SHORT)


@pytest.mark.parametrize("scope", ["global", "board", deep("layer")])
def test_a_saving_holds_after_every_round(scope, float_cnn, digits):
    def cost(network):
        """Dear where channels meet: later rounds, which rank anew, spend a share elsewhere."""
        sizes = [layer.weight.numel() for layer in weight_layers(network).values()]
        return {"lut": 50.0 * sizes[0] + sizes[1] + 0.2 * sizes[2]}

    options = ChannelOptions(saving=0.4, scope=scope, rounds=3)
    outcome = prune_channels(float_cnn, digits, options, Recipe(epochs=2), cost=cost)
    saved = 1 - cost(outcome.network)["lut"] / cost(float_cnn)["lut"]
    assert saved >= 0.4
    assert outcome.details["saved"] == pytest.approx(saved)
    assert not outcome.notes


def test_a_saving_holds_where_later_rounds_rank_otherwise(monkeypatch, float_cnn, digits):
    """The dear layer's channels look worthless at first, and precious once some are gone."""
    dear = list(weight_layers(float_cnn))[1]

    def saliency(network, channels, data, kind):
        whole = len(weight_layers(network)[dear].weight) == 32
        worth = {True: 0.0 if whole else 10.0, False: 1.0}
        return {unit.number: worth[dear in unit.layers] for unit in channels.units()}

    def cost(network):
        widths = {name: len(layer.weight) for name, layer in weight_layers(network).items()}
        return {"lut": sum(widths.values()) + 9.0 * widths[dear]}

    monkeypatch.setattr("fpgacomp.compress.prune.structured.saliency_of", saliency)
    options = ChannelOptions(saving=0.4, scope="global", rounds=3)
    outcome = prune_channels(float_cnn, digits, options, Recipe(epochs=0), cost=cost)
    assert cost(outcome.network)["lut"] <= 0.6 * cost(float_cnn)["lut"]


def test_a_saving_that_training_undoes_is_told(float_cnn, digits):
    def cost(network):
        """As if it rose with the number of training steps."""
        norm = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
        start = next(m for m in float_cnn.modules() if isinstance(m, nn.BatchNorm2d))
        sizes = [layer.weight.numel() for layer in weight_layers(network).values()]
        trained = norm.num_batches_tracked != start.num_batches_tracked
        return {"lut": sum(sizes) * (3.0 if trained else 1.0)}

    options = ChannelOptions(saving=0.6, rounds=1)
    outcome = prune_channels(float_cnn, digits, options, Recipe(epochs=1), cost=cost)
    assert outcome.details["saved"] < 0.6
    assert outcome.notes[0].startswith("the trained network saves")


def test_the_board_scope_takes_what_is_dear(float_cnn, digits):
    dear = list(weight_layers(float_cnn))[2]

    def cost(network):
        return {"lut": len(weight_layers(network)[dear].weight) + 100.0}

    options = ChannelOptions(share=0.25, scope="board", rounds=1, least=0.25)
    outcome = prune_channels(float_cnn, digits, options, Recipe(epochs=0), cost=cost)
    widths = [len(layer.weight) for layer in weight_layers(outcome.network).values()]
    assert widths == [16, 32, 64 - 28, 10]
    with pytest.raises(UsageError, match="board has no board to judge by"):
        prune_channels(float_cnn, digits, options, SHORT)


def test_quantized_layers_stay_and_are_told(float_cnn):
    qnn = pytest.importorskip("brevitas.nn")
    quant = pytest.importorskip("brevitas.quant")
    second = list(weight_layers(float_cnn))[1]
    layer = qnn.QuantConv2d(16, 32, 3, padding=1, weight_quant=quant.Int8WeightPerChannelFloat)
    float_cnn.set_submodule(second, layer.eval())
    channels = channels_of(float_cnn)
    layers = {name for unit in channels.units() for name in unit.layers}
    assert layers == {list(weight_layers(float_cnn))[2]}
    assert channels.reasons[second] == f"16 channels in front of {second} stay: it is quantized"


def test_a_narrower_copy_is_fresh_and_repeatable(float_cnn, digits):
    one, same, other = (narrow_copy(float_cnn, 0.25, seed=seed) for seed in (0, 0, 1))
    assert [len(layer.weight) for layer in weight_layers(one).values()] == [4, 8, 16, 10]
    x = torch.from_numpy(digits.test.x)
    assert torch.equal(one(x), same(x))
    assert not torch.equal(one(x), other(x))
    assert accuracy(one, digits.test) < 0.5
    train(one, digits, SHORT)
    assert accuracy(one, digits.test) > 0.7


def test_errors_name_what_is_wrong(float_cnn, digits):
    for wrong in ({"share": 1.0}, {"saving": -1.0}, {"rounds": 0}, {"saliency": "x"}):
        with pytest.raises(UsageError, match="use"):
            ChannelOptions(**wrong)
    for wrong, text in (({"least": 1.0}, "least: is 1"), ({"scope": "x"}, "scope: is 'x'"),
                        ({"share": {"a": 0.5}, "scope": "global"}, "by layer, with")):  # fmt: skip
        with pytest.raises(UsageError, match=text):
            ChannelOptions(**wrong)
    first, *_, last = weight_layers(float_cnn)
    with pytest.raises(ModelError, match=f"^.*{last}.*all channels stay"):
        prune_channels(float_cnn, digits, ChannelOptions(share={first: 0.5, last: 0.5}), SHORT)
    with pytest.raises(UsageError, match="has no layer nonsense"):
        prune_channels(float_cnn, digits, ChannelOptions(leave=("nonsense",)), SHORT)
    with pytest.raises(UsageError, match="student width: is 0"):
        narrow_copy(float_cnn, 0)


def test_a_linear_layer_on_several_axes_keeps_what_it_mixes():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(1, 4, 3, padding=1)
            self.line = nn.Linear(6, 5)
            self.last = nn.Linear(20, 3)

        def forward(self, x):
            return self.last(torch.flatten(self.line(self.conv(x)), 1))

    network = from_module(Mixed(), torch.rand(2, 1, 6))
    channels = channels_of(network)
    assert {unit.layers for unit in channels.units()} == {("line",)}
    x = torch.rand(3, 1, 6)
    data = load_data((np.random.default_rng(0).random((300, 1, 6)), np.arange(300) % 3))
    smaller = prune_channels(network, data, ChannelOptions(rounds=1), Recipe(epochs=1)).network
    assert smaller.get_submodule("line").out_features in (2, 3)
    assert smaller(x).shape == (3, 3)


def test_a_depthwise_layer_down_to_one_channel_goes_through_every_round():
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.Flatten(),
        nn.Linear(144, 3),
    )
    network = from_module(module, torch.rand(2, 1, 6, 6))
    data = load_data((np.random.default_rng(0).random((300, 1, 6, 6)), np.arange(300) % 3))
    options = ChannelOptions(share=0.8, rounds=3)
    smaller = prune_channels(network, data, options, Recipe(epochs=0)).network
    assert [len(layer.weight) for layer in weight_layers(smaller).values()] == [1, 1, 3]


def test_a_tensor_beside_itself_and_features_that_are_padded():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(5, 4), nn.Linear(8, 3)

        def forward(self, x):
            x = self.first(x)
            return self.last(torch.cat([x, x], 1))

    network = from_module(Twice(), torch.rand(2, 5))
    channels = channels_of(network)
    smaller = remove_channels(network, [channels.units()[1].number], channels)
    assert smaller.get_submodule("last").weight.shape == (3, 6)

    padded = nn.Sequential(nn.Linear(5, 4), nn.ConstantPad1d((1, 2), 0.0), nn.Linear(7, 3))
    channels = channels_of(from_module(padded, torch.rand(2, 5)))
    assert channels.units() == []
    (reason,) = channels.reasons.values()
    assert reason.startswith("4 channels in front of") and reason.endswith(
        "makes channels of its own"
    )
