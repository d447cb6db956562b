"""Lowering against the network itself: oracle == network on random and on nasty networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp.errors import FpgacompError, Problems, UnsupportedLayer
from fpgacomp.evidence.judge import NetworkJudgement, judge
from fpgacomp.evidence.reference.network import execute
from fpgacomp.evidence.software import to_integers, to_network_outputs
from fpgacomp.ir import interpreter
from fpgacomp.lower import lower
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered
from tests.support.depth import draws
from tests.support.nasty_networks import NASTY
from tests.support.random_networks import networks, random_inputs, random_network
from tests.support.random_parts import FEATURES

pytestmark = pytest.mark.slow

VECTORS = 40
EXACT_IN_BINARY = FEATURES - {"odd_scales", "functions", "batchnorm", "bias", "pool", "multiply"}
HAS_TIES = {"residual_two_to_three_only_nearly"}


@dataclass(frozen=True)
class Run:
    model: onnx.ModelProto
    lowered: Lowered
    inputs: dict[str, np.ndarray]
    integers: dict[str, np.ndarray]

    def judgement(self) -> NetworkJudgement:
        return judge(self.lowered, self.model, self.inputs, self.integers)


def run(model: onnx.ModelProto, seed: int = 1) -> Run:
    network = Network("random", model, model, "qonnx", "random.onnx", "0" * 64)
    inputs = random_inputs(model, np.random.default_rng(seed), VECTORS)
    lowered = lower(network)
    integers = interpreter.run(lowered.graph, to_integers(lowered.before, inputs))
    return Run(model, lowered, inputs, integers)


def run_or_none(model: onnx.ModelProto) -> Run | None:
    """None where lowering refuses, with a remedy, what it cannot do exactly."""
    try:
        return run(model)
    except FpgacompError as refusal:
        problems = refusal.problems if isinstance(refusal, Problems) else (refusal,)
        assert all(isinstance(p, UnsupportedLayer) and p.fix for p in problems), refusal
        return None


def assert_equal_to_network(done: Run) -> NetworkJudgement:
    result = done.judgement()
    assert result.mismatches == 0, str(result.first)
    assert set(result.per_layer) == set(done.lowered.views)
    assert sum(layer.compared for layer in result.per_layer.values()) > 0
    return result


def assert_outputs_equal_network(done: Run) -> None:
    """Integers back in the network's own units, shape and names (no tie may be involved)."""
    outputs = {tensor.name: done.integers[tensor.name] for tensor in done.lowered.graph.outputs}
    got = to_network_outputs(done.lowered.after, outputs)
    want = execute(done.model, done.inputs)
    assert set(got) == set(want)
    for name, values in want.items():
        assert got[name].shape == values.shape
        np.testing.assert_allclose(got[name], values, rtol=2e-5, atol=2e-5)


@settings(deadline=None, max_examples=60)
@given(networks(size=4))
def test_oracle_equals_network(model):
    done = run_or_none(model)
    if done is not None:
        assert_equal_to_network(done)


@settings(deadline=None, max_examples=40)
@given(networks(size=4, features=EXACT_IN_BINARY))
def test_powers_of_two_leave_no_ties(model):
    """Where float64 is exact there is no excuse: a boundary hit exactly has one right answer."""
    done = run_or_none(model)
    if done is not None:
        assert assert_equal_to_network(done).ties == 0


@pytest.mark.parametrize("name", sorted(NASTY))
def test_oracle_equals_nasty_network(name):
    done = run(NASTY[name]())
    if assert_equal_to_network(done).ties:
        assert name in HAS_TIES
    else:
        assert_outputs_equal_network(done)


@settings(deadline=None, max_examples=30)
@given(networks(size=3))
def test_outputs_return_in_the_networks_units(model):
    kinds = {node.op_type for node in model.graph.node}
    done = run_or_none(model)
    if done is None or kinds & {"ArgMax", "TopK"} or done.judgement().ties:
        return  # an index may turn on the last bit of a float32, and a tie on less
    assert_outputs_equal_network(done)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.data())
def test_a_changed_integer_is_found(seed, data):
    """The judge is awake: whichever integer is changed, it notices."""
    done = run_or_none(random_network(np.random.default_rng(seed), size=3))
    if done is None:
        return
    before = done.judgement()
    tensor = data.draw(st.sampled_from(sorted(done.lowered.views)))
    array = done.integers[tensor] = done.integers[tensor].copy()
    place = done.lowered.views[tensor].order.array.ravel()
    at = (data.draw(st.integers(0, VECTORS - 1)), place[data.draw(st.integers(0, place.size - 1))])
    array.reshape(VECTORS, -1)[at] += data.draw(st.sampled_from([-1, 1, 7]))
    after = done.judgement()
    dead_scale = np.any(done.lowered.views[tensor].scale.array == 0)
    assert dead_scale or after.mismatches + after.ties > before.mismatches + before.ties


def test_oracle_equals_larger_networks():
    """Seeded, so that a failure can be built again: refusals stay rare, mismatches absent."""
    refused = ties = 0
    count = draws(100, 300)
    for seed in range(count):
        done = run_or_none(random_network(np.random.default_rng(seed), size=7))
        if done is None:
            refused += 1
            continue
        result = done.judgement()
        assert result.mismatches == 0, f"seed {seed}: {result.first}"
        ties += result.ties
    assert refused < 0.15 * count
    assert ties < count
