"""Float PyTorch networks, exported in several ways, keep their function."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.frontend import read_network
from tests.support.frontend_runs import execute, ops

pytestmark = pytest.mark.slow
pytest.importorskip("torch", reason="torch is not installed")


def depthwise() -> Any:
    from torch import nn
    from torch.nn import functional as f

    class Depthwise(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm = nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4)
            self.deep = nn.Conv2d(4, 4, 3, groups=4, padding=1)
            self.point, self.out = nn.Conv2d(4, 6, 1), nn.Linear(6, 3)
            self.norm1 = nn.BatchNorm1d(3)

        def forward(self, x: Any) -> Any:
            x = f.hardtanh(self.norm(self.first(f.pad(x, (1, 2, 0, 1)))))
            x = f.selu(self.point(x + f.elu(self.deep(x))))
            x = f.adaptive_avg_pool2d(x, 1)
            return self.norm1(self.out(x.view(x.size(0), -1))).softmax(1)

    return Depthwise(), (3, 9, 9)


def unet() -> Any:
    import torch
    from torch import nn
    from torch.nn import functional as f

    class Unet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
            self.c = nn.Conv2d(4, 1, 1)

        def forward(self, x: Any) -> Any:
            a = f.relu(self.a(x))
            b = f.silu(self.b(f.avg_pool2d(a, 2, ceil_mode=True)))
            b = f.interpolate(b, size=a.shape[-2:], mode="nearest")
            return torch.sigmoid(self.c(torch.cat([a, f.hardswish(b)], 1)))

    return Unet(), (1, 8, 8)


def one_dimensional() -> Any:
    import torch
    from torch import nn
    from torch.nn import functional as f

    class OneDimensional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv1d(2, 4, 5, stride=2, padding=2), nn.BatchNorm1d(4)
            self.c, self.out = nn.Conv1d(4, 4, 3, dilation=2), nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            x = f.max_pool1d(f.hardsigmoid(self.b(self.a(x))), 2)
            return self.out(f.gelu(torch.tanh(self.c(x))).mean(-1))

    return OneDimensional(), (2, 20)


def scaled() -> Any:
    from torch import nn
    from torch.nn import functional as f

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.slope = nn.Conv2d(3, 4, 3, padding="same"), nn.PReLU(4)
            self.pool, self.b = nn.AdaptiveAvgPool2d((2, 2)), nn.Conv2d(4, 4, 2)

        def forward(self, x: Any) -> Any:
            x = f.avg_pool2d(self.slope(self.a((x / 255.0 - 0.5) / 0.25)), 3, 2, 1)
            x = f.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
            return self.b(self.pool(x)).flatten(1).clamp(min=0)

    return Scaled(), (3, 8, 8)


EXPORTS: dict[str, dict[str, Any]] = {
    "opset 9": {"dynamo": False, "opset_version": 9},
    "opset 11": {"dynamo": False, "opset_version": 11},
    "dynamic batch": {"dynamo": False, "dynamic_axes": {"x": {0: "batch"}}},
    "dynamo": {"dynamo": True},
}


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("make", [depthwise, unet, one_dimensional, scaled])
def test_export_equals_the_module(tmp_path: Path, make: Any, export: str) -> None:
    import torch

    torch.manual_seed(0)
    net, shape = make()
    net.eval()
    x = torch.randn(2, *shape)
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (x,), str(path), input_names=["x"], **EXPORTS[export])
    network = read_network(path)
    frozen = "The batch size 2 frozen into x was made 1."
    assert network.warnings == (() if export == "dynamic batch" else (frozen,))
    assert not {"Pad", "Gemm", "Sub", "Flatten"} & set(ops(network.model))
    # x / 255 has no exact reciprocal and stays a division; / 0.25 is a multiplication by 4.
    assert ops(network.model).count("Div") == (1 if make is scaled else 0)
    with torch.no_grad():
        expected = net(x).numpy()
    for row, wanted in zip(x.numpy(), expected, strict=True):
        (found,) = execute(network.model, row[None])
        np.testing.assert_allclose(found[0], wanted, rtol=1e-4, atol=1e-5)
        (original,) = execute(network.original, row[None])
        np.testing.assert_allclose(original, found, rtol=1e-4, atol=1e-5)
