"""report.html in headless Chromium: nothing overflows, nothing is cut, every text can be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fpgacomp.flows.compare import compare
from fpgacomp.report import builds
from fpgacomp.report.html import to_html
from fpgacomp.report.json_report import to_json
from fpgacomp.results.report import Report
from tests.support import report_samples as samples
from tests.support.browser import Layout, Scheme, find_chromium, lay_out

CHROMIUM = find_chromium()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"
    ),
]
WIDTHS = (390, 1280)
LEAST_CONTRAST = 4.5  # WCAG 2.1, level AA, for text of ordinary size


def with_long_names() -> Report:
    """Layers, folder and model with names that offer no place to break a line."""
    report = samples.fits()
    names = {layer.name: f"{layer.name}_" + "features_0_block" * 4 for layer in report.layers}
    layers = tuple(
        replace(layer, name=names[layer.name], inputs=tuple(names[name] for name in layer.inputs))
        for layer in report.layers
    )
    model = replace(report.model, name="m" * 90, file="f" * 90)
    return replace(report, layers=layers, model=model, folder="d" * 90)


def unsure() -> Report:
    """A design that fits, but not at the upper end of its estimate."""
    return samples.with_figures(samples.fits(), lut=samples.around(40_000, 0.8, 1.4))


def two_builds(folder: Path) -> str:
    """The page of `fpgacomp compare`."""
    for name in ("fits", "does_not_fit"):
        report: Report = getattr(samples, name)()
        (folder / name).mkdir()
        (folder / name / "report.json").write_text(to_json(report), encoding="utf-8")
    return builds.to_html(compare(folder / "fits", folder / "does_not_fit"))


REPORTS = {
    "fits": samples.fits(),
    "unsure": unsure(),
    "does not fit": samples.does_not_fit(),
    "is wrong": samples.is_wrong(),
    "many layers": samples.many_layers(),
    "long names": with_long_names(),
}
Layouts = dict[tuple[str, int], Layout]


@pytest.fixture(scope="module", params=["light", "dark"])
def laid_out(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Scheme, Layouts]:
    assert CHROMIUM is not None
    pages = {name: to_html(report) for name, report in REPORTS.items()}
    pages["two builds"] = two_builds(tmp_path_factory.mktemp("builds"))
    folder = tmp_path_factory.mktemp("chromium")
    scheme: Scheme = request.param
    return scheme, lay_out(CHROMIUM, pages, widths=WIDTHS, scheme=scheme, folder=folder)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*REPORTS, "two builds"])
def test_it_can_be_read(name: str, width: int, laid_out: tuple[Scheme, Layouts]) -> None:
    scheme, layouts = laid_out
    layout = layouts[name, width]
    assert layout.dark == (scheme == "dark") and layout.client_width == width
    assert layout.scroll_width <= layout.client_width
    assert not layout.cut and not layout.covered
    assert len(layout.texts) > 50
    pale = [text for text in layout.texts if text[1] < LEAST_CONTRAST]
    assert not pale


def test_faults_are_found(tmp_path: Path) -> None:
    """The measurement itself sees overflow, cut cells and pale text."""
    assert CHROMIUM is not None
    page = (
        "<!DOCTYPE html><body style='background:#fff'><p style='color:#c98a00'>pale</p>"
        "<table style='table-layout:fixed;width:100px'><tr><td style='overflow:hidden'>"
        "<div style='width:700px'>wide</div></td></tr></table></body>"
    )
    (layout,) = lay_out(
        CHROMIUM, {"bad": page}, widths=(390,), scheme="light", folder=tmp_path
    ).values()
    assert ("pale", 2.95) in layout.texts
    assert "cell wide" in layout.cut
    wide = page.replace("overflow:hidden", "")
    (layout,) = lay_out(
        CHROMIUM, {"bad": wide}, widths=(390,), scheme="light", folder=tmp_path
    ).values()
    assert layout.scroll_width > layout.client_width
