from __future__ import annotations

import sys

import numpy as np
import onnx
import pytest

from fpgacomp.compress.evaluate.disturb import ValueRange
from fpgacomp.compress.evaluate.gradient import GradientAttack, gradient_of
from fpgacomp.compress.evaluate.quantizers import ROUNDING, NodeQuantizer
from fpgacomp.data.find_task import decide
from fpgacomp.data.labelled import Samples
from fpgacomp.data.tasks import FIND, Task
from fpgacomp.evidence.reference.network import execute
from fpgacomp.frontend import output_forms, read_network
from fpgacomp.ir.types import NamedArrays
from fpgacomp.network.canonical import Network
from tests.support.evaluate_networks import Builder, linear, quantized_linear

pytest.importorskip("torch")

pytestmark = pytest.mark.slow  # loading the framework takes seconds
INSIDE = ValueRange(0.0, 2.0)


def gradient(
    model: onnx.ModelProto, samples: Samples, outputs: NamedArrays | None = None
) -> GradientAttack:
    network = read_network(model)
    outputs = execute(network.model, {"x": samples.x}) if outputs is None else outputs
    return gradient_of(network, samples, task_of(network, samples), outputs, INSIDE)


def task_of(network: Network, samples: Samples) -> Task:
    return decide(output_forms(network), samples.y, FIND, where="labels")


def samples(rows: list[list[float]], labels: list[int]) -> Samples:
    return Samples(np.array(rows, np.float32), np.array(labels))


@pytest.mark.parametrize("softmax", [False, True])
def test_one_step_on_a_linear_network(softmax: bool) -> None:
    # loss falls with x0 and rises with x1 for label 0: the step goes the other way, by
    # 0.1 x 2; third input has no weight and stays; the first sample is clipped at 0
    model = linear([[9.0, -9], [-9, 9], [0, 0]], softmax=softmax)
    some = samples([[0.1, 0.5, 1], [1, 0.5, 1]], [0, 0])
    found = gradient(model, some)
    assert found.attack is not None and found.note == "gradient of the float network"
    expected = np.array([[0, 0.7, 1], [0.8, 0.7, 1]], np.float32)
    assert np.array_equal(found.attack(some, 0.1), expected)


@pytest.mark.parametrize("ending", [None, "Sigmoid"])
def test_one_step_against_a_yes_or_no(ending: str | None) -> None:
    # the logit rises with x0 and falls with x1: a yes is attacked by less x0 and more x1
    model = linear([[3.0], [-3]])
    if ending:
        name = model.graph.output[0].name
        model.graph.node.append(onnx.helper.make_node(ending, ["logit"], [name]))
        model.graph.node[-2].output[0] = "logit"
    some = samples([[0.5, 0.5], [0.5, 0.4]], [1, 0])
    found = gradient(model, some)
    assert found.attack is not None
    expected = np.array([[0.3, 0.7], [0.7, 0.2]], np.float32)
    np.testing.assert_allclose(found.attack(some, 0.1), expected, rtol=1e-6)


def test_a_sure_softmax_still_has_a_gradient() -> None:
    some = samples([[2, 0]], [0])
    found = gradient(linear([[9.0, -9], [-9, 9]], softmax=True), some)
    assert found.attack is not None
    assert np.array_equal(found.attack(some, 0.5), np.array([[1, 1]], np.float32))


def test_straight_through_inside_the_limits_alone() -> None:
    # the input's quantizer ends at 15 / 8 = 1.875: nothing comes back from 1.9
    some = samples([[1.0, 0.5], [1.9, 0.5]], [0, 0])
    found = gradient(quantized_linear([[1.0, -1], [-1, 1]]), some)
    assert found.attack is not None and found.note == "straight-through gradient"
    assert np.array_equal(
        found.attack(some, 0.125), np.array([[0.75, 0.75], [1.9, 0.75]], np.float32)
    )


def test_a_binary_network() -> None:
    build = Builder()
    signs = build.node("BipolarQuant", "x", build.constant(1.0), domain="qonnx.custom_op.general")
    kernel = build.quant(build.constant([[0.5, -0.5], [-0.5, 0.5]]), 1)
    some = samples([[0.3, 0.2], [1.5, 0.2]], [0, 0])
    found = gradient(build.model(build.node("MatMul", signs, kernel), [2]), some)
    assert found.attack is not None
    moved = np.sign(found.attack(some, 0.05) - some.x)
    assert moved.tolist() == [[-1, 1], [0, 1]]


def test_no_gradient_says_why() -> None:
    build = Builder()
    half = build.node("MatMul", "x", build.constant([[1.0, 0], [0, 1]]))
    model = build.model(build.node("Erf", half), [2])
    network = read_network(linear([[1.0, 0], [0, 1]]))
    network = type(network)(**{**network.__dict__, "original": model})
    some = samples([[1, 0]], [0])
    outputs = {"y": np.array([[1.0, 0]])}
    found = gradient_of(network, some, task_of(network, some), outputs, INSIDE)
    assert found.attack is None
    assert found.note.startswith("no gradient: t1: operator Erf is not carried")


def test_no_gradient_where_torch_answers_otherwise() -> None:
    some = samples([[1, 0], [0, 1]], [0, 1])
    found = gradient(linear([[1.0, 0], [0, 1]]), some, {"t0": np.eye(2)[[1, 0]]})
    assert found.attack is None and "torch agrees on 0.00 %" in found.note


def test_no_gradient_through_thresholds() -> None:
    build = Builder()
    steps = build.node(
        "MultiThreshold", "x", build.constant([[0.5, 1.0]]), domain="qonnx.custom_op.general",
        out_dtype="UINT2", data_layout="NC",
    )  # fmt: skip
    model = build.model(build.node("MatMul", steps, build.constant([[1.0, 0], [0, 1]])), [2])
    found = gradient(model, samples([[1, 0]], [0]))
    assert found.attack is None and "MultiThreshold has no straight-through form" in found.note


def test_no_gradient_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    found = gradient(linear([[1.0, 0], [0, 1]]), samples([[1, 0]], [0]))
    assert found.attack is None and "torch is not installed" in found.note


@pytest.mark.parametrize("rounding_mode", sorted(ROUNDING))
@pytest.mark.parametrize("signed", [False, True])
def test_quantizers_are_those_of_the_reference(rounding_mode: str, signed: bool) -> None:
    build = Builder()
    scale = [[0.25, 0.5, 1.0]]
    output = build.quant("x", 3, scale, signed=signed, narrow=True, rounding_mode=rounding_mode)
    model = build.model(output, [3])
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    x = np.linspace(-5, 5, 321, dtype=np.float32)[:, None].repeat(3, axis=1)
    quantizer = NodeQuantizer.of(model.graph.node[0], constants)
    assert np.array_equal(quantizer(x), execute(model, {"x": x})[output])
