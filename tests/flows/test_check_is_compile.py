"""What check accepts, compile carries; what check refuses, compile refuses too."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from fpgacomp.errors import FpgacompError
from fpgacomp.flows.check import check
from fpgacomp.flows.compile import compile
from fpgacomp.flows.options import Options
from tests.support.frontend_runs import build, node, quant
from tests.support.random_networks import networks

BOARD = "alveo-u250"
NEW_ENDS = ("curve mean", "joined", "maximum", "normalized", "padded", "product", "three scales")
FRONTS = ("quantized", "relu", "raw", "flat", "mixed")
ENDS = ("open", "quantized", "silu", "gate", "split", "reduce", "squeezed", "passed through")


def assert_same_verdict(model: onnx.ModelProto) -> None:
    options = Options(csim=False, vectors=6)
    checked = check(model, options=options)
    # A network without any quantizer is supported, and `check` says that it wants calibration.
    if not checked.ok or checked.format == "float":
        with pytest.raises(FpgacompError):
            compile(model, BOARD, options=options)
        return
    report = compile(model, BOARD, options=options)
    assert report.exactness.network_mismatches == 0
    assert report.verdict.fits


def front(kind: str) -> tuple[list[onnx.NodeProto], list[int]]:
    """Nodes from x to an image [1, 2, 4, 4] named i, and the shape of x."""
    grid = ["s", "z", "b"]
    match kind:
        case "raw":
            return [node("Relu", ["x"], "i")], [1, 2, 4, 4]
        case "relu":
            return [node("Relu", ["x"], "r"), quant(["r", *grid], "i")], [1, 2, 4, 4]
        case "flat":
            return [quant(["x", *grid], "q"), node("Reshape", ["q", "image"], "i")], [1, 32]
        case "mixed":
            return [quant(["x", *grid], "q"), node("Reshape", ["q", "image"], "i")], [1, 4, 8]
        case "quantized":
            return [quant(["x", *grid], "i")], [1, 2, 4, 4]
    raise ValueError(f"there is no front {kind!r}")


def end(kind: str) -> list[onnx.NodeProto]:
    """Nodes from the product c, [1, 4, 3, 3], to y."""
    grid = ["s", "z", "b"]
    split = helper.make_node("Split", ["c", "parts"], ["first", "y"], axis=1)
    nodes = {
        "open": [node("Relu", ["c"], "y")],
        "passed through": [node("Relu", ["c"], "y")],
        "quantized": [quant(["c", *grid], "y")],
        "silu": [node("Sigmoid", ["c"], "g"), node("Mul", ["c", "g"], "y")],
        "gate": [quant(["c", *grid], "a"), node("Sigmoid", ["a"], "g"), quant(["g", *grid], "h"),
                 node("Mul", ["a", "h"], "p"), quant(["p", *grid], "y")],
        "split": [split],
        "reduce": [node("ReduceMean", ["c"], "m", axes=[2, 3]), node("Exp", ["m"], "y")],
        "squeezed": [node("ReduceMax", ["c"], "m", axes=[2, 3]), node("Squeeze", ["m"], "y")],
    }  # fmt: skip
    coarse = ["odd", "z", "b"]
    both = [quant(["c", *grid], "a"), quant(["c", *coarse], "o")]
    nodes |= {
        "curve mean": [quant(["c", *grid], "a"), node("Tanh", ["a"], "g"),
                       node("GlobalAveragePool", ["g"], "m"), quant(["m", *grid], "y")],
        "joined": [*both, node("Concat", ["a", "o"], "k", axis=2), quant(["k", *grid], "y")],
        "maximum": [*both, node("Max", ["a", "o"], "m"), quant(["m", *grid], "y")],
        "normalized": [node("InstanceNormalization", ["c", "gains", "gains"], "y")],
        "padded": [quant(["c", *grid], "a"), node("Pad", ["a", "around"], "p"),
                   node("MaxPool", ["p"], "y", kernel_shape=[2, 2])],
        "product": [*both, node("Mul", ["a", "o"], "m"), quant(["m", *grid], "y")],
        "three scales": [*both, quant(["c", "t", "z", "b"], "e"), node("Add", ["a", "o"], "m"),
                         node("Add", ["m", "e"], "n"), quant(["n", *grid], "y")],
    }  # fmt: skip
    return nodes[kind]


@pytest.mark.slow
@pytest.mark.parametrize("kind", NEW_ENDS)
def test_ends_that_are_made_of_several_layers(kind: str) -> None:
    nodes, shape = front("quantized")
    assert_same_verdict(with_end(nodes, shape, kind))


@pytest.mark.slow
@pytest.mark.parametrize("front_kind", FRONTS)
@pytest.mark.parametrize("end_kind", ENDS)
def test_ordinary_ends(front_kind: str, end_kind: str) -> None:
    nodes, shape = front(front_kind)
    assert_same_verdict(with_end(nodes, shape, end_kind))


def with_end(nodes: list[onnx.NodeProto], shape: list[int], end_kind: str) -> onnx.ModelProto:
    """A Conv between these nodes and an end."""
    weight = np.random.default_rng(2).integers(-7, 8, (4, 2, 2, 2)) / 8
    constants = {
        "s": 0.25, "z": 0.0, "b": 5.0, "t": 0.125, "image": np.array([1, 2, 4, 4]),
        "parts": np.array([1, 3]), "w": weight, "odd": 0.1731, "gains": np.full(4, 0.5),
        "around": np.array([0, 0, 1, 0, 0, 0, 0, 1]),
    }  # fmt: skip
    product = [quant(["w", "t", "z", "b"], "v"), node("Conv", ["i", "v"], "c")]
    model = build([*nodes, *product, *end(end_kind)], shape, constants, output="y")
    if end_kind == "passed through":
        model.graph.output.append(helper.make_tensor_value_info("i", TensorProto.FLOAT, None))
    return model


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=networks(size=3), cut=st.integers(0, 3))
def test_random_networks(model: onnx.ModelProto, cut: int) -> None:
    """Random networks, whose last quantizers are taken off."""
    for last in [n for n in model.graph.node if n.op_type == "Quant"][::-1][:cut]:
        if last.input[0] not in {i.name for i in model.graph.initializer}:
            last.op_type, last.domain = "Relu", ""
            del last.input[1:], last.attribute[:]
            break
    assert_same_verdict(model)


def test_a_software_side_that_no_host_runs_is_told_by_check() -> None:
    gather = helper.make_node("Gather", ["q", "far"], ["y"], axis=1)
    nodes = [quant(["x", "s", "z", "b"], "q"), gather]
    far = np.asarray([9], np.int64)
    model = build(nodes, [1, 4], {"s": 0.5, "z": 0.0, "b": 4.0, "far": far})
    assert_refused(model, "do not run on the host")


def test_a_type_that_does_not_exist_is_told_by_check() -> None:
    nodes = [quant(["x", "s", "z", "b"], "q"), helper.make_node("Cast", ["q"], ["y"], to=0)]
    assert_refused(build(nodes, [1, 4], {"s": 0.5, "z": 0.0, "b": 4.0}), "of the wrong type")


def test_an_operator_of_another_domain_is_not_the_one_of_onnx() -> None:
    foreign = helper.make_node("LogSoftmax", ["q"], ["y"], domain="somebody")
    nodes = [quant(["x", "s", "z", "b"], "q"), foreign]
    model = build(nodes, [1, 4], {"s": 0.5, "z": 0.0, "b": 4.0})
    assert_refused(model, "operator somebody.LogSoftmax is not supported")


def test_a_window_larger_than_its_input_is_told_by_check() -> None:
    pool = helper.make_node("MaxPool", ["q"], ["y"], kernel_shape=[3], strides=[1])
    nodes = [quant(["x", "s", "z", "b"], "q"), pool]
    model = build(nodes, [1, 8, 1], {"s": 0.5, "z": 0.0, "b": 4.0})
    assert_refused(model, r"its window is larger than its input \[1, 8, 1\]")


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_an_axis_that_the_input_lacks_is_told_by_check(op: str) -> None:
    nodes = [quant(["x", "s", "z", "b"], "q"), helper.make_node(op, ["q"], ["y"], axis=5)]
    model = build(nodes, [1, 4], {"s": 0.5, "z": 0.0, "b": 4.0})
    assert_refused(model, "its axis 5 is none of its input's 2")


def assert_refused(model: onnx.ModelProto, why: str) -> None:
    checked = check(model)
    assert not checked.ok
    with pytest.raises(FpgacompError, match=why):
        compile(model, BOARD, options=Options(csim=False, vectors=3))


def test_a_softmax_of_one_number_is_told_by_check() -> None:
    reshape = node("Reshape", ["q", "scalar"], "r")
    nodes = [quant(["x", "s", "z", "b"], "q"), reshape, node("Softmax", ["r"], "y")]
    scalar = np.zeros(0, np.int64)
    model = build(nodes, [1, 1], {"s": 0.5, "z": 0.0, "b": 4.0, "scalar": scalar})
    assert_refused(model, "its axis -1 is none of its input's 0")
