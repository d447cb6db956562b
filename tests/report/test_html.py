from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fpgacomp.report.html import to_html
from fpgacomp.results.estimate import Figure
from fpgacomp.results.report import Report
from tests.support import report_samples as samples

ALL = [samples.fits, samples.does_not_fit, samples.is_wrong, samples.many_layers]
VOID = {"meta", "br", "hr", "rect", "path", "img", "link", "input"}


class Page(HTMLParser):
    """Checks that tags nest; keeps tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("sample", ALL[:2])
def test_golden(sample: Callable[[], Report], golden: Callable[[Path, str], None]) -> None:
    golden(samples.GOLDEN / f"{sample.__name__}.html", to_html(sample()))


@pytest.mark.parametrize("sample", ALL)
def test_it_opens_offline(sample: Callable[[], Report]) -> None:
    page = to_html(sample())
    parsed = Page(page)
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object"}
    for _, attributes in parsed.tags:
        assert not {"src", "href", "xlink:href", "onload", "onclick"} & set(attributes)
    assert not re.search(r"https?:|@import|url\(|data:", page)
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize("sample", ALL)
def test_drawings_stay_in_their_frame(sample: Callable[[], Report]) -> None:
    shapes = 0
    for tag, attributes in Page(to_html(sample())).tags:
        if tag == "svg":
            width, height = map(float, (attributes["viewbox"] or "").split()[2:])
        if tag == "rect":
            shapes += 1
            x, y, wide, high = (
                float(attributes[key] or -1) for key in ("x", "y", "width", "height")
            )
            assert min(x, y, wide, high) >= 0
            assert x + wide <= width + 0.01 and y + high <= height + 0.01
        if tag == "path":
            places = re.findall(r"([MHV])([0-9.]+)", attributes["d"] or "")
            assert places
            assert all(0 <= float(p) <= (height if way == "V" else width) for way, p in places)
    assert shapes


def test_everything_is_in_it() -> None:
    text = Page(to_html(samples.fits())).text
    for words in (
        "FITS TUL PYNQ-Z2", "8.12 µs", "391 k", "46 %", "22,400 of 48,200", "17,920..28,000",
        "C-simulation vs integer graph: 0 mismatches in 5,194,000 integers, 1,000 vectors",
        "not run: RTL simulation", "Softmax", "97.22 %", "conv2", "reuse 8, resource", "proved",
        "2 values of 5,194,000 lie on a rounding border", "io_parallel would need 2.6 times",
        "io_type", "digits_cnn.onnx", "xc7z020clg400-1", "fpgacomp 0.1.0", "DS190 table 1",
    ):  # fmt: skip
        assert words in text, words


def test_remedies_and_the_overflow_are_shown() -> None:
    page = to_html(samples.does_not_fit())
    text = Page(page).text
    assert "DOES NOT FIT" in text and "--board zcu104: 50 % of its LUTs." in text
    assert "230 %" in text
    assert 'class="end"' in page and 'class="over"' in page
    assert 'class="end"' not in to_html(samples.fits())


def test_all_layers_of_a_long_network() -> None:
    text = Page(to_html(samples.many_layers(40))).text
    assert all(f"layer{place}\n" in text or f"layer{place}" in text for place in range(40))


def test_what_is_absent_has_no_heading() -> None:
    text = Page(to_html(samples.does_not_fit())).text
    assert "Accuracy" not in text and "Warnings" not in text
    assert "Accuracy" in Page(to_html(samples.fits())).text


def test_names_from_the_network_are_escaped() -> None:
    report = samples.fits()
    bad = "<script>alert(1)</script>"
    report = replace(report, model=replace(report.model, name=bad), warnings=(f'"{bad}',))
    page = to_html(report)
    assert "<script" not in page
    assert bad in Page(page).text


def test_the_slowest_layer_is_marked() -> None:
    page = to_html(samples.fits())
    assert page.count('<div class="bar slowest">') == 1
    assert re.search(r'<div class="bar slowest">\s*<b>conv2</b>', page)


def test_where_all_are_equally_slow_none_is_marked() -> None:
    assert "slowest" not in to_html(samples.many_layers(3)).split("<body>")[1]


def test_nested_options_are_flat_and_sorted() -> None:
    report = replace(samples.fits(), options={"b": {"y": 1, "x": None}, "a": "z"})
    names = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", to_html(report))
    assert [item for item in names if item[0] in ("a", "b.x", "b.y")] == [
        ("a", "z"), ("b.x", "not given"), ("b.y", "1"),
    ]  # fmt: skip


def test_a_board_that_has_none_of_a_resource_and_no_layers() -> None:
    report = samples.fits()
    report = replace(samples.with_figures(report, uram=Figure(4, 3, 5)), layers=())
    assert "none on board" in Page(to_html(report)).text
