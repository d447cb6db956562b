"""The compression verbs where torch is not installed: one sentence, or they do without."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tests.support.paths import EXAMPLES

CNN = EXAMPLES / "compression" / "float_cnn.onnx"
# No import of torch succeeds.
WITHOUT = "import sys\nsys.modules['torch'] = None\nfrom fpgacomp.cli.app import main\nmain()\n"


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.random((200, 1, 8, 8), dtype=np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(200) % 10)
    return tmp_path / "data.npz"


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *map(str, arguments)], capture_output=True, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["prune", "distill", "share", "factorize", "quantize"])
def test_what_needs_torch_says_how_to_install_it(verb, data, tmp_path):
    ended = run(verb, CNN, "--data", data, "--out", tmp_path / "out.onnx")
    assert ended.returncode == 3
    assert "networks are trained with it" in ended.stderr
    assert "pip install torch==2.13.0" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_our_own_quantization_does_without(data, tmp_path):
    out = tmp_path / "out.onnx"
    ended = run("quantize", CNN, "--data", data, "--method", "ptq", "--out", out)
    assert ended.returncode == 0, ended.stderr
    assert out.is_file()
