"""Brevitas modules exported on the fly, as QONNX and QCDQ, keep their function."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.frontend import read_network
from tests.support.frontend_runs import execute, ops

pytestmark = pytest.mark.slow
pytest.importorskip("brevitas", reason="brevitas is not installed")


def cnn(*, bipolar: bool = False, asymmetric: bool = False) -> Any:
    import brevitas.nn as qnn
    import torch
    from brevitas.quant import (
        Int8WeightPerChannelFloat,
        Int32Bias,
        ShiftedUint8ActPerTensorFloat,
        SignedBinaryActPerTensorConst,
        SignedBinaryWeightPerTensorConst,
    )

    weights: dict[str, Any] = {"weight_quant": Int8WeightPerChannelFloat, "weight_bit_width": 4}
    if bipolar:
        weights = {"weight_quant": SignedBinaryWeightPerTensorConst}
    first = {"act_quant": ShiftedUint8ActPerTensorFloat} if asymmetric else {"bit_width": 8}
    binary = {"act_quant": SignedBinaryActPerTensorConst, "max_val": 1.0, "min_val": -1.0}

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            bias: dict[str, Any] = {} if bipolar else {"bias_quant": Int32Bias}
            self.start = qnn.QuantIdentity(return_quant_tensor=True, **first)
            self.one = qnn.QuantConv2d(1, 4, 3, padding=1, bias=not bipolar, **weights, **bias)
            self.norm = torch.nn.BatchNorm2d(4)
            self.act = (
                qnn.QuantIdentity(return_quant_tensor=True, **binary)
                if bipolar
                else qnn.QuantReLU(bit_width=4, return_quant_tensor=True)
            )
            self.two = qnn.QuantConv2d(4, 4, 3, groups=4, stride=2, bias=False, **weights)
            self.last_act = qnn.QuantReLU(bit_width=4, return_quant_tensor=True)
            self.pool = torch.nn.MaxPool2d(2)
            self.out = qnn.QuantLinear(4, 3, bias=not bipolar, **weights, **bias)

        def forward(self, x: Any) -> Any:
            x = self.act(self.norm(self.one(self.start(x))))
            x = self.pool(self.last_act(self.two(x)))
            return self.out(x.flatten(1))

    torch.manual_seed(0)
    net = Net()
    net.train()
    for _ in range(3):
        net(torch.randn(8, 1, 6, 6))
    return net.eval()


@pytest.mark.parametrize("form", ["qonnx", "qcdq", "dynamo"])
@pytest.mark.parametrize("kind", ["plain", "bipolar", "asymmetric"])
def test_export_equals_the_module(tmp_path: Path, form: str, kind: str) -> None:
    if (form, kind) == ("qcdq", "bipolar"):
        pytest.skip("Brevitas exports no binary quantizer as QCDQ")
    import torch
    from brevitas.export import export_onnx_qcdq, export_qonnx

    net = cnn(bipolar=kind == "bipolar", asymmetric=kind == "asymmetric")
    x = torch.randn(6, 1, 6, 6)
    with torch.no_grad():
        expected = np.concatenate([_plain(net(row[None])) for row in x])
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export = export_onnx_qcdq if form == "qcdq" else export_qonnx
        export(net, x[:1], export_path=str(path), dynamo=form == "dynamo")
    network = read_network(path)
    assert network.format == ("qcdq" if form == "qcdq" else "qonnx")
    kinds = ops(network.model)
    assert kinds.count("MatMul") == 1 and kinds.count("Conv") == 2
    assert ("BipolarQuant" in kinds or "Quant" in kinds) and "Identity" not in kinds
    for row, wanted in zip(x.numpy(), expected, strict=True):
        (found,) = execute(network.model, row[None])
        (original,) = execute(network.original, row[None])
        np.testing.assert_allclose(found[0], original[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found[0], wanted, rtol=1e-4, atol=1e-4)


def _plain(tensor: Any) -> np.ndarray:
    value = tensor.value if hasattr(tensor, "value") else tensor
    return np.asarray(value.detach().numpy())
