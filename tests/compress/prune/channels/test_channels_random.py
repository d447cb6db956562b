"""Channels removed from random graphs: the same answers as with every reader ignoring them."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.prune.groups import channels_of, remove_channels  # noqa: E402
from fpgacomp.compress.trainable import (  # noqa: E402
    PermuteTensor,
    ReshapeTensor,
    ScaleTensor,
    example_input,
    from_module,
    from_onnx,
    to_onnx,
)

pytestmark = pytest.mark.slow  # loading the framework takes seconds

SIZE = 6  # pixels a side


class Branching(nn.Module):
    """A random graph of everything that channels pass, grown from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = np.random.default_rng(seed)
        self.layers = nn.ModuleList()
        self.program: list[tuple[str, tuple[int, ...]]] = []
        self.shapes = [(2, SIZE, SIZE)]
        self.layer(nn.Conv2d(2, self.number(2, 6), 3, padding=1), 0)
        for _ in range(self.number(4, 11)):
            steps: list[Callable[[], None]] = [
                self.conv, self.conv, self.depthwise, self.bend, self.norm, self.add, self.add,
                self.concat, self.scale, self.resize, self.grouped,
            ]  # fmt: skip
            steps[self.number(0, len(steps))]()
        self.head()

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    def pick(self) -> int:
        """A tensor of images, rather a late one."""
        images = [i for i, shape in enumerate(self.shapes) if len(shape) == 3 and i]
        return images[-1 - min(self.number(0, 3), len(images) - 1)]

    def layer(self, module: nn.Module, source: int) -> None:
        index = len(self.layers)
        self.layers.append(module.eval())
        self.program.append((f"layer {index}", (source,)))
        with torch.no_grad():
            self.shapes.append(tuple(module(torch.zeros(1, *self.shapes[source])).shape[1:]))

    def conv(self) -> None:
        source, kernel = self.pick(), 1 + 2 * self.number(0, 2)
        channels = self.shapes[source][0]
        bias = bool(self.number(0, 2))
        self.layer(
            nn.Conv2d(channels, self.number(1, 7), kernel, padding=kernel // 2, bias=bias), source
        )

    def depthwise(self) -> None:
        source = self.pick()
        channels = self.shapes[source][0]
        self.layer(nn.Conv2d(channels, channels, 3, padding=1, groups=channels), source)

    def grouped(self) -> None:
        source = self.pick()
        channels = self.shapes[source][0]
        if channels % 2 == 0:
            self.layer(nn.Conv2d(channels, 2 * channels, 1, groups=2), source)

    def bend(self) -> None:
        kinds = (nn.ReLU, nn.Sigmoid, nn.Tanh, nn.LeakyReLU, nn.ReLU6, nn.Identity, nn.Dropout)
        self.layer(kinds[self.number(0, len(kinds))](), self.pick())

    def norm(self) -> None:
        source = self.pick()
        module = nn.BatchNorm2d(self.shapes[source][0])
        with torch.no_grad():
            for value in (module.weight, module.bias, module.running_mean):
                value.copy_(torch.randn(value.shape))
            module.running_var.uniform_(0.5, 2)
        self.layer(module, source)

    def scale(self) -> None:
        source = self.pick()
        factor = torch.rand(self.shapes[source][0], 1, 1) if self.number(0, 2) else 0.5
        self.layer(ScaleTensor(factor, torch.tensor(0.25)), source)

    def resize(self) -> None:
        source = self.pick()
        if self.shapes[source][1] == SIZE:
            pools = (nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1))
            self.layer(pools[self.number(0, 3)], source)
        elif self.shapes[source][1] == SIZE // 2:
            self.layer((nn.Upsample(scale_factor=2), nn.ConstantPad2d(1, 0.0))[self.number(0, 2)],
                       source)  # fmt: skip

    def add(self) -> None:
        """Of two tensors of one shape; where there are none, a convolution makes the second."""
        one = self.pick()
        alike = [i for i, shape in enumerate(self.shapes) if shape == self.shapes[one] and i != one]
        if not alike:
            channels = self.shapes[one][0]
            self.layer(nn.Conv2d(channels, channels, 1), one)
            alike = [len(self.shapes) - 1]
        self.program.append(("add", (one, alike[self.number(0, len(alike))])))
        self.shapes.append(self.shapes[one])

    def concat(self) -> None:
        one = self.pick()
        alike = [i for i, s in enumerate(self.shapes) if s[1:] == self.shapes[one][1:]]
        other = alike[self.number(0, len(alike))]
        self.program.append(("concat", (one, other)))
        channels = self.shapes[one][0] + self.shapes[other][0]
        self.shapes.append((channels, *self.shapes[one][1:]))

    def head(self) -> None:
        """To features: flat, with the axes turned as Keras does, or reshaped; dense layers."""
        self.layer(nn.ReLU(), len(self.shapes) - 1)
        kind = self.number(0, 3)
        if kind == 1:
            self.layer(PermuteTensor((0, 2, 3, 1)), len(self.shapes) - 1)
        last = len(self.shapes) - 1
        features = int(np.prod(self.shapes[last]))
        self.layer(ReshapeTensor((features,)) if kind == 2 else nn.Flatten(), last)
        self.layer(nn.Linear(features, 6), len(self.shapes) - 1)
        self.layer(nn.BatchNorm1d(6), len(self.shapes) - 1)
        self.layer(nn.Linear(6, 3), len(self.shapes) - 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = [x]
        for step, sources in self.program:
            parts = [values[source] for source in sources]
            if step == "add":
                values.append(parts[0] + parts[1])
            elif step == "concat":
                values.append(torch.cat(parts, 1))
            else:
                values.append(self.layers[int(step.split()[1])](parts[0]))
        return values[-1]


def branching(seed):
    torch.manual_seed(seed)
    network = from_module(Branching(seed), torch.rand(2, 2, SIZE, SIZE))
    return network, np.random.default_rng(seed)


def some_units(channels, rng, share):
    """Units that may go together: each layer keeps one."""
    units = channels.units()
    left: dict[tuple[str, ...], int] = {}
    for unit in units:
        left[unit.layers] = left.get(unit.layers, 0) + 1
    gone = []
    for index in rng.permutation(len(units)):
        layers = units[index].layers
        if left[layers] > 1 and rng.random() < share:
            left[layers] -= 1
            gone.append(units[index].number)
    return gone


def unread(network, gone, channels):
    """The network whose dense and full convolution layers take these channels times zero."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for name in channels.weighted:
            layer = network.get_submodule(name)
            if getattr(layer, "groups", 1) == 1:
                layer.weight[:, torch.from_numpy(np.isin(channels.inputs[name], gone))] = 0
    return network


FEW = [*range(8), *(pytest.param(seed) for seed in range(8, 40))]


@pytest.mark.parametrize("seed", FEW)
def test_removed_is_unread(seed):
    network, rng = branching(seed)
    channels = channels_of(network)
    gone = some_units(channels, rng, share=0.7)
    assert gone, "the dense layer in front of the last can always lose some"
    smaller = remove_channels(network, gone, channels)
    x = example_input(network, batch=3)
    with torch.no_grad():
        expected = unread(network, gone, channels).double()(x.double())
        found = copy.deepcopy(smaller).double()(x.double())
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
        again = from_onnx(to_onnx(smaller, (2, SIZE, SIZE)))
        torch.testing.assert_close(again(x), smaller(x), rtol=1e-4, atol=1e-4)
    sizes = [sum(p.numel() for p in n.parameters()) for n in (network, smaller)]
    assert sizes[1] < sizes[0]
