from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from fpgacomp.devices.resources import counts
from fpgacomp.report import wording
from fpgacomp.report.terminal import MAX_LINES, render
from fpgacomp.results.estimate import Figure
from fpgacomp.results.report import (
    Exactness,
    Float32Agreement,
    PeerEvidence,
    Report,
    Verdict,
)
from fpgacomp.results.target import Target
from tests.support import report_samples as samples

ALL = [samples.fits, samples.does_not_fit, samples.is_wrong, samples.many_layers]


def shown(report: Report, width: int = 100, console: Console | None = None) -> list[str]:
    """What a pipe gets: no colour, trailing blanks cut."""
    buffer = io.StringIO()
    render(report, console or Console(file=buffer, width=width))
    return [line.rstrip() for line in buffer.getvalue().splitlines()]


@pytest.mark.parametrize("width", [100, 80])
@pytest.mark.parametrize("sample", ALL)
def test_golden(
    sample: Callable[[], Report], width: int, golden: Callable[[Path, str], None]
) -> None:
    text = "\n".join(shown(sample(), width)) + "\n"
    golden(samples.GOLDEN / f"{sample.__name__}_{width}.txt", text)


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("sample", ALL)
def test_one_screen(sample: Callable[[], Report], width: int) -> None:
    lines = shown(sample(), width)
    assert len(lines) <= MAX_LINES
    assert max(map(len, lines)) <= width


def test_twelve_layers_are_all_shown() -> None:
    report = replace(samples.fits(), layers=samples.many_layers(12).layers)
    text = "\n".join(shown(report))
    assert all(f"layer{place} " in text for place in range(12))
    assert "more layers" not in text


def test_longer_networks_show_the_heaviest_in_network_order() -> None:
    layers = list(samples.many_layers(30).layers)
    layers[4] = samples.layer("widest", "Dense", (10,), cycles=1, lut=20_000)
    layers[9] = samples.layer("slowest", "Dense", (10,), cycles=9_000, lut=1)
    lines = shown(replace(samples.fits(), layers=tuple(layers)))
    places = [lines.index(line) for line in lines if line.startswith(("widest", "slowest"))]
    assert len(places) == 2 and places == sorted(places)
    lut = sum(layer.estimate.lut.value for layer in layers)
    table = lines[lines.index(next(x for x in lines if x.startswith("layer "))) + 1 :]
    rows = [line.split() for line in table[:12]]
    listed = sum(
        next(each for each in layers if each.name == row[0]).estimate.lut.value for row in rows
    )
    assert f"... and 18 more layers, lighter, {lut - listed:,.0f} LUT together" in lines


def test_the_first_line_is_the_verdict() -> None:
    assert shown(samples.fits())[0] == (
        "FITS TUL PYNQ-Z2: 46 % of its free LUT, less of all else; exact in simulation."
    )
    assert shown(samples.does_not_fit())[:2] == [
        "DOES NOT FIT TUL PYNQ-Z2: needs 110,860 LUT, 2.3 times the 48,200 that are free.",
        "  try: 4-bit instead of 8-bit weights in conv2: about 41,000 LUT.",
    ]
    assert shown(samples.is_wrong())[0] == (
        "FITS TUL PYNQ-Z2, BUT GIVES WRONG RESULTS: 17 wrong numbers in C-simulation."
    )


def test_a_fit_within_the_uncertainty_is_not_called_sure() -> None:
    report = samples.fits()
    report = samples.with_figures(report, lut=Figure(40_000, 33_000, 54_000))
    assert wording.headline(report).mood == "unsure"
    assert shown(report)[0] == (
        "PROBABLY FITS TUL PYNQ-Z2: needs about 83 % of its free LUT, at worst 112 %."
    )
    report = samples.with_figures(report, lut=Figure(40_000, 33_000, 97_000))
    assert wording.headline(report).mood == "unsure"
    assert shown(report)[0] == (
        "MAY NOT FIT TUL PYNQ-Z2: needs about 83 % of its free LUT, at worst 201 %."
    )


@pytest.mark.parametrize(
    ("exactness", "words"),
    [
        (
            Exactness(10, csim_mismatches=1, further=samples.rtl(2)),
            "1 wrong numbers in C-simulation, 2 wr",
        ),
        (
            Exactness(10, csim_mismatches=0, network_mismatches=3),
            "3 numbers that are not the network's",
        ),
        (
            Exactness(
                4, csim_mismatches=0, peers=(PeerEvidence(name="p", title="Peer", mismatches=5),)
            ),
            "5 wrong numbers in Peer's execution",
        ),
    ],
)
def test_any_mismatch_is_in_the_first_line(exactness: Exactness, words: str) -> None:
    report = replace(samples.fits(), exactness=exactness)
    assert words in shown(report)[0]
    assert wording.headline(report).mood == "bad"


def test_a_failure_says_where_its_evidence_is() -> None:
    report = replace(samples.is_wrong(), folder="digits.failed")
    assert shown(report)[-1] == "evidence in digits.failed: see digits.failed/report.html"
    assert shown(samples.fits())[-1] == "report: build/digits/report.html"


def test_what_the_hardware_took_is_said_beside_what_it_computed() -> None:
    exact = Exactness(10, csim_mismatches=0, network_mismatches=0, further=samples.rtl(0))
    lines = shown(replace(samples.fits(), exactness=exact))
    assert "RTL simulation vs integer graph: 0 mismatches in 400 integers, 4 vectors" in lines
    measured = "the first frame takes 204 cycles, one frame every 100 cycles"
    assert f"measured in RTL simulation: {measured}" in lines
    assert not any(line.startswith("not run") for line in lines)


def test_without_simulation_nothing_is_called_exact() -> None:
    lines = shown(replace(samples.fits(), exactness=Exactness(0)))
    assert lines[0].endswith("; not simulated.")
    assert "not run: C-simulation, RTL simulation, comparison with the network" in lines


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict(False, "fps", shortfall=3.0), "fps is the limit, missed 3 times over."),
        (Verdict(False, None), "no design is fast enough."),
        (
            Verdict(False, None, shortfall=32000.0),
            "no design is fast enough: the nearest is 32,000 times too slow.",
        ),
        (
            Verdict(False, "dsp"),
            "needs 77 DSP, 0.35 times the 220 that are free.",
        ),
        (Verdict(False, "uram", shortfall=1.5), "uram is the limit, missed 1.5 times over."),
    ],
)
def test_other_limits(verdict: Verdict, words: str) -> None:
    report = replace(samples.fits(), verdict=verdict)
    kind = "DOES NOT FIT" if verdict.limiting_resource else "TOO SLOW ON"
    assert shown(report)[0] == f"{kind} TUL PYNQ-Z2: {words}"


def test_a_resource_the_board_has_none_of() -> None:
    report = samples.fits()
    report = samples.with_figures(report, uram=Figure(4, 4, 4))
    report = replace(report, verdict=Verdict(False, "uram"))
    lines = shown(report)
    assert lines[0].endswith("needs 4 URAM, and the board has none free.")
    assert any(line.startswith("URAM") and "none on board" in line for line in lines)


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_but_ascii_where_the_terminal_has_no_utf8(width: int) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    report = samples.fits()
    long_name = samples.layer("a_rather_long_name_of_a_layer_in_this_network", "Conv", (8, 8, 8))
    report = replace(report, layers=(*report.layers, long_name), warnings=("größer 数",))
    render(report, Console(file=stream, width=width))
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert "#" in text and "=" in text


def test_colour_only_on_a_terminal() -> None:
    assert "\x1b[" not in "\n".join(shown(samples.is_wrong()))
    buffer = io.StringIO()
    console = Console(file=buffer, width=100, force_terminal=True, color_system="truecolor")
    render(samples.is_wrong(), console)
    assert "\x1b[1;31mFITS TUL PYNQ-Z2, BUT GIVES WRONG RESULTS" in buffer.getvalue()


def test_colour_changes_no_letter() -> None:
    buffer = io.StringIO()
    render(samples.fits(), Console(file=buffer, width=100, force_terminal=True))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", buffer.getvalue())
    assert [line.rstrip() for line in plain.splitlines()] == shown(samples.fits())


def test_names_are_not_taken_for_markup() -> None:
    report = samples.fits()
    report = replace(report, model=replace(report.model, name="[red]net[/red] :smile:"))
    assert any("[red]net[/red] :smile:" in line for line in shown(report))


def huge() -> Report:
    report = samples.fits()
    name = "a_layer_with_a_name_that_is_longer_than_any_terminal_has_room_for_it"
    big = samples.layer(
        name, "Requantize", (128, 128, 512), bits=(16, 16, 40), cycles=12_345_678, lut=1_234_567,
        dsp=11_111, bram18=4_321,
    )  # fmt: skip
    board = replace(report.board, resources=counts(1_728_000, 3_456_000, 12_288, 5_376, 1_280))
    report = samples.with_figures(
        report,
        lut=Figure(1_234_567, 1_111_111, 1_717_171),
        ff=Figure(2_345_678, 2_222_222, 3_333_333),
    )
    return replace(report, board=board, layers=(*report.layers, big))


@pytest.mark.parametrize("width", [80, 100])
def test_no_figure_is_ever_cut_but_names_are(width: int) -> None:
    lines = shown(huge(), width)
    text = "\n".join(lines)
    assert "1,234,567 of 1,723,000  1,111,111..1,717,171" in text
    row = next(line for line in lines if line.startswith("a_laye"))
    for figure in ("16/16/40", "12,345,678", "1,234,567", "11,111", "4,321"):
        assert f" {figure}" in row
    assert "…" in row.split()[0]
    assert max(map(len, lines)) <= width


def test_a_very_narrow_terminal_leaves_the_range_out() -> None:
    lines = shown(samples.fits(), 56)
    assert "22,400 of 48,200" in "\n".join(lines)
    assert not any("17,920" in line for line in lines)


def test_control_characters_do_not_reach_the_terminal() -> None:
    report = samples.fits()
    report = replace(report, model=replace(report.model, name="a\x1b[31mb\r\nc\x07"))
    text = "\n".join(shown(report))
    assert "a [31mb  c " in text
    assert not set("\x1b\r\x07") & set(text)


def test_warnings_come_before_reasons_and_the_rest_is_counted() -> None:
    lines = shown(samples.many_layers())
    notes = [line for line in lines if line.startswith("warning:")]
    counted = next(line for line in lines if line.endswith("more notes in report.html"))
    assert 0 < len(notes) < 30
    assert f"... and {32 - len(notes)} more notes" in counted


def test_the_path_of_the_report_is_last() -> None:
    assert shown(samples.fits())[-1] == "report: build/digits/report.html"
    assert not any("report.html" in line for line in shown(samples.does_not_fit()))


def test_urams_get_a_column_where_the_design_uses_them() -> None:
    report = samples.fits()
    report = samples.with_figures(report, uram=Figure(2, 2, 2))
    header = next(line for line in shown(report) if line.startswith("layer "))
    assert "BRAM  URAM  folding" in header


def test_a_report_without_layers() -> None:
    lines = shown(replace(samples.fits(), layers=()))
    assert any("hardware: 0 layers" in line for line in lines)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0.0, "0 ns"), (0.64, "640 ns"), (8.12, "8.12 us"), (4_500, "4.5 ms"), (2e6, "2 s")],
)
def test_duration(microseconds: float, text: str) -> None:
    assert wording.duration(microseconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"), (0.001, "<1 %"), (0.46, "46 %"), (1.0, "100 %"), (1.004, ">100 %"),
        (2.3, "230 %"), (float("inf"), "none on board"),
    ],
)  # fmt: skip
def test_percent_never_hides_what_is_over(share: float, text: str) -> None:
    assert wording.percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (2.5, "2.5"),
        (9_999, "9,999"),
        (12_345, "12.3 k"),
        (1.56e6, "1.56 M"),
        (2e9, "2 G"),
    ],
)
def test_quantity(value: float, text: str) -> None:
    assert wording.quantity(value) == text


def test_target_and_bounds() -> None:
    report = replace(samples.fits(), target=Target("area", fps=20_000, latency_us=2.5))
    assert wording.target_text(report) == "area, at least 20 k frames/s, at most 2.5 us"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (2.44, "2.4"), (3.02, "3"), (9.99, "10"), (1_234.5, "1,234")]
)
def test_count(value: float, text: str) -> None:
    assert wording.count(value) == text


@pytest.mark.parametrize(
    ("folding", "text"),
    [
        ({}, ""),
        ({"strategy": "latency", "reuse_factor": 1, "parallelization": 1}, "reuse 1, latency"),
        (
            {"strategy": "latency", "reuse_factor": 1, "parallelization": 4},
            "reuse 1, pixels 4, latency",
        ),
        ({"pe": 4, "simd": 8, "ram": "block"}, "PE 4, SIMD 8, ram block"),
    ],
)
def test_folding(folding: dict[str, object], text: str) -> None:
    assert wording.folding_text(folding) == text


def test_ties_between_slowest_layers_are_said() -> None:
    assert wording.slowest_layer(samples.fits()) == "conv2"
    assert wording.slowest_layer(samples.many_layers(5)) == "layer0 and 4 more"
    parallel = tuple(samples.layer(name, "Dense", (4,), interval=1) for name in "ab")
    assert wording.slowest_layer(replace(samples.fits(), layers=parallel)) is None


figures = (
    st.tuples(*[st.integers(0, 10**7)] * 3).map(sorted).map(lambda f: Figure(f[1], f[0], f[2]))
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    lut=figures,
    dsp=figures,
    uram=figures,
    interval=st.integers(0, 10**9),
    rows=st.integers(0, 15),
    words=st.lists(st.text(max_size=200), max_size=5),
    width=st.integers(80, 200),
)
def test_any_figures_fit_the_screen(
    lut: Figure,
    dsp: Figure,
    uram: Figure,
    interval: int,
    rows: int,
    words: list[str],
    width: int,
) -> None:
    report = samples.many_layers(rows)
    estimate = replace(
        samples.with_figures(report, lut=lut, dsp=dsp, uram=uram).estimate,
        interval_cycles=Figure.exact(interval),
    )
    report = replace(report, estimate=estimate, warnings=tuple(words), software_after=tuple(words))
    buffer = io.StringIO()
    render(report, Console(file=buffer, width=width))
    assert buffer.getvalue().count("\n") <= MAX_LINES


def test_a_text_of_many_lines_is_cut_and_says_so() -> None:
    lines = shown(replace(samples.fits(), software_after=("Softmax",) * 60))
    place = next(place for place, line in enumerate(lines) if line.startswith("software before"))
    assert lines[place + 1].endswith("...")
    assert lines[place + 2].startswith("accuracy")


def quantized_here(found: Float32Agreement, kind: str = "float") -> str:
    """What is printed of a network that fpgacomp quantized itself."""
    report = samples.fits()
    exact = replace(report.exactness, top1_agreement_float32=found.top1, float32=found)
    model = replace(report.model, format=kind, quantized_here=True)
    return "\n".join(shown(replace(report, model=model, exactness=exact), 160))


def test_quantization_here_is_told_apart_from_float32() -> None:
    built = Float32Agreement(144, 1, 72, 1, 1.0, "act1", 2, 2, 1, largest_difference=0.02)
    came = Float32Agreement(
        144, 65, 72, 40, 0.93155, largest_difference=0.0391, quantized_here=True, quantized=built
    )
    text = quantized_here(came)
    assert (
        "your float network against its quantized form: same top-1 93.15 %, largest difference "
        "0.039 (65 of 144 outputs beyond rounding): the cost of quantization\n"
    ) in text
    assert "integer graph vs quantized network (float64): 0 mismatches" in text
    assert "\nquantized network in float32: 1 of 144 outputs differ (0.69 %), same top-1" in text
    assert "why: float32 sums put 2 integers beyond a rounding border, first in act1." in text
    assert "\nnetwork in float32" not in text and "behind the last integer" not in text
    assert "moves its outputs by up to 0.039: the cost of quantization" in came.reason


def test_a_network_whose_inputs_were_quantized_here_is_not_called_float() -> None:
    came = Float32Agreement(144, 0, 72, 0, quantized_here=True)
    text = quantized_here(came, "qonnx")
    assert "your network against its quantized form: 0 of 144 outputs differ\n" in text
    assert "quantized network in float32" not in text and came.reason == ""


def test_the_next_steps_stand_before_the_path_of_the_report() -> None:
    """Two of those of the page; where the design does not fit, the remedies are the steps."""
    lines = shown(samples.fits(), 80)
    assert lines[-6:] == [
        "next: Synthesize the C++ with Vitis HLS (with vitis-run from 2024.2 on), or go",
        "on to the bitstream with fpgacomp build build/digits:",
        "  cd build/digits/hls && vitis_hls -f build_prj.tcl",
        "next: Run samples of your own through the design:",
        "  fpgacomp simulate build/digits --inputs X.npy --outputs Y.npy --level c",
        "report: build/digits/report.html",
    ]
    assert not any(line.startswith("next: ") for line in shown(samples.does_not_fit()))
    assert any("next: Do not use this design" in line for line in shown(samples.is_wrong()))
    estimated = shown(replace(samples.fits(), folder=None))
    assert estimated[-1].startswith("next: Nothing was written yet: `fpgacomp compile`")


def test_the_column_of_spans_says_what_it_holds() -> None:
    lines = shown(samples.fits())
    header = next(number for number, line in enumerate(lines) if line.startswith("layer "))
    assert "span" in lines[header].split() and "cycles" not in lines[header].split()
    assert lines[header - 1].startswith("span: cycles from a layer's first word to its last")


def test_outputs_that_all_differ_are_100_percent() -> None:
    found = Float32Agreement(112, 112, 4, 4)
    exact = replace(samples.fits().exactness, top1_agreement_float32=None, float32=found)
    lines = shown(replace(samples.fits(), exactness=exact))
    assert "network in float32: 112 of 112 outputs differ (100 %)" in lines
