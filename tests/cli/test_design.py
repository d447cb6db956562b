"""What the command line says reaches the options of a design, and nothing is changed unasked."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from fpgacomp.cli.compile import compile
from fpgacomp.cli.design import design_options
from fpgacomp.cli.estimate import estimate
from fpgacomp.cli.values import Backend
from fpgacomp.engines.registry import BACKENDS
from fpgacomp.flows.options import Options
from fpgacomp.frontend.calibrate import PtqOptions
from fpgacomp.results.target import Target
from tests.cli.test_cli import DIGITS, fpgacomp


def defaults(verb: Any) -> dict[str, Any]:
    """The defaults of a verb's own options."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(verb).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }


def test_a_design_of_which_nothing_is_asked_has_the_default_options() -> None:
    known = inspect.signature(design_options).parameters
    for verb in (compile, estimate):
        given = defaults(verb)
        assert design_options(**{name: given[name] for name in known}) == Options()
    for name in ("inputs", "labels", "vectors", "csim", "seed"):
        assert defaults(compile)[name] == getattr(Options(), name)


def test_every_value_reaches_its_option() -> None:
    options = design_options(
        backend="hls4ml", target="area", fps=100.0, latency_us=5.0, clock_mhz=50.0,
        io="io_stream", argmax=True, calibration="x.npy", input_bits="16:6", weight_bits=4,
        activation_bits=6, scale="free", ranges="min-max", dump_stages=Path("stages"),
    )  # fmt: skip
    assert options == Options(
        backend="hls4ml",
        target=Target("area", 100.0, 5.0),
        clock_mhz=50.0,
        io_type="io_stream",
        argmax=True,
        calibration="x.npy",
        input_bits=(16, 6),
        quantization=PtqOptions(
            weight_bits=4, activation_bits=6, input_bits=16, scale="free", ranges="min-max"
        ),
        dump_stages=Path("stages"),
    )


def test_every_engine_can_be_asked_for() -> None:
    assert set(get_args(Backend)) == set(BACKENDS)


@pytest.mark.slow
def test_the_stages_of_an_estimate_are_dumped(tmp_path: Path) -> None:
    result = fpgacomp("estimate", DIGITS, "--board", "pynq-z2", "--backend", "stream", "--json",
                      "--dump-stages", tmp_path / "stages")  # fmt: skip
    assert result.exit_code == 0
    assert json.loads(result.stdout)["backend"] == "stream"
    assert len([path for path in (tmp_path / "stages").iterdir() if path.is_dir()]) >= 3


def test_where_stages_are_dumped_is_not_in_the_report() -> None:
    """The same input gives the same report, wherever its stages go."""
    assert Options(dump_stages=Path("stages")).summary() == Options().summary()
