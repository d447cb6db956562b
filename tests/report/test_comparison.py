from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from fpgacomp.data.metrics import METRICS
from fpgacomp.devices.resources import Resources
from fpgacomp.report.comparison import render, to_json
from fpgacomp.report.comparison_html import to_html
from fpgacomp.report.comparison_plot import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    cost_axis,
    plot,
    score_axis,
    steps,
)
from fpgacomp.results.comparison import (
    MEASURES,
    BoardFigures,
    Candidate,
    Comparison,
    DisturbedScore,
    Footprint,
    LayerFootprint,
    Scores,
    TestSet,
    pareto_front,
)
from fpgacomp.results.estimate import Figure
from tests.report.test_html import VOID, Page

VOID.add("circle")
BAD = "<script>alert(1)</script>"

# The contract: these keys stay, whatever is added.
MODEL_KEYS = {
    "name", "file", "format", "accuracy", "macro_f1", "robustness", "cost", "estimate", "notes",
}  # fmt: skip
COST_KEYS = {
    "parameters", "weights", "nonzero_weights", "sparsity", "weight_bytes", "file_bytes", "macs",
    "bops", "bops_with_additions", "layers",
}  # fmt: skip


def cost(bits: int, macs: int = 1000, nonzero: int = 90) -> Footprint:
    layer = LayerFootprint(
        "fc", "MatMul", macs, 100, nonzero, bits, bits, f"{bits}-bit", 100 * bits,
        macs * bits * bits * nonzero / 100, macs * bits * bits + macs * 2 * bits,
    )  # fmt: skip
    return Footprint((layer,), 110, 2048)


def board(lut: float, *, fits: bool = True, certain: bool = True) -> BoardFigures:
    exact = Figure.exact
    return BoardFigures(
        fits, "lut", "hls4ml", 100.0, Figure(8.12, 7.0, 9.5), 123_456.0,
        Resources(Figure(lut, 0.8 * lut, 2 * lut), exact(9000), exact(4), exact(3), exact(0)),
        certainty=None if not fits else "certain" if certain else "probable",
    )  # fmt: skip


def scored(accuracy: float, *more: DisturbedScore) -> Scores:
    figures = {"output": {"accuracy": accuracy, "macro_f1": accuracy - 0.01}}
    return Scores(accuracy, figures, (DisturbedScore("noise", 0.1, accuracy - 0.02), *more))


def sample() -> Comparison:
    own = DisturbedScore("gradient", 0.05, 0.9, "gradient of the float network")
    through = DisturbedScore("gradient", 0.05, 0.85, "straight-through gradient")
    none = DisturbedScore("gradient", 0.05, None, "no gradient: t1: Trunc has no form.")
    moved = DisturbedScore("transfer", 0.05, 0.91, "samples attacked by the gradient of full")
    return Comparison(
        fpgacomp="0.1.0",
        test=TestSet("digits.npz", 434, 10, 0.0, 1.0, ("3 training samples were left out",)),
        candidates=(
            Candidate("full", "full.onnx", "float", scored(0.99, own, moved), cost(32),
                      notes=("is float: quantize first for the figures of a board.",)),
            Candidate("w4", "w4.onnx", "qonnx", scored(0.985, through, moved), cost(4),
                      board(31_000)),
            Candidate("w2", "w2.onnx", "qonnx", scored(0.97, none), cost(2),
                      board(61_000, fits=False)),
            Candidate("gone", "gone.onnx", "", notes=("not scored: gone.onnx: does not exist.",)),
        ),
        board="pynq-z2", board_title="TUL PYNQ-Z2", transfer_from="full",
    )  # fmt: skip


def printed(comparison: Comparison, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    render(comparison, Console(file=file, width=width))
    file.flush()
    return raw.getvalue().decode(encoding)


def test_terminal_fits_80_columns_and_cuts_no_figure() -> None:
    text = printed(sample())
    assert max(map(len, text.splitlines())) <= 80
    for words in (
        "in %, on 434 test samples of digits.npz", "99.00", "98.50", "97.00", "90.00", "91.00",
        "not scored", "gradient", "31,000", "no: LUT", "8.12 us", "quantize", "90 %", "32/32",
        "best by bytes of weights: w2, w4, full", "straight-through for w4.",
        "transfer: the samples that FGSM made from full.", "note: 3 training samples",
        "note: w2: no gradient: t1: Trunc has no form.", "gone.onnx: does not exist",
    ):  # fmt: skip
        assert words in text, words


def test_terminal_without_utf_8_and_with_wild_names() -> None:
    wild = replace(sample().candidates[1], name="gr\u00f6\u00dfe\x1b[31m[bold]")
    text = printed(replace(sample(), candidates=(wild,)), width=120, encoding="ascii")
    assert "gr??e [31m[bold]" in text and "\x1b" not in text


def test_json_contract() -> None:
    document = json.loads(to_json(sample()))
    assert {"fpgacomp", "test", "board", "seed", "transfer_from", "models", "pareto"} <= set(
        document
    )
    assert set(document["pareto"]) == set(MEASURES)
    assert [model["name"] for model in document["models"]] == ["full", "w4", "w2", "gone"]
    full, w4, w2, gone = document["models"]
    assert all(set(model) >= MODEL_KEYS for model in document["models"])
    assert set(w4["cost"]) >= COST_KEYS
    assert w4["accuracy"] == 0.985 and w4["cost"]["weight_bytes"] == 50
    assert w4["estimate"]["resources"]["lut"] == {"value": 31000, "low": 24800.0, "high": 62000}
    assert full["estimate"] is None and gone["accuracy"] is None and gone["cost"] is None
    assert w2["robustness"][1]["accuracy"] is None and "Trunc" in w2["robustness"][1]["note"]
    assert document["pareto"]["lut"] == ["w4"]
    assert to_json(sample()) == to_json(sample())


def test_json_has_no_infinity() -> None:
    endless = replace(board(1.0), latency_us=Figure(float("inf"), 1.0, float("inf")))
    candidate = replace(sample().candidates[1], board=endless)
    document = json.loads(to_json(replace(sample(), candidates=(candidate,))))
    latency = document["models"][0]["estimate"]["latency_us"]
    assert latency == {"value": None, "low": 1.0, "high": None}
    assert 'id="latency-us-title"' not in to_html(replace(sample(), candidates=(candidate,)))


def test_page_holds_all_and_opens_offline() -> None:
    page = to_html(sample())
    parsed = Page(page)
    for words in ("4 networks compared", "full", "w4", "w2", "gone", "31,000", "quantize\nfirst",
                  "no\ngradient", "gone.onnx: does not exist", "Hawks", "4-bit"):  # fmt: skip
        assert words in parsed.text, words
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object"}
    for _, attributes in parsed.tags:
        assert not {"src", "href", "onload", "onclick"} & set(attributes)
    outside = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|@import|url\(|data:", outside)


def test_drawings_are_svg_with_words_for_everybody() -> None:
    drawings = re.findall(r"<svg.*?</svg>", to_html(sample()), re.DOTALL)
    assert len(drawings) == 4
    space = "{http://www.w3.org/2000/svg}"
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("role") == "img"
        named = {element.get("id") for element in root.iter() if element.get("id")}
        assert set((root.get("aria-labelledby") or "").split()) == named and len(named) == 2
        for circle in root.iter(f"{space}circle"):
            assert LEFT <= float(circle.get("cx") or 0) <= WIDTH - RIGHT
            assert TOP <= float(circle.get("cy") or 0) <= HEIGHT - BOTTOM
    assert [drawing.count("<circle") for drawing in drawings] == [2, 3, 3, 2]


def test_names_are_escaped() -> None:
    wild = replace(sample().candidates[1], name=BAD, notes=(BAD,))
    page = to_html(replace(sample(), candidates=(wild,)))
    assert "<script" not in page and BAD in Page(page).text


def test_nothing_scored_on_the_board_makes_no_plot_of_it() -> None:
    alone = replace(sample(), candidates=sample().candidates[:1], board=None, board_title=None)
    assert plot(alone, "lut") is None
    page = to_html(alone)
    assert page.count("<svg") == 2 and "1 network compared" in page and "frames/s" not in page


def candidate(name: str, accuracy: float, lut: float) -> Candidate:
    return Candidate(name, "", "qonnx", scored(accuracy), cost(4), board(lut))


def test_front_by_hand() -> None:
    given = [
        candidate("dear", 0.99, 300), candidate("cheap", 0.9, 100), candidate("beaten", 0.9, 200),
        candidate("twin", 0.9, 100), candidate("worse", 0.98, 300), candidate("middle", 0.95, 200),
    ]  # fmt: skip
    assert pareto_front(given, "lut") == ("cheap", "twin", "middle", "dear")


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_front_is_all_that_nothing_beats(pairs: list[tuple[int, int]]) -> None:
    given_ = [candidate(str(i), a / 5, float(c)) for i, (a, c) in enumerate(pairs)]
    expected = {
        str(i)
        for i, (a, c) in enumerate(pairs)
        if not any(x >= a and y <= c and (x, y) != (a, c) for x, y in pairs)
    }
    assert set(pareto_front(given_, "lut")) == expected


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1e9, allow_subnormal=False)),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_marks_stay_in_the_frame(pairs: list[tuple[float, float]]) -> None:
    given_ = tuple(candidate(str(i), a, c) for i, (a, c) in enumerate(pairs))
    drawn = plot(replace(sample(), candidates=given_), "lut")
    assert drawn is not None
    shown = [number for mark in drawn.marks for number in mark.label.split(", ")]
    assert sorted(map(int, shown)) == list(range(1, len(pairs) + 1))
    for mark in drawn.marks:
        assert LEFT <= mark.x <= WIDTH - RIGHT and TOP <= mark.y <= HEIGHT - BOTTOM
    places = [float(text) for text in re.findall(r"[-0-9.e]+", drawn.front)]
    assert all(0 <= place <= WIDTH for place in places)


@pytest.mark.parametrize(
    ("costs", "logarithmic", "texts"),
    [
        ([100.0, 950.0], False, ["0", "200", "400", "600", "800", "1,000"]),
        ([100.0, 25_000.0], True, ["100", "1,000", "10 k", "100 k"]),
        ([0.0, 25_000.0], False, ["0", "5,000", "10 k", "15 k", "20 k", "25 k"]),
        ([0.0], False, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
    ],
)
def test_axes(costs: list[float], logarithmic: bool, texts: list[str]) -> None:
    axis, ticks = cost_axis(costs, "lut")
    assert axis.logarithmic == logarithmic
    assert [tick.text for tick in ticks] == texts
    assert axis.place(axis.low) == LEFT and axis.place(axis.high) == WIDTH - RIGHT


def test_accuracies_that_are_all_the_same() -> None:
    axis, ticks = score_axis([1.0, 1.0], METRICS["accuracy"])
    assert ticks[-1].text == "100 %" and axis.place(1.0) == TOP
    assert steps(96.5, 99.2) == [96, 97, 98, 99, 100]


def test_what_probably_fits_is_not_said_to_fit() -> None:
    unsure = Candidate("w3", "w3.onnx", "qonnx", board=board(40_000, certain=False))
    told = replace(sample(), candidates=(*sample().candidates, unsure))
    text = printed(told, 160)
    (line,) = [line for line in text.splitlines() if " w3 " in line and "40,000" in line]
    assert line.split()[2] == "probably"
    assert "probably: the estimate fits, and its high end does not" in text
    assert "probably" not in printed(sample(), 160)
    models = json.loads(to_json(told))["models"]
    certain = [model["estimate"] and model["estimate"]["certain"] for model in models]
    assert certain == [None, True, False, None, False]
