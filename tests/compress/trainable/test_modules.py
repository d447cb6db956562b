"""Torch modules written by users become canonical networks."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, fx, nn

from fpgacomp.compress.trainable import (
    constraints_of,
    from_module,
    from_onnx,
    input_shape,
    to_onnx,
    weight_layers,
)
from fpgacomp.errors import ModelError, Problems

pytestmark = pytest.mark.slow  # loading the framework takes seconds


class Functional(nn.Module):
    """Everything written as functions and methods."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding="same")
        self.conv2 = nn.Conv2d(8, 8, 4, padding="same")
        self.norm = nn.BatchNorm2d(8)
        self.fc1 = nn.Linear(32, 12)
        self.fc2 = nn.Linear(12, 10)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = (x - 0.5) / 0.25
        a = F.relu(self.conv1(x))
        b = self.act(self.norm(self.conv2(a)) + a)
        b = torch.cat([F.max_pool2d(b, 2), F.avg_pool2d(b, 2)], dim=1)
        b = F.pad(F.interpolate(b, scale_factor=2), (0, 1, 0, 1))
        wide = b.mean([2, 3])
        same = F.adaptive_avg_pool2d(b, 1).view(x.size(0), -1)
        y = torch.cat([wide, same], 1)
        y = F.dropout(F.leaky_relu(self.fc1(y), 0.1), training=self.training)
        return F.softmax(self.act(self.fc2(y)), dim=1)


def test_functions_become_modules() -> None:
    torch.manual_seed(0)
    module = Functional().eval()
    x = torch.rand(3, 1, 8, 8)
    network = from_module(module, x)
    assert {n.op for n in network.graph.nodes} == {"placeholder", "call_module", "output"}
    assert torch.allclose(network(x), module(x), atol=1e-4)
    assert list(weight_layers(network)) == ["conv1", "conv2", "fc1", "fc2"]
    assert input_shape(network) == (1, 8, 8)
    assert network.conv1.weight is not module.conv1.weight
    again = from_onnx(to_onnx(module, (1, 8, 8)))
    assert torch.allclose(again(x), module(x), atol=1e-4)


def test_a_network_that_ends_in_a_log_softmax() -> None:
    class Digits(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return F.log_softmax(self.fc(x), dim=-1)

    torch.manual_seed(0)
    module, x = Digits().eval(), torch.rand(3, 8)
    assert torch.equal(from_module(module, x)(x), module(x))
    assert torch.equal(from_onnx(to_onnx(module, (8,)))(x), module(x))


def test_containers_and_repeated_layers_keep_telling_names() -> None:
    act = nn.ReLU()
    module = nn.Sequential(
        nn.Sequential(nn.Conv1d(2, 4, 3), act), nn.Flatten(), nn.Linear(24, 5), act
    )
    network = from_module(module, torch.rand(2, 2, 8))
    names = [name for name, _ in network.named_children()]
    assert names == ["layer_0_0", "layer_0_1", "layer_1", "layer_2", "layer_0_1_2"]
    assert isinstance(network.get_submodule("layer_0_0"), nn.Conv1d)


def test_zeros_of_a_pruned_layer_are_kept() -> None:
    layer = nn.Linear(10, 10)
    with torch.no_grad():
        layer.weight[:5] = 0
    network = from_module(nn.Sequential(layer), torch.rand(2, 10))
    (zeros,) = constraints_of(network)
    with torch.no_grad():
        network.get_submodule("layer_0").weight.fill_(1.0)
    zeros.project(1.0)
    assert int((network.get_submodule("layer_0").weight == 0).sum()) == 50


class Refused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mish = nn.Mish()
        self.pool = nn.AdaptiveAvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.mish(x))
        x = x * torch.sigmoid(x)
        return x.sort(dim=1)[0]


def test_all_problems_are_told_with_their_lines() -> None:
    with pytest.raises(Problems) as caught:
        from_module(Refused(), torch.rand(2, 1, 4, 4))
    text = str(caught.value)
    assert "Mish is not carried" in text
    assert "it averages to [2, 2]" in text
    assert "x = x * torch.sigmoid(x)): mul, or not in this form, is not carried" in text
    assert "x.sort(dim=1)[0]): sort" in text
    assert "test_modules.py line" in text


class Split(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.chunk(2, dim=1)[0]


def test_pieces_of_the_input_are_no_constants() -> None:
    with pytest.raises(Problems, match="chunk, or not in this form"):
        from_module(Split(), torch.rand(2, 4))


class Branch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


def test_branches_on_values_are_refused() -> None:
    with pytest.raises(ModelError, match=r"torch.fx cannot follow its forward\(\).*return x if"):
        from_module(Branch(), torch.rand(2, 4))


class Batch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x.size(0)


def test_what_hangs_on_the_batch_size_is_refused() -> None:
    with pytest.raises(ModelError, match="batch size"):
        from_module(Batch(), torch.rand(2, 4))


def test_a_wrong_example_is_told() -> None:
    with pytest.raises(ModelError, match=r"it fails on an input of shape \[2, 3\]"):
        from_module(nn.Sequential(nn.Linear(4, 2)), torch.rand(2, 3))


class Twice(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


def test_two_inputs_are_refused() -> None:
    with pytest.raises((ModelError, Problems)):
        from_module(Twice(), torch.rand(2, 4))


def test_a_canonical_network_passes_unchanged() -> None:
    network = from_module(nn.Sequential(nn.Linear(4, 2), nn.Tanh()), torch.rand(2, 4))
    again = from_module(network, torch.rand(2, 4))
    assert isinstance(again, fx.GraphModule)
    assert [n for n, _ in again.named_children()] == [n for n, _ in network.named_children()]
