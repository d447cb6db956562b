"""Samples far outside the range of a network's input are told, not swallowed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import fpgacomp
from fpgacomp.evidence.clipping import clipped_inputs
from fpgacomp.flows.simulate import simulate
from fpgacomp.frontend import open_network
from fpgacomp.lower import lower
from tests.support.paths import EXAMPLES

DIGITS = EXAMPLES / "digits_mlp" / "model.onnx"
PIXELS = EXAMPLES / "digits_mlp" / "test_inputs.npy"


def network(gain: Sequence[float] = (1.0,), *, relu: bool = False) -> onnx.ModelProto:
    """x [1, 2], scaled (and perhaps through a Relu), in steps of 1/16 from -8 to 7.9375."""
    constants = {"gain": gain, "step": 1 / 16, "zero": 0.0, "bits": 8.0}
    nodes = [helper.make_node("Mul", ["x", "gain"], ["scaled"])]
    if relu:
        nodes.append(helper.make_node("Relu", ["scaled"], ["rectified"]))
    source = nodes[-1].output[0]
    nodes.append(
        helper.make_node(
            "Quant", [source, "step", "zero", "bits"], ["y"], domain="qonnx.custom_op.general",
            signed=1, narrow=0, rounding_mode="ROUND",
        )
    )  # fmt: skip
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 2]) for n in "xy")
    graph = helper.make_graph(nodes, "clipped", [x], [y], [
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in constants.items()
    ])  # fmt: skip
    return helper.make_model(graph, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid("qonnx.custom_op.general", 1),
    ])  # fmt: skip


def before(model: onnx.ModelProto) -> onnx.ModelProto:
    return lower(open_network(model)).before


def test_values_beyond_the_range_are_counted() -> None:
    x = np.array([[0, 7.9], [8.0, -8.0], [8.1, -9], [1, 2]], np.float32)  # 8.0 is one step away
    (found,) = clipped_inputs(before(network()), {"x": x})
    assert (found.name, found.share, found.range_text) == ("x", 2 / 8, "-8 to 7.94")


def test_the_range_is_in_the_units_of_the_samples() -> None:
    (found,) = clipped_inputs(before(network([0.5])), {"x": np.array([[15, 17]], np.float32)})
    assert (found.share, found.range_text) == (0.5, "-16 to 15.9")
    (found,) = clipped_inputs(before(network([-0.5])), {"x": np.array([[15, 17]], np.float32)})
    assert (found.share, found.range_text) == (0.5, "-15.9 to 16")


def test_a_range_by_channel_is_not_told_as_one() -> None:
    (found,) = clipped_inputs(before(network([1, 2])), {"x": np.array([[7, 7]], np.float32)})
    assert (found.share, found.range_text) == (0.5, "the ranges of its channels")


def test_what_the_network_itself_cuts_off_is_not_counted() -> None:
    x = np.array([[-100, 100]], np.float32)
    (found,) = clipped_inputs(before(network(relu=True)), {"x": x})
    assert found.share == 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "is_told"), [(1, False), (255, True)])
def test_compile_and_simulate_ask_how_samples_are_scaled(
    tmp_path: Path, factor: int, is_told: bool
) -> None:
    x = np.load(PIXELS)[:20] * factor
    options = fpgacomp.Options(inputs=x, csim=False)
    report = fpgacomp.compile(DIGITS, "pynq-z2", out=tmp_path / "build", options=options)
    told = [text for text in report.warnings if "scaled as in training" in text]
    assert len(told) == is_told
    assert all(text.startswith("input ") and "% of the values lie beyond" in text for text in told)
    assert list(simulate(tmp_path / "build", x).warnings) == told


@pytest.mark.slow
def test_generated_vectors_are_never_clipped() -> None:
    options = fpgacomp.Options(csim=False, vectors=20)
    report = fpgacomp.compile(DIGITS, "pynq-z2", options=options)
    assert not any("scaled as in training" in text for text in report.warnings)
