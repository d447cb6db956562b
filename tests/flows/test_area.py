"""`--area yosys`: what is refused, and where the report says what was found."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

import fpgacomp
from fpgacomp.errors import ToolError, UsageError
from fpgacomp.flows.options import Options
from fpgacomp.host import toolchain
from fpgacomp.report import terminal
from fpgacomp.report.html import to_html
from fpgacomp.report.json_report import to_json
from fpgacomp.results.area import MeasuredArea
from tests.support import report_samples
from tests.support.paths import EXAMPLES

MODEL = EXAMPLES / "digits_mlp" / "model.onnx"


def test_another_source_of_the_area_is_refused() -> None:
    with pytest.raises(UsageError, match=r"area 'vivado'.*(?s:.*)estimate or yosys"):
        Options(area="vivado")  # type: ignore[arg-type]


def test_reports_state_the_option_where_it_was_given() -> None:
    assert "area" not in Options().summary()
    assert Options(area="yosys").summary()["area"] == "yosys"


@pytest.mark.slow
def test_an_engine_without_systemverilog_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "fpgacomp.flows.compile.find_yosys", lambda what: toolchain.Yosys("0.70", EXAMPLES)
    )
    options = Options(area="yosys", backend="hls4ml", csim=False, vectors=1)
    with pytest.raises(UsageError, match=r"hls4ml engine emits none(?s:.*)--backend stream"):
        fpgacomp.compile(MODEL, "pynq-z2", options=options)


def test_without_yosys_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_package", lambda name: None)
    options = Options(area="yosys", backend="stream", csim=False, vectors=1)
    with pytest.raises(ToolError, match=r"--area yosys runs it(?s:.*)pip install pyosys"):
        fpgacomp.compile(MODEL, "pynq-z2", options=options)


def test_every_form_of_the_report_states_it_beside_the_estimate() -> None:
    report = report_samples.fits()
    amounts = {"lut": 2461.0, "lutram": 74.0, "ff": 1845.0, "dsp": 0.0, "bram18": 3.0, "uram": 0.0}
    layer = report.layers[0].name
    found = MeasuredArea(
        tool="Yosys", version="0.70", family="zynq-7000", command="synth_xilinx",
        resources=amounts, layers={layer: amounts}, units=36, distinct=23,
    )  # fmt: skip
    document = json.loads(to_json(replace(report, area=found)))
    assert document["measured"]["yosys"]["resources"]["lut"] == 2461
    assert document["measured"]["yosys"]["version"] == "0.70"
    assert document["layers"][0]["yosys"]["ff"] == 1845 and document["layers"][1]["yosys"] is None
    line = "measured by Yosys 0.70, the sum of 36 instances: 2,461 LUT (74 of them memory)"
    page = to_html(replace(report, area=found))
    assert line in page
    for label, amount in (("LUT", "2,461"), ("FF", "1,845"), ("BRAM18", "3")):
        assert f'<td class="num" data-label="{label} by Yosys">{amount}</td>' in page
        # No instance works for the second layer alone.
        assert f'<td class="num" data-label="{label} by Yosys">-</td>' in page
    assert "DSP by Yosys" not in page  # of which it found none
    console = Console(file=StringIO(), width=120)
    terminal.render(replace(report, area=found), console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert line in shown and "LUT by Yosys" in shown
    narrow = Console(file=StringIO(), width=80)
    terminal.render(replace(report, area=found), narrow)
    assert "LUT by Yosys" not in narrow.file.getvalue()  # type: ignore[attr-defined]
    plain = json.loads(to_json(report))
    assert plain["measured"]["yosys"] is None and plain["layers"][0]["yosys"] is None
