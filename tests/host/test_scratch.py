"""Folders for the time of a run: gone at its end, and gone at the next run where it was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fpgacomp.errors import FileSystemError
from fpgacomp.host.scratch import remove_leftovers, scratch_folder

RUN = """
import sys, time
from fpgacomp.host.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "netlist").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def started() -> tuple[subprocess.Popen[str], Path]:
    """A run that is at work in its folder."""
    run = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    return run, Path(run.stdout.readline().strip())


def killed() -> Path:
    """The folder of a run that was killed."""
    run, folder = started()
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert (folder / "netlist").is_file()
    return folder.parent


def test_the_folder_is_empty_and_goes_with_the_run(place: Path) -> None:
    with scratch_folder() as folder:
        assert folder.is_relative_to(place.resolve()) and not list(folder.iterdir())
        (folder / "x").write_text("x")
    assert not list(place.iterdir())


def test_the_next_run_removes_what_a_killed_one_left(place: Path) -> None:
    left = killed()
    with scratch_folder():
        assert not left.exists()


def test_a_run_at_work_keeps_its_folder(place: Path) -> None:
    run, folder = started()
    try:
        remove_leftovers(place)
        assert (folder / "netlist").is_file()
    finally:
        run.kill()
        run.communicate()


@pytest.mark.slow
def test_what_is_not_known_to_be_a_dead_run_s_stays(place: Path) -> None:
    """Another name, no owner, another owner's words, a link, or a process that lives."""
    left = killed()
    renamed = left.rename(place / "fpgacomp-build-abcdefgh")
    (place / "fpgacomp-run-nobody12").mkdir()
    damaged = place / "fpgacomp-run-damaged1"
    damaged.mkdir()
    (damaged / "owner.json").write_text("[1]")
    living = killed()
    (living / "owner.json").write_text(json.dumps({"fpgacomp_scratch": 1, "pid": os.getpid()}))
    group = killed_with_pid(-1)
    kept = place / "kept"
    kept.mkdir()
    dead = killed()
    target = place / "elsewhere"
    dead.rename(target)
    (place / "fpgacomp-run-linked12").symlink_to(target)
    before = set(place.iterdir())
    remove_leftovers(place)
    assert set(place.iterdir()) == before and {renamed, living, group, target} <= before
    assert (target / "work" / "netlist").is_file()


def killed_with_pid(pid: int) -> Path:
    folder = killed()
    (folder / "owner.json").write_text(json.dumps({"fpgacomp_scratch": 1, "pid": pid}))
    return folder


def test_a_folder_that_somebody_clears_is_told(place: Path) -> None:
    told = "was removed while the run was at work"
    with pytest.raises(FileSystemError, match=told), scratch_folder() as folder:
        folder.rmdir()
        (folder / "x").read_text()
    with pytest.raises(FileNotFoundError), scratch_folder() as folder:
        (folder / "x").read_text()


def test_a_folder_that_is_not_there_is_told_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with pytest.raises(FileSystemError, match="TMPDIR says that temporary files go there") as told:
        scratch_folder().__enter__()
    assert "mkdir -p" in told.value.fix and told.value.exit_code == 3


def test_a_folder_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """/proc takes no folder, not even of root."""
    if not Path("/proc/self").exists():
        pytest.skip("this system has no /proc")
    monkeypatch.setenv("TMPDIR", "/proc")
    with pytest.raises(FileSystemError, match="holds no temporary files") as told:
        scratch_folder().__enter__()
    assert "set TMPDIR" in told.value.fix
