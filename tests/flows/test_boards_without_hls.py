"""What is told, first, of a design for a board that no HLS tool builds for."""

from __future__ import annotations

from typing import Any

import pytest

import fpgacomp
from fpgacomp.flows.options import Options
from tests.support.paths import EXAMPLES

pytestmark = pytest.mark.slow

MODEL = EXAMPLES / "digits_cnn" / "model.onnx"


@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-85f"])
@pytest.mark.parametrize(("backend", "instead"), [("stream", "rtl/"), ("hls4ml", "--backend")])
def test_the_first_warning_says_what_to_build(board: str, backend: Any, instead: str) -> None:
    report = fpgacomp.estimate(MODEL, board, options=Options(backend=backend))
    first = report.warnings[0]
    assert first.startswith(f"no HLS tool builds C++ for {board}") and instead in first
    # What was measured of no design of the family, or of few, makes nothing certain.
    assert report.certain == (backend == "stream" and board == "ulx3s-85f")


@pytest.mark.parametrize("backend", ["stream", "hls4ml"])
def test_no_script_and_no_step_promises_what_cannot_be(backend: Any, tmp_path: Any) -> None:
    options = Options(backend=backend, csim=False, vectors=2)
    report = fpgacomp.compile(MODEL, "ulx3s-85f", options=options, out=tmp_path / "out")
    assert not list((tmp_path / "out").glob("hls/*.tcl")) and list((tmp_path / "out").glob("hls/*"))
    assert not [text for text in report.warnings if "bitstream" in text]
    page = (tmp_path / "out" / "report.html").read_text().split("<table")[0]
    assert "vitis_hls" not in page
    # One step builds everything; the script for synthesis alone is there, too.
    script = tmp_path / "out" / "rtl" / "yosys" / "synth.ys"
    assert "yosys/synth.ys" not in page and ("fpgacomp build" in page) == (backend == "stream")
    assert script.is_file() == (backend == "stream")
