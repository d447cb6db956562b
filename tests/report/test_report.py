"""A report as Python and notebooks show it: one line, and a small table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgacomp.results.estimate import Figure
from fpgacomp.results.report import Exactness, PeerEvidence, Verdict
from tests.support import report_samples as samples

PEERS = (PeerEvidence(name="finn", title="FINN", vectors=2, mismatches=4),)


def test_one_line_says_verdict_board_backend_luts_latency_and_exactness() -> None:
    assert repr(samples.fits()) == (
        "<Report: digits_cnn fits pynq-z2, hls4ml, 22,400 LUT, 8.12 us, "
        "C-simulation and integer graph exact on 1,000 vectors>"
    )


@pytest.mark.parametrize(
    ("exactness", "text"),
    [
        (Exactness(0), "not simulated>"),
        (Exactness(50, network_mismatches=0), ", integer graph exact on 50 vectors>"),
        (Exactness(50, csim_mismatches=2, network_mismatches=3), ", NOT EXACT: 5 mismatches>"),
        (Exactness(50, further=samples.rtl(1), peers=PEERS), ", NOT EXACT: 5 mismatches>"),
    ],
)
def test_what_was_compared_stands_at_the_end_of_the_line(exactness: Exactness, text: str) -> None:
    assert repr(replace(samples.fits(), exactness=exactness)).endswith(text)


def test_a_design_that_does_not_fit_says_so_in_one_line() -> None:
    text = repr(samples.does_not_fit())
    assert " does not fit pynq-z2, " in text and "\n" not in text


def test_a_notebook_shows_a_table_of_verdict_resources_and_exactness() -> None:
    html = samples.fits()._repr_html_()
    assert html.startswith("<table><caption>digits_cnn on TUL PYNQ-Z2</caption>")
    for row in (
        "<tr><th>verdict</th><td>fits</td></tr>",
        "<tr><th>latency</th><td>8.12 us</td></tr>",
        "<tr><th>rate</th><td>390,625 frames per second</td></tr>",
        "<tr><th>LUT</th><td>22,400 (17,920..28,000) of 48,200</td></tr>",
        "<tr><th>folder</th><td>build/digits</td></tr>",
    ):
        assert row in html
    assert "<th>URAM</th>" not in html  # the board has none and the design takes none


def test_a_notebook_shows_the_remedies_of_a_design_that_does_not_fit() -> None:
    html = samples.does_not_fit()._repr_html_()
    assert "<td>does not fit: LUT runs out</td>" in html
    assert html.count("<th>remedy</th>") == 3
    missed = replace(samples.fits(), verdict=Verdict(False, None))
    assert "<td>does not fit: no design keeps the bounds</td>" in missed._repr_html_()


def test_every_value_is_escaped() -> None:
    report = replace(samples.fits(), warnings=("a <b> & c",), folder="<i>")
    report = replace(report, model=replace(report.model, name="<script>"))
    html = report._repr_html_()
    assert "&lt;script&gt; on" in html and "a &lt;b&gt; &amp; c" in html and "&lt;i&gt;" in html
    assert "<script>" not in html and "<i>" not in html


def test_a_design_without_an_interval_has_no_rate() -> None:
    report = samples.fits()
    report = replace(report, estimate=replace(report.estimate, interval_cycles=Figure.exact(0)))
    assert "<th>rate</th>" not in report._repr_html_()


def test_the_status_follows_verdict_and_mismatches() -> None:
    assert samples.fits().status == "ok"
    assert samples.is_wrong().status == samples.does_not_fit().status == "failed"
