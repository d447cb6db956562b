"""The build directory: what may be written over, what is kept, what is read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fpgacomp.errors import FileSystemError, UsageError
from fpgacomp.network.canonical import Network
from fpgacomp.report.folder import check_free, read_build, replace_folder
from fpgacomp.report.manifest import MANIFEST, MAX_BYTES, Manifest, with_manifest
from fpgacomp.results.project import Project

NETWORK = Network("net", None, None, "qonnx", "net.onnx", "0" * 64)  # type: ignore[arg-type]


def project(text: bytes, *more: str) -> Project:
    """A small build with its manifest."""
    files = {"report.json": text, "hls/top.cpp": text, **dict.fromkeys(more, text)}
    return with_manifest(Project(files), NETWORK, {}, "stream")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build directory of ours."""
    folder = tmp_path / "build"
    replace_folder(project(b"one", "hls/gone.h"), folder)
    return folder


def test_a_build_replaces_a_build_and_keeps_own_files(build: Path) -> None:
    (build / "hls" / "solution1").mkdir()
    (build / "hls" / "solution1" / "syn.rpt").write_text("hours")
    check_free(build)
    replace_folder(project(b"two"), build)
    assert (build / "hls" / "top.cpp").read_bytes() == b"two"
    assert (build / "hls" / "solution1" / "syn.rpt").read_text() == "hours"
    assert not (build / "hls" / "gone.h").exists()


def test_an_edited_file_stops_the_run_before_it_starts(build: Path) -> None:
    (build / "hls" / "top.cpp").write_text("my pragma")
    with pytest.raises(UsageError, match=r"hls/top\.cpp: was edited since fpgacomp wrote it"):
        check_free(build)
    with pytest.raises(UsageError, match="was edited"):
        replace_folder(project(b"two"), build)
    assert (build / "hls" / "top.cpp").read_text() == "my pragma"


def test_a_file_that_became_a_link_counts_as_edited(build: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.cpp"
    mine.write_bytes(b"one")
    (build / "hls" / "top.cpp").unlink()
    (build / "hls" / "top.cpp").symlink_to(mine)
    with pytest.raises(UsageError, match="was edited"):
        check_free(build)


@pytest.mark.parametrize(
    "text",
    [
        '{"files": {}}',
        '{"name": "some web app", "files": {"index.html": "x"}}',
        '{"files": {"../../x": "0"}, "fpgacomp_build": 1}',
        '{"files": {"/etc/passwd": "0"}, "fpgacomp_build": 1}',
        "[" * 100_000,
        "not json",
        '{"files": [], "fpgacomp_build": 1}',
    ],
)
def test_a_manifest_of_somebody_else_protects_its_folder(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / MANIFEST).write_text(text)
    (folder / "work.txt").write_text("mine")
    with pytest.raises(UsageError, match="something that fpgacomp did not write"):
        check_free(folder)
    with pytest.raises(UsageError):
        replace_folder(project(b"two"), folder)
    assert (folder / "work.txt").read_text() == "mine"
    with pytest.raises(UsageError, match="is no build directory"):
        read_build(folder)


def test_what_is_no_build_says_where_the_build_is(build: Path) -> None:
    model = build.parent / "net.onnx"
    model.write_bytes(b"a network")
    for place, fix in (
        (build / "hls", f"name the build folder that it lies in: {build}"),
        (build / "hls" / "top.cpp", f"name the build folder that it lies in: {build}"),
        (model, f"compile it: `fpgacomp compile {model} --board BOARD --out DIR`"),
        (build.parent, "name the folder that `fpgacomp compile --out` wrote"),
        (build / "nowhere", "name the folder that `fpgacomp compile --out` wrote"),
    ):
        with pytest.raises(UsageError, match="is no build directory") as caught:
            read_build(place)
        assert caught.value.fix.startswith(fix)


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "huge"
    folder.mkdir()
    with (folder / MANIFEST).open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert Manifest.of(folder) is None


def test_a_build_of_0_1_0_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    content = {"files": {}, "model": {}, "options": {}, "tools": {"fpgacomp": "0.1.0"}}
    (folder / MANIFEST).write_text(json.dumps(content))
    found = Manifest.of(folder)
    assert found is not None and found.schema == 0
    check_free(folder)


def test_a_newer_build_is_refused_in_one_sentence(build: Path) -> None:
    content = json.loads((build / MANIFEST).read_text())
    content["fpgacomp_build"] = 99
    (build / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(UsageError, match="was written by a newer fpgacomp"):
        read_build(build)


def test_a_build_without_its_graph_is_damaged(build: Path) -> None:
    with pytest.raises(UsageError, match="is damaged"):
        read_build(build)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_rights_is_refused_before_the_work(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileSystemError, match="cannot be written"):
        check_free(tmp_path / "build")
    tmp_path.chmod(0o700)


def test_a_build_of_any_size_is_refused_before_it_is_read(build: Path) -> None:
    with (build / "hls" / "top.cpp").open("r+b") as file:
        file.truncate(1 << 40)  # a hole, which takes no room
    with pytest.raises(UsageError, match="more than any build"):
        read_build(build)
