"""`fpgacomp compare`: two builds side by side, as text, JSON and a page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fpgacomp.cli.app import app
from fpgacomp.report.json_report import to_json
from fpgacomp.results.estimate import Figure
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


def test_what_probably_fits_is_not_said_to_fit(tmp_path: Path) -> None:
    """The headline's PROBABLY FITS; an older report.json says nothing of it."""
    report = samples.fits()
    unsure = samples.with_figures(report, lut=Figure(40_000, 33_000, 54_000))
    one, two = build(tmp_path / "one", report), build(tmp_path / "two", unsure)
    text = CliRunner().invoke(app, ["compare", one, two], env=WIDE).stdout
    assert row(text, "fits") == ["yes", "probably"] and "certain" not in text
    path = tmp_path / "one" / "report.json"
    old = json.loads(path.read_text(encoding="utf-8"))
    del old["verdict"]["certain"]
    path.write_text(json.dumps(old), encoding="utf-8")
    text = CliRunner().invoke(app, ["compare", two, one], env=WIDE).stdout
    assert row(text, "fits") == ["probably", "yes"]


def test_folders_and_figures_are_readable(tmp_path: Path) -> None:
    """Folder names stay whole, keys of report.json have words, and counts have no decimals."""
    report = samples.fits()
    task = {"task": "classes", "task_found": "one class of 10", "held_out_of": "digits.npz"}
    report = samples.with_figures(replace(report, task=task), lut=Figure(42.37, 40.0, 50.0))
    folder = tmp_path / f"a-folder-with-a-name-{'x' * 60}"
    one = build(folder, report)
    text = CliRunner().invoke(app, ["compare", one, one], env={"COLUMNS": "80"}).stdout
    assert text.splitlines()[:2] == [f"first:  {one}", f"second: {one}"]
    assert "held_out_of" not in text and "task_found" not in text
    assert row(text, "samples held out of") == ["digits.npz"] * 2
    assert row(text, "LUT") == ["42", "42"] and row(text, "latency in us") == ["8.12", "8.12"]


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
