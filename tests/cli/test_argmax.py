"""--argmax from the command line: labels out, the accuracy of the logits, clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from fpgacomp.engines.finn.runtime import INSTALL, finn_version
from tests.cli.test_cli import DIGITS, LABELS, PIXELS, fpgacomp, refused
from tests.support.depth import deep
from tests.support.nasty_networks import UNIT, weight
from tests.support.network_builder import NetworkBuilder

pytestmark = pytest.mark.slow

EXAMPLE = ("--board", "pynq-z2", "--inputs", PIXELS, "--labels", LABELS)


def test_estimate_counts_the_argmax() -> None:
    arguments = ("estimate", DIGITS, "--board", "pynq-z2", "--json")
    plain, labelled = (
        json.loads(fpgacomp(*arguments, *more).stdout) for more in ((), ("--argmax",))
    )
    assert "argmax" not in {layer["kind"] for layer in plain["layers"]}
    last = labelled["layers"][-1]
    assert (last["kind"], last["shape"]) == ("argmax", [1])
    assert last["resources"]["lut"]["value"] > 0
    assert labelled["software"]["after"] == [] and plain["software"]["after"]
    assert list(labelled["model"]["outputs"].values()) == [[1]]


def test_what_cannot_be_labelled_is_refused(tmp_path: Path) -> None:
    builder = NetworkBuilder(np.random.default_rng(0), (6,))
    y = builder.op("MatMul", builder.quant(builder.input, UNIT), weight(builder, 6, 3))
    path = tmp_path / "relu.onnx"
    onnx.save(builder.finish(builder.op("Relu", y)), path)
    arguments = ("estimate", path, "--board", "pynq-z2")
    refused(fpgacomp(*arguments, "--argmax"), 1, "Relu", "rise strictly", "leave --argmax out")
    assert fpgacomp(*arguments).exit_code == 0


@pytest.mark.parametrize("backend", ["hls4ml", deep("finn")])
def test_labels_are_as_accurate_as_the_logits(backend: str, tmp_path: Path) -> None:
    if backend == "finn" and finn_version() is None:
        pytest.skip(f"finn-plus is not installed ({INSTALL})")
    arguments = ("compile", DIGITS, *EXAMPLE, "--backend", backend, "--json")
    plain, labelled = (
        json.loads(fpgacomp(*arguments, "--out", tmp_path / name, *more).stdout)
        for name, more in (("logits", ()), ("labels", ("--argmax",)))
    )
    # Only why the task is one of classes is told otherwise: a label says it itself.
    said = labelled["accuracy"].pop("task_found")
    assert said == "a class number (the output is a class number)"
    assert plain["accuracy"].pop("task_found") != said
    assert labelled["accuracy"] == plain["accuracy"]
    exact = labelled["exactness"]
    assert (exact["csim_mismatches"], exact["network_mismatches"]) == (0, 0)
    # float32 sums close to a rounding border fall otherwise on other processors
    assert exact["top1_agreement_float32"] >= 0.99
    assert exact["finn_mismatches"] == (0 if backend == "finn" else None)
    answers = tmp_path / "y.npy"
    again = fpgacomp("simulate", tmp_path / "labels", "--inputs", PIXELS, "--labels", LABELS,
                     "--level", "c", "--outputs", answers, "--json")  # fmt: skip
    assert again.exit_code == 0
    assert json.loads(again.stdout)["accuracy"] == plain["accuracy"] | {"task_found": said}
    labels = np.load(answers)
    assert labels.shape == (len(np.load(LABELS)),) and labels.dtype == np.int64
    assert float((labels == np.load(LABELS)).mean()) == plain["accuracy"]["top1"]
