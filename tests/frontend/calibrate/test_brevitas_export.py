"""Brevitas modules through Brevitas' own export, and what is said where that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

from fpgacomp.errors import ModelError, Problems
from fpgacomp.frontend import read_network
from fpgacomp.frontend.brevitas import export_brevitas

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def torch() -> Any:
    pytest.importorskip("onnxoptimizer", reason="Brevitas' export needs onnxoptimizer")
    module = pytest.importorskip("torch", reason="torch is not installed (extra brevitas)")
    pytest.importorskip("brevitas.nn", reason="Brevitas is not installed (extra brevitas)")
    module.manual_seed(0)
    return module


@pytest.fixture(scope="module")
def dense(torch: Any) -> Any:
    from brevitas import nn as quantized

    return torch.nn.Sequential(
        quantized.QuantIdentity(bit_width=6),
        quantized.QuantLinear(5, 3, bias=True, weight_bit_width=3),
        quantized.QuantReLU(bit_width=4),
    )


def test_export_answers_as_the_module(torch: Any, dense: Any, tmp_path: Path) -> None:
    path = tmp_path / "dense.onnx"
    dense.train()
    model = export_brevitas(dense, torch.randn(1, 5), path)
    assert dense.training
    assert [p.name for p in tmp_path.iterdir()] == ["dense.onnx"]
    assert onnx.load(path) == model
    same_answers(model, dense, torch.randn(20, 5))


def same_answers(model: onnx.ModelProto, module: Any, x: Any) -> None:
    wrapped = cleanup_model(ModelWrapper(model))
    (source,), (sink,) = wrapped.graph.input, wrapped.graph.output
    wanted = module.eval()(x).detach().numpy()
    assert wanted.std() > 0.01
    for row, answer in zip(x.numpy(), wanted):
        found = execute_onnx(wrapped, {source.name: row[None]})[sink.name]
        assert np.abs(found[0] - answer).max() < 1e-5


def one_bit(torch: Any, activation: dict[str, Any], weights: dict[str, Any]) -> Any:
    """An activation and weights of one bit, their scales trained on a few samples."""
    from brevitas import nn as quantized

    torch.manual_seed(1)
    net = torch.nn.Sequential(
        quantized.QuantIdentity(bit_width=6),
        quantized.QuantLinear(5, 8, bias=True, **weights),
        quantized.QuantIdentity(**activation),
        quantized.QuantLinear(8, 3, bias=False, weight_bit_width=4),
    )
    for _ in range(5):
        net(torch.randn(64, 5))
    return net


@pytest.mark.parametrize("activation", ["unsigned", "fixed point", "binary"])
@pytest.mark.parametrize("weights", ["four bits", "binary"])
def test_one_bit_is_exported_as_what_it_is(
    torch: Any, activation: str, weights: str, tmp_path: Path
) -> None:
    """Brevitas' own export writes an unsigned bit, 0 and 1, as -1 and 1."""
    from brevitas import quant

    activations = {
        "unsigned": {"act_quant": quant.Uint8ActPerTensorFloat, "bit_width": 1},
        "fixed point": {"act_quant": quant.Uint8ActPerTensorFixedPoint, "bit_width": 1},
        "binary": {"act_quant": quant.SignedBinaryActPerTensorConst, "min_val": -1, "max_val": 1},
    }
    binary = {"weight_quant": quant.SignedBinaryWeightPerTensorConst, "weight_scaling_init": 0.1}
    chosen = binary if weights == "binary" else {"weight_bit_width": 4}
    net = one_bit(torch, activations[activation], chosen)
    model = export_brevitas(net, torch.randn(1, 5), tmp_path / "net.onnx")
    same_answers(model, net, torch.randn(50, 5))
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("BipolarQuant") == (activation == "binary") + (weights == "binary")


def test_what_brevitas_makes_of_an_unsigned_bit_is_told(torch: Any, tmp_path: Path) -> None:
    from brevitas import nn as quantized
    from brevitas.export import export_qonnx

    relu = torch.nn.Sequential(quantized.QuantReLU(bit_width=1))
    relu(torch.randn(64, 5))
    export_qonnx(relu, torch.randn(1, 5), export_path=str(tmp_path / "own.onnx"), dynamo=False)
    (warning,) = read_network(tmp_path / "own.onnx").warnings
    assert "BipolarQuant) is +1 for every input, as Relu is never negative" in warning
    export_brevitas(relu, torch.randn(1, 5), tmp_path / "ours.onnx")
    assert not read_network(tmp_path / "ours.onnx").warnings


def test_a_signed_integer_of_one_bit_is_refused(torch: Any, tmp_path: Path) -> None:
    net = one_bit(torch, {"bit_width": 1}, {"weight_bit_width": 1, "weight_narrow_range": False})
    with pytest.raises(Problems) as refused:
        export_brevitas(net, torch.randn(1, 5), tmp_path / "net.onnx")
    assert [problem.where.split("/")[1] for problem in refused.value.problems] == ["1", "2"]
    assert "signed integer of one bit (-1 and 0)" in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_float_modules_and_failures_are_explained(torch: Any, dense: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    with pytest.raises(ModelError, match=r"module Linear: its export holds no quantizer"):
        export_brevitas(torch.nn.Linear(5, 3), torch.randn(1, 5), path)
    with pytest.raises(ModelError, match=r"Brevitas cannot export it: RuntimeError: .*multiplied"):
        export_brevitas(dense, torch.randn(1, 4), path)
    with pytest.raises(ModelError, match=r"example_input: is a ndarray\. Fix: give a torch tensor"):
        export_brevitas(torch.nn.Linear(2, 2), np.zeros((1, 2)), tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"module str: it is not a torch\.nn\.Module"):
        export_brevitas("model.pt", torch.randn(1, 4), path)
    with pytest.raises(ModelError, match="its folder does not exist"):
        export_brevitas(dense, torch.randn(1, 5), tmp_path / "absent" / "x.onnx")
    assert list(tmp_path.iterdir()) == []
