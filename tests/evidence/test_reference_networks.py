"""Whole random networks: the reference against qonnx's executor, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.evidence.reference.network import execute
from fpgacomp.evidence.software import float32_outputs
from tests.support.random_networks import random_inputs, random_network
from tests.support.random_parts import FEATURES

EXACT_IN_BINARY = FEATURES - {"odd_scales", "functions", "batchnorm", "bias", "pool", "multiply",
                              "multithreshold", "tail"}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_networks_that_float32_computes_exactly_equal_qonnx(seed):
    """Power-of-two scales: no sum is rounded, so every executor must say the same number."""
    oxe = pytest.importorskip("qonnx.core.onnx_exec", reason="needs qonnx")
    from qonnx.core.modelwrapper import ModelWrapper

    model = random_network(np.random.default_rng(seed), size=5, features=EXACT_IN_BINARY)
    inputs = random_inputs(model, np.random.default_rng(seed), 4)
    got, narrow = execute(model, inputs), float32_outputs(model, inputs).outputs
    assert narrow is not None
    wrapper = ModelWrapper(model)
    for sample in range(4):
        feeds = {name: array[sample : sample + 1] for name, array in inputs.items()}
        expected = oxe.execute_onnx(wrapper, feeds)
        for output in model.graph.output:
            name = output.name
            np.testing.assert_array_equal(got[name][sample], expected[name][0])
            np.testing.assert_array_equal(narrow[name][sample], expected[name][0])
