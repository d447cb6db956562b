"""What a run leaves behind that fails: its evidence in DIR.failed, its stages where asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.cli.app import app
from fpgacomp.engines.stream.emit import project as emission
from fpgacomp.errors import UsageError
from fpgacomp.flows.options import Options
from fpgacomp.results.project import Project
from fpgacomp.results.target import Target
from tests.support.paths import EXAMPLES

pytestmark = pytest.mark.slow

DIGITS = EXAMPLES / "digits_cnn" / "model.onnx"


# A threshold that equals the accumulator counts as reached; with the bug it does not.
RIGHT, WRONG = b"load<vector>(of) <= v ?", b"load<vector>(of) < v ?"
HEADER = "hls/csim_include/fpgacomp_tables.hpp"


@pytest.fixture
def wrong_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in a template of the streaming engine."""
    emit = emission.emit_stream

    def buggy(*arguments: object) -> Project:
        files = dict(emit(*arguments).files)  # type: ignore[arg-type]
        assert RIGHT in files[HEADER]
        files[HEADER] = files[HEADER].replace(RIGHT, WRONG)
        return Project(files)

    monkeypatch.setattr(emission, "emit_stream", buggy)


def test_a_wrong_answer_keeps_its_evidence(tmp_path: Path, wrong_template: None) -> None:
    out = tmp_path / "build"
    arguments = ["compile", str(DIGITS), "--board", "pynq-z2", "--backend", "stream",
                 "--vectors", "20", "--out", str(out)]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    failed = tmp_path / "build.failed"
    assert not out.exists()
    report = json.loads((failed / "report.json").read_text())
    first = report["exactness"]["first_csim_mismatch"]
    assert report["status"] == "failed" and report["exactness"]["csim_mismatches"] > 0
    # A terminal wraps where it has to.
    assert f"layer {first['layer']}, sample {first['sample']}" in result.output.replace("\n", " ")
    assert "build.failed" in result.output.replace("\n", "")
    expected = np.load(failed / "vectors" / f"{first['layer']}.npy")
    computed = np.load(failed / "vectors" / "computed" / f"{first['layer']}.npy")
    at = (first["sample"], *first["index"])
    assert expected[at] == first["expected"] and computed[at] == first["got"]
    assert (failed / "graph.json").is_file() and (failed / "hls" / "build_prj.tcl").is_file()


def test_a_good_build_is_not_replaced_by_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    out = tmp_path / "build"
    options = Options(backend="stream", vectors=10)
    assert fpgacomp.compile(DIGITS, "pynq-z2", out=out, options=options).status == "ok"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    request.getfixturevalue("wrong_template")
    report = fpgacomp.compile(DIGITS, "pynq-z2", out=out, options=options)
    assert report.status == "failed" and report.folder == str(tmp_path / "build.failed")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_design_that_does_not_fit_leaves_its_report(tmp_path: Path) -> None:
    options = Options(csim=False, target=Target("latency", fps=1e9))
    report = fpgacomp.compile(DIGITS, "pynq-z2", out=tmp_path / "build", options=options)
    assert not report.verdict.fits
    failed = tmp_path / "build.failed"
    assert json.loads((failed / "report.json").read_text())["verdict"]["fits"] is False
    assert (failed / "graph.json").is_file() and not (tmp_path / "build").exists()


def test_stages_are_kept_up_to_the_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Project:
        raise UsageError("emission", "is broken in this test.", "mend it.")

    monkeypatch.setattr(emission, "emit_stream", broken)
    stages = tmp_path / "stages"
    target = Target("area")
    options = Options(backend="stream", target=target, vectors=5, csim=False, dump_stages=stages)
    with pytest.raises(UsageError, match="is broken in this test"):
        fpgacomp.compile(DIGITS, "pynq-z2", options=options)
    assert sorted(path.name for path in stages.iterdir()) == [
        "1-network", "2-integer-graph", "3-design", "4-vectors", "failed.txt", "stages.json",
    ]  # fmt: skip
    assert (
        "mvau" in (stages / "3-design" / "design.txt").read_text().lower()
        or "MatrixVector" in (stages / "3-design" / "design.txt").read_text()
    )
    assert "%act1" in (stages / "2-integer-graph" / "graph.txt").read_text()
    assert "stage emit: emission: is broken" in (stages / "failed.txt").read_text()


def test_stages_replace_earlier_stages_and_nothing_else(tmp_path: Path) -> None:
    stages = tmp_path / "stages"
    fpgacomp.estimate(DIGITS, "pynq-z2", options=Options(dump_stages=stages))
    first = sorted(path.relative_to(stages) for path in stages.rglob("*"))
    fpgacomp.estimate(DIGITS, "pynq-z2", options=Options(dump_stages=stages))
    assert sorted(path.relative_to(stages) for path in stages.rglob("*")) == first
    mine = stages / "mine.txt"
    mine.write_text("hours of work")
    with pytest.raises(UsageError, match="holds a file that no earlier dump wrote"):
        fpgacomp.estimate(DIGITS, "pynq-z2", options=Options(dump_stages=stages))
    assert mine.read_text() == "hours of work"


@pytest.mark.parametrize("listed", ["../outside.txt", "/etc/outside.txt"])
def test_a_list_of_stages_names_nothing_outside(tmp_path: Path, listed: str) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    stages = tmp_path / "stages"
    stages.mkdir()
    (stages / "stages.json").write_text(json.dumps({"fpgacomp_stages": {listed: "0"}}))
    fpgacomp.estimate(DIGITS, "pynq-z2", options=Options(dump_stages=stages))
    assert outside.read_text() == "mine"


def test_code_from_elsewhere_runs_only_where_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "build"
    options = Options(backend="stream", vectors=5, csim=False)
    fpgacomp.compile(DIGITS, "pynq-z2", out=out, options=options)
    pixels = EXAMPLES / "digits_cnn" / "test_inputs.npy"
    few = np.load(pixels)[:5]
    assert fpgacomp.simulate(out, few, level="c").mismatches == 0
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "somebody else"))
    assert fpgacomp.simulate(out, few).mismatches is None
    with pytest.raises(UsageError, match="was not made by you on this machine"):
        fpgacomp.simulate(out, few, level="c")
    assert fpgacomp.simulate(out, few, level="c", trust=True).mismatches == 0
