"""The software side on a device computes what ONNX Runtime computes on the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from fpgacomp.deploy.program import program_of
from fpgacomp.errors import UnsupportedLayer
from fpgacomp.evidence.software import to_integers, to_network_outputs
from fpgacomp.flows.integers import integer_graph
from fpgacomp.flows.options import Options
from fpgacomp.flows.stages import Stages
from fpgacomp.ir import interpreter
from fpgacomp.network.lowered import Lowered, integer_name
from fpgacomp.runtime.program import OPERATORS, parse_program
from tests.support.frontend_runs import node
from tests.support.ordinary_networks import convolution, dense
from tests.support.random_networks import random_network

# A tail of one operator, from a tensor [1, 3], and what it may differ by.
TAILS: dict[str, tuple[list[onnx.NodeProto], float]] = {
    "softmax": ([node("Softmax", ["m"], "y", axis=1)], 1e-6),
    "log softmax": ([node("LogSoftmax", ["m"], "y", axis=-1)], 1e-5),
    "sigmoid": ([node("Sigmoid", ["m"], "y")], 1e-6),
    "tanh": ([node("Tanh", ["m"], "y")], 1e-6),
    "exp": ([node("Exp", ["m"], "y")], 1e-6),
    "label": ([node("ArgMax", ["m"], "y", axis=1, keepdims=0)], 0),
    "last label": (
        [node("ArgMax", ["m"], "y", axis=1, keepdims=1, select_last_index=1)], 0),
    "where": ([node("Greater", ["m", "one"], "g"), node("Where", ["g", "m", "one"], "y")], 0),
    "distance": ([node("Sub", ["m", "one"], "d"), node("Abs", ["d"], "a"),
                  node("Sqrt", ["a"], "y")], 1e-7),
    "gathered": ([node("Gather", ["m", "mixed"], "y", axis=1)], 0),
    "doubled": ([node("Neg", ["m"], "n"), node("Concat", ["m", "n"], "y", axis=1)], 0),
    "between": ([node("Max", ["m", "one"], "a"), node("Min", ["a", "four"], "y")], 0),
    "above": ([node("Clip", ["m", "zero"], "y")], 0),
    "below": ([node("Clip", ["m", "", "four0"], "y")], 0),
    "rounded": ([node("Floor", ["m"], "m1"), node("Ceil", ["m"], "m2"), node("Round", ["m"], "m3"),
                 node("Sign", ["m"], "m4"),
                 node("Concat", ["m1", "m2", "m3", "m4"], "y", axis=1)], 0),
    "quotient": ([node("Div", ["m", "four"], "y")], 0),
    "relu": ([node("Relu", ["m"], "r"), node("Log", ["r"], "l"), node("Exp", ["l"], "y")], 1e-6),
    "error function": ([node("Erf", ["m"], "y")], 1e-6),
}  # fmt: skip
CONSTANTS: dict[str, Any] = {
    "one": 1.0, "four": 4.0, "zero": np.float32(0), "four0": np.float32(4),
    "mixed": np.array([2, 0, 1, 1]),
}  # fmt: skip


def lowered_of(model: onnx.ModelProto) -> Lowered:
    return integer_graph(model, Options(), Stages())[1]


def assert_same(lowered: Lowered, tolerance: float) -> None:
    """Both sides on random samples, in numpy and in ONNX Runtime."""
    rng = np.random.default_rng(11)
    before, after = (program_of(side) for side in (lowered.before, lowered.after))
    assert before is not None and after is not None
    raw = {
        port.name: rng.normal(scale=3, size=(50, *port.shape[1:])).astype(np.float32)
        for port in lowered.ports
    }
    wanted = to_integers(lowered.before, raw)
    found = parse_program(before, "before").run(raw)
    for name, integers in wanted.items():
        np.testing.assert_array_equal(found[integer_name(name)], integers)
    values = interpreter.run(lowered.graph, wanted)
    outputs = {tensor.name: values[tensor.name] for tensor in lowered.graph.outputs}
    answers = to_network_outputs(lowered.after, outputs)
    given = {integer_name(name): integers for name, integers in outputs.items()}
    computed = parse_program(after, "after").run(given)
    assert list(computed) == list(answers)
    for name, answer in answers.items():
        assert computed[name].dtype == answer.dtype
        np.testing.assert_allclose(computed[name], answer, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("tail", TAILS)
def test_what_follows_the_hardware_is_that_of_onnxruntime(tail: str) -> None:
    nodes, tolerance = TAILS[tail]
    assert_same(lowered_of(dense(*nodes, **CONSTANTS)), tolerance)


@pytest.mark.slow
def test_random_networks_have_the_same_software_side() -> None:
    numpy_has_it = 0
    for seed in range(20):
        try:
            lowered = lowered_of(random_network(np.random.default_rng(seed)))
        except UnsupportedLayer:
            continue
        assert program_of(lowered.before) is not None
        if program_of(lowered.after) is not None:
            assert_same(lowered, 1e-6)
            numpy_has_it += 1
    assert numpy_has_it >= 10


def test_every_operator_is_tried_above_or_written_by_lowering() -> None:
    tried = {n.op_type for nodes, _ in TAILS.values() for n in nodes}
    lowering = {"Cast", "Reshape", "Mul", "Add", "Transpose", "GreaterOrEqual"}
    assert set(OPERATORS) - lowering - tried <= {"LessOrEqual", "Less"}


def test_what_numpy_does_not_have_stays_with_onnxruntime() -> None:
    model = convolution(node("InstanceNormalization", ["c", "gains", "gains"], "y"),
                        gains=np.array([1.0, 0.5, 2.0, 1.5]))  # fmt: skip
    lowered = lowered_of(model)
    assert program_of(lowered.after) is None
    assert program_of(lowered.before) is not None
