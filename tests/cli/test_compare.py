"""`fpgacomp compare`: two builds side by side, as text, JSON and a page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fpgacomp.cli.app import app
from fpgacomp.report.json_report import to_json
from fpgacomp.results.report import Report
from tests.support import report_samples as samples

WIDE = {"COLUMNS": "160", "TERM": "dumb"}


def build(folder: Path, report: Report) -> str:
    folder.mkdir()
    (folder / "report.json").write_text(to_json(report), encoding="utf-8")
    return str(folder)


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    """One that fits, and one that needs five times the LUTs and has one layer less."""
    large = samples.does_not_fit()
    return (
        build(tmp_path / "small", samples.fits()),
        build(tmp_path / "large", replace(large, layers=large.layers[:-1])),
    )


def row(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.strip().startswith(f"{name} ")]
    return line.removeprefix(f"  {name} ").split()


def test_what_differs_and_by_how_much(two: tuple[str, str]) -> None:
    result = CliRunner().invoke(app, ["compare", *two], env=WIDE)
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert row(text, "fits") == ["yes", "no"]
    assert row(text, "LUT") == ["22,400", "110,860", "+395", "%"]
    assert row(text, "FF") == ["31,000", "31,000"]
    assert row(text, "C-simulation mismatches") == ["0", "-"]
    assert row(text, "float32") == ["97.22", "%", "-"]
    assert row(text, "fc: LUT") == ["3,100", "-"]
    for section in ("verdict", "speed", "resources", "exactness", "accuracy", "layers"):
        assert f"\n{section} " in text


def test_json_is_one_document(two: tuple[str, str]) -> None:
    result = CliRunner().invoke(app, ["compare", *two, "--json"])
    found = json.loads(result.stdout)
    assert (found["first"], found["second"]) == two
    by_name = {aspect["name"]: aspect for aspect in found["aspects"]}
    assert by_name["LUT"]["second"] == 110_860 and by_name["LUT"]["change"] > 3.9
    assert by_name["fits"] == {
        "section": "verdict", "name": "fits", "first": True, "second": False, "change": None,
    }  # fmt: skip


def test_the_page_escapes_names(two: tuple[str, str], tmp_path: Path) -> None:
    bad = samples.fits()
    bad = replace(bad, model=replace(bad.model, name="<script>alert(1)</script>"))
    third = build(tmp_path / "bad", bad)
    page = tmp_path / "builds.html"
    result = CliRunner().invoke(app, ["compare", two[0], third, "--html", str(page)])
    assert result.exit_code == 0, result.output
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "&lt;script&gt;" in text and "Resources" in text


def test_layers_with_other_foldings_show_them(tmp_path: Path) -> None:
    report = samples.fits()
    first, *rest = report.layers
    other = replace(report, layers=(replace(first, folding={"pe": 4}), *rest))
    one, two = build(tmp_path / "one", report), build(tmp_path / "two", other)
    text = CliRunner().invoke(app, ["compare", one, two], env=WIDE).stdout
    assert row(text, "x: folding") == ["-", "pe", "4"]
    assert text.count(": folding") == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "holds no report.json"),
        ("{", "cannot be read"),
        ("[]", "is no report of fpgacomp"),
        ('{"fpgacomp": "1"}', "is no report of fpgacomp"),
    ],
)
def test_a_folder_that_is_no_build(
    content: str | None, why: str, two: tuple[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    if content is not None:
        (folder / "report.json").write_text(content, encoding="utf-8")
    result = CliRunner().invoke(app, ["compare", two[0], str(folder)], env=WIDE)
    assert result.exit_code == 2
    assert why in result.stderr and "name a folder that `fpgacomp compile` wrote" in result.stderr


def test_a_page_in_no_folder_is_usage(two: tuple[str, str], tmp_path: Path) -> None:
    page = tmp_path / "none" / "builds.html"
    result = CliRunner().invoke(app, ["compare", *two, "--html", str(page)])
    assert result.exit_code == 2 and "its folder does not exist" in " ".join(result.stderr.split())
