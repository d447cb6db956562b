"""The random networks themselves: valid, alive, varied, reproducible, and small when shrunk."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import find as hypothesis_find

from fpgacomp.evidence.reference.network import Reference
from fpgacomp.network.operators import QUANTIZERS
from tests.support.nasty_networks import NASTY
from tests.support.random_networks import networks, random_inputs, random_network
from tests.support.random_parts import FEATURES


def codes_of(model, inputs):
    seen = {}
    values = Reference(model).run(inputs, on_quantized=lambda n, done: seen.update({n: done.codes}))
    return values, seen


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(networks(size=6))
def test_random_networks_are_valid_and_run(model):
    onnx.checker.check_model(model)
    known = {info.name for info in [*model.graph.value_info, *model.graph.output]}
    assert known >= {output for node in model.graph.node for output in node.output}
    values, codes = codes_of(model, random_inputs(model, np.random.default_rng(1), 9))
    assert codes
    for name, value in values.items():
        assert len(value) == 9
        assert np.isfinite(value).all(), name


@pytest.mark.parametrize("name", sorted(NASTY))
def test_nasty_networks_are_valid_and_run(name):
    model = NASTY[name]()
    onnx.checker.check_model(model)
    values, _ = codes_of(model, random_inputs(model, np.random.default_rng(1), 9))
    assert all(np.isfinite(value).all() for value in values.values())


def test_the_same_seed_gives_the_same_bytes():
    first, second = (random_network(np.random.default_rng(5), size=6) for _ in range(2))
    assert first.SerializeToString() == second.SerializeToString()


@pytest.mark.slow
def test_every_operator_and_most_codes_occur():
    """200 networks hold every canonical operator, and few quantizers that say always the same."""
    kinds: Counter[str] = Counter()
    constant = total = 0
    for seed in range(200):
        model = random_network(np.random.default_rng(seed), size=5)
        kinds.update(node.op_type for node in model.graph.node)
        _, codes = codes_of(model, random_inputs(model, np.random.default_rng(seed), 30))
        total += len(codes)
        constant += sum(code.min() == code.max() for code in codes.values())
    wanted = {
        "MatMul", "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "Add", "Mul", "Concat",
        "Resize", "Reshape", "Transpose", "BatchNormalization", "Relu", "LeakyRelu", "PRelu",
        "Clip", "HardSigmoid", "HardSwish", "Sigmoid", "Tanh", "Selu", "Elu", "Gelu", "Silu",
        "Softmax", "LogSoftmax", "ArgMax", "TopK",
    }  # fmt: skip
    assert wanted | set(QUANTIZERS) <= set(kinds)
    assert constant < total / 8


@pytest.mark.slow
def test_a_feature_left_out_does_not_occur():
    plain = FEATURES - {"bipolar", "odd_scales", "trunc", "conv"}
    for seed in range(50):
        model = random_network(np.random.default_rng(seed), features=plain)
        kinds = {node.op_type for node in model.graph.node}
        assert not kinds & {"BipolarQuant", "Trunc", "Conv"}
    with pytest.raises(ValueError, match=r"unknown features \['convolution'\]"):
        random_network(np.random.default_rng(0), features={"convolution"})


@pytest.mark.slow
def test_a_failing_network_shrinks_to_a_small_one():
    def has_pool(model):
        return any(node.op_type == "MaxPool" for node in model.graph.node)

    phases = [Phase.generate, Phase.shrink]
    calm = settings(deadline=None, max_examples=400, phases=phases, derandomize=True, database=None)
    found = hypothesis_find(networks(size=5), has_pool, settings=calm)
    assert len(found.graph.node) <= 6
