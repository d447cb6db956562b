"""The bundled digits networks reach the accuracy that their READMEs state."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.cleanup import cleanup_model

from tests.support.depth import deep_only
from tests.support.paths import EXAMPLES

EPOCHS = 15  # of the 60 that the committed networks were trained for
IMPORTS = {
    "brevitas": "import onnxoptimizer, torch, brevitas.nn",
    "qkeras": "import os; os.environ['TF_USE_LEGACY_KERAS'] = '1'; import qkeras",
}


def stated_accuracy(folder: str) -> float:
    text = (EXAMPLES / folder / "README.md").read_text(encoding="utf-8")
    found = re.search(r"test accuracy: \*\*([\d.]+) %\*\* \((\d+) of 450\)", text)
    assert found
    assert round(int(found[2]) / 4.5, 2) == float(found[1])
    return int(found[2]) / 450


@pytest.mark.parametrize(("folder", "least"), [("digits_cnn", 0.96), ("digits_mlp", 0.95)])
def test_committed_network_has_the_stated_accuracy(folder: str, least: float) -> None:
    inputs = np.load(EXAMPLES / folder / "test_inputs.npy", allow_pickle=False)
    labels = np.load(EXAMPLES / folder / "test_labels.npy", allow_pickle=False)
    assert inputs.dtype == np.float32
    assert len(inputs) == len(labels) == 450
    assert set(np.unique(inputs * 16)) == set(range(17))
    model = cleanup_model(ModelWrapper(str(EXAMPLES / folder / "model.onnx")))
    model = model.transform(ChangeBatchSize(len(inputs))).transform(InferShapes())
    answer = execute_onnx(model, {model.graph.input[0].name: inputs})
    accuracy = np.mean(answer[model.graph.output[0].name].argmax(axis=1) == labels)
    # float32 sums are rounded otherwise on other processors: two pictures may be close calls
    assert accuracy == pytest.approx(stated_accuracy(folder), abs=2.5 / 450)
    assert accuracy >= least


@deep_only  # tests/compress and tests/flows train with both frameworks
@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "framework"),
    [("digits_cnn", "brevitas"), ("digits_mlp", "qkeras")],
)
def test_training_runs_and_gets_near_there_again(
    folder: str, framework: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", IMPORTS[framework]]
    probe = subprocess.run(command, capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"{framework} is not installed (extra {framework})")
    script = (EXAMPLES / folder / "train.py").read_text(encoding="utf-8")
    fewer, replaced = re.subn(r"^EPOCHS = 60$", f"EPOCHS = {EPOCHS}", script, flags=re.MULTILINE)
    assert replaced == 1
    (tmp_path / "train.py").write_text(fewer, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    found = re.search(r"test accuracy: ([\d.]+) of 450", result.stdout)
    assert found
    # A quarter of the epochs; and other processors round float sums otherwise, which training
    # carries far.
    assert float(found[1]) > stated_accuracy(folder) - 0.04
    assert (tmp_path / "model.onnx").stat().st_size > 10_000
    for name in ("test_inputs.npy", "test_labels.npy"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / folder / name).read_bytes()
