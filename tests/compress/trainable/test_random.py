"""Random networks written to ONNX and read again, by us and by torch's exporter."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn

from fpgacomp.compress.trainable import (
    AddTensors,
    ConcatTensors,
    example_input,
    from_module,
    from_onnx,
    input_shape,
    to_onnx,
)

pytestmark = pytest.mark.slow  # loading the framework takes seconds


class Parallel(nn.Module):
    """Branches side by side, added or concatenated."""

    def __init__(self, merge: nn.Module, *branches: nn.Module) -> None:
        super().__init__()
        self.merge = merge
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(*(branch(x) for branch in self.branches))


def layers_of(rank: int) -> dict[str, type[nn.Module]]:
    suffix = f"{rank}d"
    return {
        name: getattr(nn, name + suffix)
        for name in ("Conv", "BatchNorm", "MaxPool", "AvgPool", "AdaptiveAvgPool", "ConstantPad")
    }


def random_network(seed: int) -> tuple[nn.Module, tuple[int, ...]]:
    """A small network over one or two axes with whatever a canonical network may hold."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    rank = int(rng.integers(1, 3))
    kind = layers_of(rank)
    channels, size = int(rng.integers(1, 4)), 16
    shape = (channels, *[size] * rank)
    parts: list[nn.Module] = []
    for _ in range(int(rng.integers(2, 6))):
        wide = int(rng.integers(1, 4)) * channels
        k = int(rng.integers(1, 4))
        conv = kind["Conv"]
        match rng.integers(0, 9):
            case 0:
                parts += [conv(channels, wide, k, padding=k // 2, bias=bool(rng.integers(2)))]
                size += k % 2 == 0
                channels = wide
            case 1:
                parts += [conv(channels, wide, 3, padding=1, groups=channels), nn.ReLU6()]
                channels = wide
            case 2:
                parts += [randomized(kind["BatchNorm"](channels)), nn.LeakyReLU(0.125)]
            case 3 if size >= 4:
                parts += [kind["MaxPool"](2, ceil_mode=bool(rng.integers(2))), nn.Dropout(0.1)]
                size = -(-size // 2) if parts[-2].ceil_mode else size // 2
            case 4 if size >= 4:
                pad = int(rng.integers(2))
                parts += [kind["AvgPool"](2, padding=pad, count_include_pad=bool(rng.integers(2)))]
                size = (size + 2 * pad - 2) // 2 + 1
            case 5:
                body = nn.Sequential(conv(channels, channels, 3, padding=1), nn.ReLU())
                parts += [Parallel(AddTensors(), body, nn.Identity())]
            case 6:
                parts += [Parallel(ConcatTensors(1), conv(channels, wide, 1), nn.Tanh())]
                channels += wide
            case 7 if size <= 16:
                parts += [nn.Upsample(scale_factor=2, mode="nearest")]
                size *= 2
            case _:
                parts += [kind["ConstantPad"]([1, 0] * rank, 0.0), nn.Hardtanh(-0.5, 0.75)]
                size += 1
    if rng.integers(2):
        parts += [kind["AdaptiveAvgPool"](1)]
        size = 1
    parts += [nn.Flatten(), nn.Linear(channels * size**rank, 6), nn.Sigmoid()]
    parts += [nn.Linear(6, 4, bias=False), nn.Softmax(1)]
    return nn.Sequential(*parts).eval(), shape


def randomized(norm: nn.Module) -> nn.Module:
    with torch.no_grad():
        for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            values.uniform_(0.5, 1.5)
    return norm


def onnx_run(model: onnx.ModelProto, x: Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {model.graph.input[0].name: x.numpy()})[0]


def close(found: Tensor | np.ndarray, wanted: Tensor) -> None:
    expected = wanted.detach().numpy()
    np.testing.assert_allclose(
        np.asarray(found.detach() if isinstance(found, Tensor) else found),
        expected,
        rtol=1e-4,
        atol=1e-5 * max(1.0, float(np.abs(expected).max())),
    )


@pytest.mark.parametrize("seed", range(4))
def test_round_trip(seed: int) -> None:
    round_trip(seed)


@settings(deadline=None, max_examples=25)
@given(st.integers(4, 10**6))
def test_many_round_trips(seed: int) -> None:
    round_trip(seed)


def round_trip(seed: int) -> None:
    module, shape = random_network(seed)
    x = torch.rand(3, *shape)
    network = from_module(module, x)
    model = to_onnx(network, shape)
    assert model.SerializeToString() == to_onnx(network, shape).SerializeToString()
    again = from_onnx(model)
    assert input_shape(again) == shape
    close(again(x), module(x))
    close(onnx_run(model, x), module(x))
    names = [name for name, part in network.named_children() if counts(part)]
    assert [name for name, part in again.named_children() if counts(part)] == names
    for name in names:
        assert type(again.get_submodule(name)) is type(network.get_submodule(name))
        for key, value in network.get_submodule(name).state_dict().items():
            if key != "num_batches_tracked":
                assert torch.equal(value, again.get_submodule(name).state_dict()[key])


def counts(part: nn.Module) -> bool:
    return not isinstance(part, nn.Dropout | nn.Identity)


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10**6), st.integers(9, 17))
def test_files_of_torch_are_read(seed: int, opset: int) -> None:
    module, shape = random_network(seed)
    x = torch.rand(2, *shape)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (x,),
            file,
            dynamo=False,
            opset_version=opset,
            input_names=["x"],
            dynamic_axes={"x": {0: "batch"}} if seed % 2 else None,
        )
    network = from_onnx(onnx.load_model_from_string(file.getvalue()))
    assert {n.op for n in network.graph.nodes} == {"placeholder", "call_module", "output"}
    close(network(x), module(x))


class Residual(nn.Module):
    """As the residual networks of MLPerf Tiny: two convolutions and a way past them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.past = nn.Conv2d(inputs, outputs, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.past(x))


def residual_network() -> fx.GraphModule:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        Residual(8, 8, 1), Residual(8, 16, 2), Residual(16, 32, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            randomized(part)
    return from_module(module, torch.rand(2, 3, 32, 32))


def test_residual_network() -> None:
    network = residual_network()
    assert sum(isinstance(part, AddTensors) for part in network.modules()) == 3
    again = from_onnx(to_onnx(network, (3, 32, 32)))
    x = example_input(network, 4)
    close(again(x), network(x))
    assert "layer_4_conv2" in dict(again.named_children())


def test_the_other_exporter_of_torch_is_read() -> None:
    pytest.importorskip("onnxscript", reason="torch's newer exporter needs onnxscript")
    network = residual_network()
    x = example_input(network, 2)
    program = torch.onnx.export(network, (x,), dynamo=True, verbose=False)
    assert program is not None
    again = from_onnx(program.model_proto)
    close(again(x), network(x))
