"""Options name the layers of a network as it names them itself, or as its ONNX file does."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from fpgacomp.cli.app import app
from fpgacomp.compress.factorize.options import FactorizeOptions
from fpgacomp.compress.prune.options import MagnitudeOptions
from fpgacomp.compress.quantize.options import QuantizeOptions
from fpgacomp.errors import UsageError
from fpgacomp.flows.layer_names import in_layer_names
from tests.support.task_networks import task_case

NETWORK: Any = SimpleNamespace(meta={"onnx_names": {"/0/Gemm": "layer_0", "/2/Gemm": "layer_2"}})


def test_both_names_of_a_layer_are_taken() -> None:
    options = QuantizeOptions(weight_bits={"/0/Gemm": 4, "layer_2": 3, "*": 8})
    found = in_layer_names(options, NETWORK)
    assert found.weight_bits == {"layer_0": 4, "layer_2": 3, "*": 8}
    assert in_layer_names(MagnitudeOptions(leave=("/2/Gemm",)), NETWORK).leave == ("layer_2",)
    rank = in_layer_names(FactorizeOptions(rank={"/0/Gemm": 0.5}), NETWORK).rank
    assert rank == {"layer_0": 0.5}


def test_one_layer_by_both_of_its_names() -> None:
    options = QuantizeOptions(weight_bits={"/0/Gemm": 4, "layer_0": 3, "*": 8})
    with pytest.raises(UsageError, match="--weight-bits of layer_0: are given twice"):
        in_layer_names(options, NETWORK)


@pytest.mark.slow
def test_names_that_check_lists_and_an_option_that_is_repeated(tmp_path: Path) -> None:
    pytest.importorskip("brevitas")
    model, train, test = task_case("classes").save(tmp_path)
    listed = json.loads(CliRunner().invoke(app, ["check", str(model), "--json"]).stdout)
    layer = next(n["node"] for n in listed["nodes"] if n["op"] in ("Gemm", "MatMul", "Conv"))
    command = ["quantize", model, "--data", train, "--test-data", test, "--epochs", "0", "--json",
               "--out", tmp_path / "q.onnx", "--weight-bits", "*=8"]  # fmt: skip
    result = CliRunner().invoke(app, [*map(str, command), "--weight-bits", f"{layer}=4"])
    bits = json.loads(result.stdout)["details"]["weight_bits"]
    assert next(iter(bits.values())) == 4 and np.all(np.array(list(bits.values()))[1:] == 8)
