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

from fpgacomp.errors import ModelError
from fpgacomp.frontend.brevitas_export import export_brevitas

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
    x = torch.randn(1, 5)
    wrapped = cleanup_model(ModelWrapper(model))
    answer = execute_onnx(wrapped, {wrapped.graph.input[0].name: x.numpy()})
    wanted = dense.eval()(x).detach().numpy()
    assert np.abs(answer[wrapped.graph.output[0].name] - wanted).max() < 1e-5


def test_float_modules_and_failures_are_explained(torch: Any, dense: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    with pytest.raises(ModelError, match=r"module Linear: its export holds no quantizer"):
        export_brevitas(torch.nn.Linear(5, 3), torch.randn(1, 5), path)
    with pytest.raises(ModelError, match=r"Brevitas cannot export it: RuntimeError: .*multiplied"):
        export_brevitas(dense, torch.randn(1, 4), path)
    with pytest.raises(ModelError, match=r"module str: it is not a torch\.nn\.Module"):
        export_brevitas("model.pt", torch.randn(1, 4), path)
    with pytest.raises(ModelError, match="its folder does not exist"):
        export_brevitas(dense, torch.randn(1, 5), tmp_path / "absent" / "x.onnx")
    assert list(tmp_path.iterdir()) == []
