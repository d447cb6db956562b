"""A full check runs the C++ in its loops and the SystemVerilog beside C-simulation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import fpgacomp
from fpgacomp.engines.engine import FurtherCheck
from fpgacomp.engines.stream import cost
from fpgacomp.engines.stream.rtl import project as emission
from fpgacomp.errors import ToolError
from fpgacomp.flows import checks
from fpgacomp.flows.batches import Batch
from fpgacomp.flows.options import Options
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.report.exactness import exactness_lines
from fpgacomp.results.project import Project
from fpgacomp.results.report import Report
from fpgacomp.results.target import Target
from tests.support import builders
from tests.support import stream_designs as sd
from tests.support.depth import deep_only
from tests.support.paths import EXAMPLES

MODEL = EXAMPLES / "digits_cnn" / "model.onnx"
# The smallest design: g++ takes the least time for it.
OPTIONS = Options(backend="stream", target=Target("area", fps=5000), vectors=8, checks="full")


def compiled(out: Path, options: Options = OPTIONS) -> Report:
    return fpgacomp.compile(MODEL, "pynq-z2", out=out, options=options)


def without_verilator() -> None:
    raise ToolError("Verilator", "it is not installed.", "install it with: pip install X")


@pytest.fixture
def no_verilator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "find_verilator", without_verilator)


@pytest.fixture
def verilator() -> None:
    try:
        find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))


@pytest.mark.slow
def test_every_level_is_exact_and_cycles_are_measured(tmp_path: Path, verilator: None) -> None:
    report = compiled(tmp_path / "build")
    exact = report.exactness
    assert (exact.csim_mismatches, exact.hls_mismatches, exact.rtl_mismatches) == (0, 0, 0)
    document = json.loads((tmp_path / "build" / "report.json").read_text())
    measured = document["measured"]["rtl"]
    assert measured["frames"] >= checks.FURTHER_FRAMES and measured["steady"]
    assert measured["interval_cycles"] == pytest.approx(
        report.estimate.interval_cycles.value, rel=0.01
    )
    assert measured["fifos"] and all(
        use["highest"] <= use["depth"] for use in measured["fifos"].values()
    )


@pytest.mark.slow
def test_a_fault_of_the_rtl_alone_fails_the_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verilator: None
) -> None:
    emit = emission.emit_rtl
    library = "rtl/lib/fpgacomp_max.sv"

    def buggy(*arguments: object) -> Project:
        files = dict(emit(*arguments).files)  # type: ignore[arg-type]
        assert b">" in files[library]
        files[library] = files[library].replace(b" > ", b" < ")
        return Project(files)

    monkeypatch.setattr(emission, "emit_rtl", buggy)
    report = compiled(tmp_path / "build")
    assert report.status == "failed" and not (tmp_path / "build").exists()
    assert report.exactness.csim_mismatches == report.exactness.hls_mismatches == 0
    assert report.exactness.rtl_mismatches
    document = json.loads((tmp_path / "build.failed" / "report.json").read_text())
    found = next(x for x in document["exactness"]["further"] if x["level"] == "rtl")
    computed = tmp_path / "build.failed" / "vectors" / "computed"
    assert (computed / f"{found['first_mismatch']['layer']}.npy").is_file()


@deep_only  # tests/engines/hls4ml/csim compares both kinds of types
@pytest.mark.slow
def test_hls4ml_runs_on_the_types_that_it_is_synthesized_with(tmp_path: Path) -> None:
    report = compiled(tmp_path / "build", replace(OPTIONS, backend="hls4ml", target=Target("area")))
    exact = report.exactness
    assert (exact.csim_mismatches, exact.hls_mismatches, exact.rtl_mismatches) == (0, 0, None)
    (found,) = exact.further
    assert found.agreement is not None and found.agreement.vectors == checks.FURTHER_FRAMES
    lines = exactness_lines(report)
    assert any(line.startswith("C++ on arbitrary-precision types vs") for line in lines)
    assert lines[-1] == "not run: RTL simulation"


@pytest.mark.slow
@pytest.mark.usefixtures("no_verilator")
def test_what_is_missing_or_too_long_is_said_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "FURTHER_CPU_S", 0.0)
    out = tmp_path / "a build"
    exact = compiled(out).exactness
    assert exact.hls_mismatches is None and exact.rtl_mismatches is None and not exact.measured
    notes = {found.level: found.note for found in exact.further}
    assert f"fpgacomp simulate '{out}' --inputs X.npy --level hls" in notes["hls"]
    assert notes["rtl"].endswith("it needs: pip install 'fpgacomp[rtl]'")


@pytest.mark.slow
@pytest.mark.usefixtures("no_verilator")
@pytest.mark.parametrize(
    "options",
    [replace(OPTIONS, checks="quick"), replace(OPTIONS, backend="hls4ml", target=Target("area"))],
)
def test_nothing_further_is_run_or_said(tmp_path: Path, options: Options) -> None:
    assert not compiled(tmp_path / "build", replace(options, csim=False)).exactness.further


@pytest.mark.parametrize(("frame_s", "frames"), [(1e-3, 900), (0.1, 14), (2.0, 4)])
def test_the_rtl_runs_on_as_many_frames_as_cost_little(
    monkeypatch: pytest.MonkeyPatch, frame_s: float, frames: int
) -> None:
    """What is slow is building a simulation; of a short design all frames are run in it."""
    kinds = [FurtherCheck(level, level, 10.0, frame_s) for level in ("hls", "rtl")]
    chosen = SimpleNamespace(
        engine=SimpleNamespace(further=lambda design, count: kinds),
        folded=SimpleNamespace(design=None),
    )
    ran = []

    def simulated(*arguments: Any) -> Iterator[Batch]:
        ran.append((arguments[6], [len(batch.values["x"]) for batch in arguments[2]]))
        return iter(())

    monkeypatch.setattr(checks, "simulated", simulated)
    values: Any = {"x": np.zeros((900, 3), dtype=np.int64)}
    anything: Any = None
    given: Any = chosen
    checks.further(given, anything, values, find_compiler(), str, anything)
    assert ran == [("hls", [checks.FURTHER_FRAMES]), ("rtl", [frames])]


def test_the_cost_grows_with_the_design_and_the_frames() -> None:
    small, large = (sd.design(builders.mlp(), seed, most=most) for seed, most in ((0, 1), (0, 64)))
    few, many = (
        {kind.level: kind.cpu_s for kind in cost.further_checks(small, frames)}
        for frames in (1, 10**8)
    )
    unrolled = {kind.level: kind.cpu_s for kind in cost.further_checks(large, 1)}
    for level in ("hls", "rtl"):
        assert 0 < few[level] < many[level]
        assert few[level] < checks.FURTHER_CPU_S < many[level]
    assert few["rtl"] < unrolled["rtl"]
