"""`fpgacomp build` for a board of AMD: folders, exit codes, and what a later run replaces."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fpgacomp.bitstream.job import BuildOptions
from fpgacomp.errors import ToolError, UsageError
from fpgacomp.flows.bring import bring_bitstream
from fpgacomp.flows.build import build as build_own
from fpgacomp.report.bitstream_folder import BitstreamManifest
from tests.support.tiny_builds import tiny_build
from tests.support.vendor_files import bit
from tests.support.vivado.program import install

pytestmark = pytest.mark.slow

SCRIPTS = BuildOptions(scripts_only=True)
build = partial(build_own, trust=True)
bring = partial(bring_bitstream, trust=True)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_build(tmp_path_factory.mktemp("tiny"), "pynq-z2", 100.0)


@pytest.fixture
def folder(compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return Path(shutil.copytree(compiled, tmp_path / "build"))


def test_without_vivado_the_scripts_are_there_and_the_run_fails(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ToolError, match=rf"only the scripts were written, to {folder}/bitstream"):
        build(folder)
    assert (folder / "bitstream/build.tcl").is_file()
    assert before == {path: path.read_bytes() for path in before}
    manifest = BitstreamManifest.of(folder / "bitstream")
    assert manifest is not None and manifest.edited(folder / "bitstream") == []


def test_scripts_alone_are_no_failure_and_come_out_the_same(folder: Path) -> None:
    found = build(folder, options=SCRIPTS)
    assert found.met and found.summary()["status"] == "scripts"
    written = (folder / "bitstream/manifest.json").read_bytes()
    report = json.loads((folder / "bitstream/report.json").read_bytes())
    assert report["map"][0]["offset"] == 0x43C0_0000 and report["bitstream"] is None
    again = build(folder, options=SCRIPTS)
    assert again.summary()["steps"] == report["steps"]
    files = json.loads(written)["files"]
    later = json.loads((folder / "bitstream/manifest.json").read_bytes())["files"]
    assert {**files, "report.json": ""} == {**later, "report.json": ""}  # which has the seconds


def test_the_preset_is_in_the_commands_of_the_scripts_and_stays(folder: Path) -> None:
    """It is of the machine that has Vivado, which is mostly not the one that writes the scripts."""
    found = build(folder, options=replace(SCRIPTS, preset="minimal"))
    (step,) = found.summary()["steps"]
    assert step["command"].endswith("-source build.tcl -tclargs preset=minimal")
    for name in ("README.md", "Makefile"):
        assert "build.tcl -tclargs preset=minimal" in (folder / "bitstream" / name).read_text()
    (folder / "x.bit").write_bytes(bit("tiny_system_wrapper", "7z020clg400"))
    brought = bring(folder, folder / "x.bit")
    assert brought.summary()["preset"] == "minimal"
    assert "preset=minimal" in (folder / "bitstream/Makefile").read_text()


@pytest.mark.parametrize(
    ("board", "options", "why"),
    [
        ("pynq-z2", {"seeds": 3}, "--seeds 3: is not there for pynq-z2: Vivado places"),
        ("pynq-z2", {"all_seeds": True}, "--all-seeds: is not there for pynq-z2"),
        ("pynq-z2", {"baud": 9600}, "--baud 9600: .* it has no serial host link"),
        ("arty-a7-35t", {"preset": "minimal"}, "--preset minimal: .* it has no processing system"),
        ("icebreaker", {"preset": "minimal"}, "--preset minimal: .* it has no processing system"),
    ],
)
def test_an_option_of_other_boards_is_refused(
    board: str, options: dict[str, Any], why: str, tmp_path: Path
) -> None:
    made = tiny_build(tmp_path, board, 24.0)
    with pytest.raises(UsageError, match=why):
        build(made, options=BuildOptions(**options))
    assert not (made / "bitstream").exists()


def test_the_rate_of_a_serial_link_stands_in_the_report(tmp_path: Path) -> None:
    made = tiny_build(tmp_path, "arty-a7-35t", 100.0)
    for options, baud in ((SCRIPTS, 3_000_000), (replace(SCRIPTS, baud=115_200), 115_200)):
        build(made, options=options)
        report = json.loads((made / "bitstream/report.json").read_bytes())
        assert report["host_link"] == {"kind": "uart", "baud": baud}


def test_a_run_of_vivado_replaces_the_scripts_and_keeps_its_own_project(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(folder, options=SCRIPTS)
    (folder / "bitstream/project").mkdir()
    (folder / "bitstream/project/by_hand").write_text("kept")
    pytest.importorskip("tkinter", reason="this Python has no Tcl interpreter")
    install(tmp_path / "bin", ("vivado",))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    found = build(folder)
    assert found.met and (folder / "bitstream/tiny.bit").read_text() == "bit"
    assert (folder / "bitstream/project/by_hand").read_text() == "kept"
    monkeypatch.setenv("FAKE_TOOLS", json.dumps({"setup": "-1"}))
    slow = build(folder)
    assert not slow.met and slow.folder.name == "bitstream.failed"
    assert (slow.folder / "reports/worst_setup.rpt").is_file()
    assert (folder / "bitstream/tiny.bit").is_file()
