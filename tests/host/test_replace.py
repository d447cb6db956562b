"""Replacing a folder: old or new whatever happens, and the user's own files in either."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fpgacomp.errors import FileSystemError, FpgacompError, UsageError
from fpgacomp.host.disk import Disk
from fpgacomp.host.replace import recover, replace_folder
from tests.support.paths import REPOSITORY

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


class Failing(Quick):
    """A file system on which the operation with a given number fails, and all behind it."""

    def __init__(self, at: int, number: int, *, exchange: bool) -> None:
        self.left, self.number, self.can_exchange = at, number, exchange

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(self.number, os.strerror(self.number))

    def make(self, folder: Path) -> None:
        self._count()
        super().make(folder)

    def write(self, path: Path, content: bytes) -> None:
        self._count()
        super().write(path, content)

    def settle(self, folder: Path) -> None:
        self._count()
        super().settle(folder)

    def share(self, source: Path, target: Path) -> None:
        self._count()
        super().share(source, target)

    def rename(self, source: Path, target: Path) -> None:
        self._count()
        super().rename(source, target)

    def exchange(self, one: Path, other: Path) -> bool:
        self._count()
        return self.can_exchange and super().exchange(one, other)

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)


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
                target, NEW, owned=lambda: OLD, disk=Failing(at, number, exchange=exchange)
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
            replace_folder(target, NEW, disk=Failing(at, errno.ENOSPC, exchange=True))
        except FileSystemError:
            recover(target)
        assert not target.exists() or content(target) == NEW


# Writes A and B in turn, for ever; the user's own files stand in the folder.
WRITER = """
import sys
from pathlib import Path
from fpgacomp.host.disk import Disk
from fpgacomp.host.replace import replace_folder

target, two_steps = Path(sys.argv[1]), sys.argv[2] == "two"


class TwoSteps(Disk):
    def exchange(self, one, other):
        return False


def owned():
    listed = target / "listed.txt"
    return [*listed.read_text().split(), "listed.txt"] if listed.is_file() else ["report.json"]


def build(letter):
    names = [f"{letter}/{n}.txt" for n in range(6)] + ["report.json"]
    files = {name: letter.encode() * 2000 for name in names}
    return files | {"listed.txt": "\\n".join(names).encode()}

print("ready", flush=True)
rounds = int(sys.argv[3])
while rounds:
    rounds -= 1
    for letter in "ab":
        replace_folder(target, build(letter), owned=owned, disk=TwoSteps() if two_steps else Disk())
"""


def writer(target: Path, how: str, rounds: int) -> subprocess.Popen[str]:
    """A process that replaces the folder again and again."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target), how, str(rounds)],
        stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def is_whole(target: Path) -> bool:
    """The folder holds build A or build B, and the user's own file."""
    found = content(target)
    letter = found["report.json"][:1].decode()
    names = {f"{letter}/{n}.txt" for n in range(6)} | {"report.json", "listed.txt", "own.rpt"}
    right = all(len(text) == 2000 for name, text in found.items() if name.endswith("0.txt"))
    return set(found) == names and found["own.rpt"] == b"hours" and right


@pytest.mark.slow
@pytest.mark.parametrize("how", ["one", "two"])
def test_killed_at_random_moments(tmp_path: Path, how: str) -> None:
    target = tmp_path / "build"
    replace_folder(target, {"report.json": b"a"})
    (target / "own.rpt").write_bytes(b"hours")
    writer(target, how, 1).wait()
    chance = random.Random(1)
    for _ in range(25):
        process = writer(target, how, -1)
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        recover(target)
        assert is_whole(target)
        assert [path.name for path in tmp_path.iterdir()] == ["build"]


@pytest.mark.slow
@pytest.mark.parametrize("writers", [2, 8])
def test_writers_at_once(tmp_path: Path, writers: int) -> None:
    target = tmp_path / "build"
    replace_folder(target, {"report.json": b"a"})
    (target / "own.rpt").write_bytes(b"hours")
    processes = [writer(target, "one", 10) for _ in range(writers)]
    assert [process.wait() for process in processes] == [0] * writers
    assert is_whole(target) and [path.name for path in tmp_path.iterdir()] == ["build"]


def test_a_refusal_of_the_owner_changes_nothing(tmp_path: Path) -> None:
    target = built(tmp_path)
    before = content(target)

    def refuse() -> list[str]:
        raise UsageError("hls/top.cpp", "was edited.", "move it.")

    with pytest.raises(FpgacompError, match="was edited"):
        replace_folder(target, NEW, owned=refuse)
    assert content(target) == before
