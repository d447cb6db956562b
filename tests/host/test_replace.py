"""Replacing a folder: old or new whatever happens, and the user's own files in either.

tests/harness kills writers, and lets many run at once.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fpgacomp.errors import FileSystemError, FpgacompError, UsageError
from fpgacomp.host.disk import Disk
from fpgacomp.host.replace import recover, replace_folder
from tests.harness.disks import Fault, FaultyDisk

OLD = {"report.json": b"old", "hls/top.cpp": b"old top", "hls/weights/w1.h": b"1"}
NEW = {"report.json": b"new", "hls/top.cpp": b"new top", "hls/weights/w2.h": b"2", "rtl/x.sv": b"x"}
OWN = {"notes.txt": b"mine", "hls/solution1/syn.rpt": b"hours of synthesis", "rtl/mine.sv": b"m"}


def content(folder: Path) -> dict[str, bytes]:
    """Path -> content of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def built(tmp_path: Path, *, own: bool = True) -> Path:
    """A folder that holds the old build and the user's own files."""
    target = tmp_path / "build"
    replace_folder(target, OLD, disk=Quick())
    for path, text in OWN.items() if own else ():
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text)
    return target


class Quick(Disk):
    """The real file system without waiting for the disk, which these tests do not pull out."""

    def sync(self, handle: int) -> None:
        pass


class TwoSteps(Quick):
    """A file system that cannot exchange two folders."""

    def exchange(self, one: Path, other: Path) -> bool:
        return False


@pytest.mark.parametrize("disk", [Disk, Quick, TwoSteps])
def test_listed_files_are_replaced_and_own_files_kept(
    tmp_path: Path, disk: Callable[[], Disk]
) -> None:
    target = built(tmp_path)
    replace_folder(target, NEW, owned=lambda: OLD, disk=disk())
    assert content(target) == NEW | OWN
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_links_and_empty_folders_of_the_user_stay(tmp_path: Path) -> None:
    target = built(tmp_path)
    (target / "hls" / "empty").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.txt").write_text("kept")
    (target / "link").symlink_to(elsewhere)
    replace_folder(target, NEW, owned=lambda: OLD)
    assert (target / "link").is_symlink() and (target / "hls" / "empty").is_dir()
    assert (elsewhere / "kept.txt").read_text() == "kept"


@pytest.mark.parametrize("path", ["rtl/x.sv", "rtl", "hls/weights/w2.h/below"])
def test_a_file_in_the_way_stops_the_run(tmp_path: Path, path: str) -> None:
    target = built(tmp_path, own=False)
    place = target / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"mine")
    before = content(target)
    with pytest.raises(UsageError, match="is a file of your own where the build writes"):
        replace_folder(target, NEW, owned=lambda: OLD)
    assert content(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


@pytest.mark.slow
@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.ENOENT])
def test_whatever_fails_old_or_new_stands_there(
    tmp_path: Path, number: int, exchange: bool
) -> None:
    old, new = OLD | OWN, NEW | OWN
    for at in range(200):
        folder = tmp_path / str(at)
        folder.mkdir()
        target = built(folder)
        try:
            replace_folder(
                target,
                NEW,
                owned=lambda: OLD,
                disk=FaultyDisk(Fault(at, "error", number, exchange=exchange)),
            )
        except FileSystemError as error:
            assert os.strerror(number) in str(error)
        recover(target)
        assert content(target) in (old, new), f"operation {at}"
        assert [path.name for path in folder.iterdir()] == ["build"]
        if at > 60:
            break


def test_the_first_build_is_there_or_not(tmp_path: Path) -> None:
    for at in range(40):
        folder = tmp_path / str(at)
        folder.mkdir()
        target = folder / "build"
        try:
            replace_folder(target, NEW, disk=FaultyDisk(Fault(at, "error")))
        except FileSystemError:
            recover(target)
        assert not target.exists() or content(target) == NEW


def test_a_refusal_of_the_owner_changes_nothing(tmp_path: Path) -> None:
    target = built(tmp_path)
    before = content(target)

    def refuse() -> list[str]:
        raise UsageError("hls/top.cpp", "was edited.", "move it.")

    with pytest.raises(FpgacompError, match="was edited"):
        replace_folder(target, NEW, owned=refuse)
    assert content(target) == before
