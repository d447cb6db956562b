"""Whoever calls from Python with a wrong type is told so: no traceback of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import fpgacomp
from fpgacomp import Options
from fpgacomp.data.labelled import load_data
from fpgacomp.errors import InputDataError, UsageError
from tests.support.hostile_onnx import plain, weight

pytestmark = pytest.mark.slow  # loading the framework takes seconds


def network(*, unread: bool = False) -> onnx.ModelProto:
    """x [1, 4] times a matrix, and perhaps an input `more` that nothing reads."""
    product = helper.make_node("MatMul", ["xq", "w"], ["y"])
    model = plain((1, 4), nodes=[product], constants=[weight()], output="y")
    if unread:
        more = helper.make_tensor_value_info("more", onnx.TensorProto.FLOAT, [1, 3])
        model.graph.input.append(more)
    return model


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"backend": 5}, "backend: is a int"),
        ({"target": "latency"}, "target: is a str"),
        ({"quantization": 8}, "quantization: is a int"),
        ({"argmax": "yes"}, "argmax: is a str"),
        ({"csim": "no"}, "csim: is a str"),
        ({"dump_stages": "folder"}, "dump_stages: is a str"),
        ({"calibration": 5}, "calibration: is a int"),
        ({"inputs": [1, 2]}, "inputs: is a list"),
        ({"inputs": {"x": [1.0]}}, "inputs: holds a list where an array belongs"),
        ({"inputs": {5: np.ones(1)}}, "inputs: holds a ndarray"),
        ({"input_bits": 8}, "input_bits 8: is no pair"),
        ({"input_bits": ("8", None)}, "is no pair of total and integer bits"),
        ({"memory_gb": None}, "memory_gb None: is not possible"),
        ({"clock_mhz": True}, "clock_mhz True: is not possible"),
        ({"vectors": True}, "vectors True: is not possible"),
    ],
)
def test_options_of_a_wrong_type(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Options(**wrong)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: fpgacomp.estimate(network(), "zcu104", options=5), "options: is a int"),
        (lambda: fpgacomp.check(network(), options={}), "options: is a dict"),
        (lambda: fpgacomp.compile(network(), "zcu104", out=b"x"), "out: is a bytes"),
        (lambda: fpgacomp.simulate(None, np.ones(4)), "build: is a NoneType"),
        (lambda: fpgacomp.compare(1, "x"), "first: is a int"),
    ],
)
def test_arguments_of_a_wrong_type(call: Callable[[], object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        call()


SAMPLES = np.zeros((4, 4), np.float32)
TECHNIQUES = (fpgacomp.quantize, fpgacomp.share, fpgacomp.factorize, fpgacomp.prune)


@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda technique: technique.__name__)
def test_options_of_a_technique_of_a_wrong_type(technique: Callable[..., object]) -> None:
    pytest.importorskip("torch")
    with pytest.raises(UsageError, match="options: is a int"):
        technique(network(), (SAMPLES, np.zeros(4, int)), options=5)


def test_a_label_instead_of_labels() -> None:
    with pytest.raises(InputDataError, match="a single value where samples or labels belong"):
        load_data((SAMPLES, 5))


def test_a_number_instead_of_networks() -> None:
    with pytest.raises(UsageError, match="models: is a int"):
        fpgacomp.evaluate(5, (np.eye(2, dtype=np.float32)[[0, 1] * 50], np.asarray([0, 1] * 50)))


@pytest.mark.parametrize("how", ["array", "npy", "npz", "dict", "all"])
def test_an_input_that_nothing_reads_needs_no_values(tmp_path: Path, how: str) -> None:
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    more = np.ones((5, 3), np.float32)
    inputs = {
        "array": x, "npy": tmp_path / "x.npy", "npz": tmp_path / "x.npz", "dict": {"x": x},
        "all": {"x": x, "more": more},
    }[how]  # fmt: skip
    options = Options(csim=False, inputs=inputs)
    build = tmp_path / "build"
    report = fpgacomp.compile(network(unread=True), "zcu104", out=build, options=options)
    assert report.status == "ok" and report.exactness.vectors == 5
    assert fpgacomp.simulate(build, inputs).samples == 5


def test_an_input_that_is_read_needs_values() -> None:
    options = Options(csim=False, inputs={"more": np.ones((5, 3), np.float32)})
    with pytest.raises(InputDataError, match="no array for network input x"):
        fpgacomp.compile(network(unread=True), "zcu104", options=options)


def test_a_report_shows_no_escape_codes_of_a_name(tmp_path: Path) -> None:
    model = network()
    model.graph.name = "\x1b[31mred"
    path = tmp_path / "\x1b[31mred.onnx"
    onnx.save(model, path)
    for source in (model, path):
        assert "\x1b" not in repr(fpgacomp.estimate(source, "zcu104"))
