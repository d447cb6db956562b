"""Convolutions as column and row, and by Tucker-2: exact at full rank, smaller below it."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.factorize.factorize import factorize  # noqa: E402
from fpgacomp.compress.factorize.options import FactorizeOptions  # noqa: E402
from fpgacomp.compress.factorize.windows import (  # noqa: E402
    spatial_spectrum,
    split_spatial,
    split_tucker,
    tucker_spectrum,
)
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import from_module, from_onnx, to_onnx, weight_layers  # noqa: E402
from fpgacomp.compress.training import accuracy  # noqa: E402
from fpgacomp.data.labelled import load_data  # noqa: E402
from fpgacomp.errors import ModelError  # noqa: E402

pytestmark = pytest.mark.slow  # they train

SHORT = Recipe(epochs=12, learning_rate=5e-3)
WINDOWS = {
    "square": lambda: nn.Conv2d(3, 8, 3, padding=1),
    "oblong": lambda: nn.Conv2d(4, 5, (3, 5), stride=(2, 1), padding=(1, 2), bias=False),
    "dilated": lambda: nn.Conv2d(2, 6, (5, 3), stride=(1, 3), dilation=(2, 1), padding=(0, 1)),
}


def size(parts):
    return sum(part.weight.numel() for part in parts)


def weight_of(parts, channels, window):
    """The kernel that layers in a row amount to, by their answers to single pixels."""
    middle = [n - 1 for n in window]
    image = torch.zeros(channels, channels, *[2 * n - 1 for n in window])
    for channel in range(channels):
        image[channel, channel, *middle] = 1
    chain = nn.Sequential(*parts)
    for layer in chain:
        layer.stride, layer.padding, layer.dilation = (1, 1), (0, 0), (1, 1)
        layer.bias = None
    return chain(image).detach().transpose(0, 1).flip(2, 3)


@pytest.mark.parametrize("kind", WINDOWS)
def test_column_and_row(kind):
    torch.manual_seed(0)
    layer, x = WINDOWS[kind](), torch.rand(2, WINDOWS[kind]().in_channels, 13, 14)
    found = spatial_spectrum(layer)
    pair = split_spatial(layer, found.full_rank)
    torch.testing.assert_close(nn.Sequential(*pair)(x), layer(x), rtol=1e-4, atol=1e-5)
    for rank in range(1, found.full_rank + 1):
        pair = split_spatial(layer, rank)
        assert size(pair) == found.weights(rank)
        product = weight_of(pair, layer.in_channels, layer.kernel_size)
        error = (product - layer.weight).norm().item()
        assert error == pytest.approx(float(found.values[rank:].norm()), abs=1e-5)


@pytest.mark.parametrize("kind", [*WINDOWS, "one axis"])
def test_tucker(kind):
    torch.manual_seed(0)
    build = WINDOWS.get(kind, lambda: nn.Conv1d(4, 6, 5, stride=2, padding=3))
    layer = build()
    x = torch.rand(2, layer.in_channels, *[13] * (layer.weight.dim() - 2))
    found = tucker_spectrum(layer)
    full = found.inputs.full_rank, found.outputs.full_rank
    parts = split_tucker(layer, full)
    torch.testing.assert_close(nn.Sequential(*parts)(x), layer(x), rtol=1e-4, atol=1e-5)
    for ranks in ((1, 1), (1, full[1]), (full[0], 1), (2, 3)):
        parts = split_tucker(layer, ranks)
        assert size(parts) == found.weights(ranks)
        first, core, last = (part.weight.flatten(2) for part in parts)
        product = torch.einsum("osk,srk,rik->oik", last.expand(-1, -1, core.shape[2]), core,
                               first.expand(-1, -1, core.shape[2]))  # fmt: skip
        error = (product - layer.weight.flatten(2)).norm().square().item()
        modes = ((found.inputs, ranks[0]), (found.outputs, ranks[1]))
        lost = [float(mode.values[rank:].square().sum()) for mode, rank in modes]
        # De Lathauwer et al. (2000), eq. 24: between the larger one and the sum.
        assert max(lost) - 1e-5 <= error <= sum(lost) + 1e-5


@pytest.mark.parametrize("kind", ["spatial", "tucker"])
def test_the_network_gets_smaller_recovers_and_exports(kind, float_cnn, digits):
    outcome = factorize(float_cnn, digits, FactorizeOptions(kind=kind), SHORT)
    assert outcome.details["weights"] < 0.85 * outcome.details["weights_before"]
    words = {"spatial": {"column", "row"}, "tucker": {"reduce", "core", "expand"}}[kind]
    second = list(weight_layers(float_cnn))[1]
    names = set(weight_layers(outcome.network))
    assert {f"{second}_{word}" for word in words} <= names
    assert second not in names
    first, *_, last = weight_layers(float_cnn)
    answers = "computes the network's answers, which take its whole rank"
    whole = f"1 layers left alone ({answers}): {last}"
    if kind == "spatial":
        reason = "has one input channel: all its kernels would become alike"
        assert outcome.notes == (f"1 layers left alone ({reason}): {first}", whole)
    else:
        assert outcome.notes == (whole,)
        assert {f"{first}_reduce", f"{first}_expand"} <= names
        assert f"{first}_core" not in names
    assert accuracy(outcome.network, digits.test) > accuracy(float_cnn, digits.test) - 0.05
    x = torch.from_numpy(digits.test.x[:5])
    again = from_onnx(to_onnx(outcome.network, (1, 8, 8)))
    torch.testing.assert_close(again(x), outcome.network(x), rtol=1e-4, atol=1e-4)


def test_fewer_weights_with_more_multiplications_are_no_saving():
    module = nn.Sequential(
        nn.Conv2d(8, 8, 3, stride=4, padding=1), nn.Flatten(), nn.Linear(8 * 4, 3)
    )
    network = from_module(module, torch.rand(2, 8, 8, 8))
    x = np.random.default_rng(0).random((300, 8, 8, 8)).astype(np.float32)
    data = load_data((x, np.arange(300) % 3))
    first, last = weight_layers(network)
    options = FactorizeOptions(kind="tucker", rank={first: 0.5})
    with pytest.raises(ModelError, match=f"{first}: would multiply more often"):
        factorize(network, data, options, Recipe(epochs=0))
    svd = factorize(network, data, FactorizeOptions(rank={first: 0.5}), Recipe(epochs=0))
    assert svd.details["layers"][first]["weights"] == 4 * (72 + 8)
    assert svd.notes == (f"1 layers left alone (left out): {last}",)


class Residual(nn.Module):
    """Convolutions whose inputs and outputs are used more than once."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 8, 3, padding=1)
        self.body = nn.Conv2d(8, 8, 3, padding=1)
        self.side = nn.Conv2d(8, 8, 1)
        self.last = nn.Linear(16 * 36, 3)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        y = torch.relu(self.body(x)) + x
        return self.last(torch.cat([y, self.side(y)], 1).flatten(1))


@pytest.mark.parametrize("kind", ["svd", "spatial", "tucker", "separable", "grouped"])
def test_branches_stay_joined_whatever_is_split(kind):
    torch.manual_seed(0)
    network = from_module(Residual(), torch.rand(2, 2, 6, 6))
    x = np.random.default_rng(0).random((300, 2, 6, 6)).astype(np.float32)
    data = load_data((x, np.arange(300) % 3))
    rank = dict.fromkeys(weight_layers(network), 0.25)
    low_rank = kind in ("svd", "spatial", "tucker")
    options = FactorizeOptions(kind=kind, rank=rank if low_rank else None)
    smaller = factorize(network, data, options, Recipe(epochs=0)).network

    def layer(name):
        """What stands for a layer of the residual network, by the names of its parts."""
        named = smaller.named_children()
        return nn.Sequential(*(m for n, m in named if n == name or n.startswith(f"{name}_")))

    some = torch.rand(3, 2, 6, 6)
    again = from_onnx(to_onnx(smaller, (2, 6, 6)))
    with torch.no_grad():
        first = torch.relu(layer("stem")(some))
        body = torch.relu(layer("body")(first)) + first
        both = torch.cat([body, layer("side")(body)], 1).flatten(1)
        torch.testing.assert_close(smaller(some), layer("last")(both))
        torch.testing.assert_close(again(some), smaller(some), rtol=1e-4, atol=1e-5)
    assert sum(p.numel() for p in smaller.parameters()) < sum(
        p.numel() for p in network.parameters()
    )
