"""No lost work, in a few seeded rounds; `python -m tests.harness` runs as many as are asked for."""

from __future__ import annotations

import errno
import random
from pathlib import Path

import pytest

from fpgacomp.errors import FileSystemError
from fpgacomp.host import replace
from fpgacomp.report.folder import check_free, replace_folder

pytest.importorskip("fcntl", reason="the lock, fork and SIGKILL are those of POSIX")

from tests.harness import compiles, rounds
from tests.harness.disks import Fault, FaultyDisk
from tests.harness.world import World, project
from tests.support.depth import deep, draws


@pytest.mark.slow
@pytest.mark.parametrize("kind", rounds.KINDS)
def test_no_work_is_lost(tmp_path: Path, kind: str) -> None:
    for number in range(draws(5, 12)):
        rounds.KINDS[kind](random.Random(number), tmp_path / str(number))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kill", deep("full"), deep("concurrent")])
def test_no_work_of_whole_compiles_is_lost(tmp_path: Path, kind: str) -> None:
    compiles.KINDS[kind](random.Random(kind), tmp_path / "round")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["full", "short write"])
def test_a_disk_that_fills_up_at_any_operation(tmp_path: Path, what: str) -> None:
    for at in range(0, 90, 7):
        fault = Fault(at, what, errno.EDQUOT)  # type: ignore[arg-type]
        rounds.require_old_or_new(World.prepared(tmp_path / str(at)), fault)


def test_a_failure_behind_the_exchange_says_that_the_new_build_stands(tmp_path: Path) -> None:
    world = World.prepared(tmp_path / "world")
    operations = world.write("b")
    (world.build / "late.txt").write_text("came while the build was written")
    at = operations.index("exchange") + 1
    # A file that came between the carrying and the exchange has to be carried afterwards.
    late = world.build / "later.txt"

    class Slow(FaultyDisk):
        def exchange(self, one: Path, other: Path) -> bool:
            late.write_text("later")
            return super().exchange(one, other)

    disk = Slow(Fault(at + 1, "full", errno.ENOSPC))
    with pytest.raises(FileSystemError, match="holds the new build, but the old one"):
        replace_folder(project("c"), world.build, disk=disk)
    assert not late.exists()
    world.write("d")
    assert late.read_text() == "later" and (world.build / "late.txt").is_file()
    assert [place.name for place in world.folder.iterdir()] == ["build"]


@pytest.mark.slow
def test_a_workspace_that_vanishes_does_not_come_back_half_empty(tmp_path: Path) -> None:
    for at in range(2, 40):
        world = World.prepared(tmp_path / str(at))
        with pytest.raises(FileSystemError, match="could not be written"):
            world.write("b", Fault(at, "vanish", path="workspace"))
        assert world.state("ab") == "a"
        assert [place.name for place in world.folder.iterdir()] == ["build"]


def test_the_trial_of_a_killed_run_is_litter_of_the_next(tmp_path: Path) -> None:
    world = World.prepared(tmp_path / "world")
    trial = replace.workspace_of(world.build)
    trial.mkdir()  # what `check_free` makes and removes
    check_free(world.build)
    world.require_next_run_cleans()


def test_a_run_stopped_behind_the_exchange_leaves_late_files_to_the_next(tmp_path: Path) -> None:
    world = World.prepared(tmp_path / "world")
    late = world.build / "late.txt"

    class Stopped(FaultyDisk):
        def exchange(self, one: Path, other: Path) -> bool:
            late.write_text("came after the carrying")
            super().exchange(one, other)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_folder(project("b"), world.build, disk=Stopped(Fault()))
    assert world.state("ab") == "b"
    world.write("c")
    assert late.read_text() == "came after the carrying"
    assert [place.name for place in world.folder.iterdir()] == ["build"]


def test_an_interrupted_exchange_in_two_steps_without_its_new_tree(tmp_path: Path) -> None:
    world = World.prepared(tmp_path / "world")
    workspace = replace.workspace_of(world.build)
    workspace.mkdir()
    (workspace / "mark.json").write_text('{"inode": 1, "owned": []}')
    world.build.rename(workspace / "old")
    replace.recover(world.build)
    assert world.state("a") == "a"
    world.require_next_run_cleans()
