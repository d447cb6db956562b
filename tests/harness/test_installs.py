"""No version is lost, in a few seeded rounds; `python -m tests.harness` runs as many as wanted."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import pytest

pytest.importorskip("fcntl", reason="the lock, fork and SIGKILL are those of POSIX")

from fpgacomp.runtime.errors import InstallFailed
from tests.harness import installs
from tests.harness.disks import Fault
from tests.harness.installs import Device


@pytest.mark.slow
@pytest.mark.parametrize("kind", installs.KINDS)
def test_the_old_or_the_new_version_is_active(tmp_path: Path, kind: str) -> None:
    for number in range(6):
        installs.KINDS[kind](random.Random(number), tmp_path / str(number))


@pytest.mark.slow
def test_every_operation_fails_in_turn(tmp_path: Path) -> None:
    assert installs.every_operation(tmp_path / "every", starts=installs.STARTS[1:2]) > 60


@pytest.mark.slow
def test_a_killed_roll_back_leaves_one_of_both(tmp_path: Path) -> None:
    ended = set()
    for at in range(4):
        device = Device.prepared(tmp_path / str(at), 1, 2)
        process = os.fork()
        if not process:
            device.roll_back(Fault(at, "kill"))
            os._exit(0)
        os.waitpid(process, 0)
        ended.add(device.active())
        device.require_next_run_cleans()
    assert ended == {1, 2}


def test_a_full_disk_refuses_and_keeps_the_version(tmp_path: Path) -> None:
    device = Device.prepared(tmp_path, 1)
    with pytest.raises(InstallFailed, match="No space left on device") as caught:
        device.install(2, Fault(5, "full", errno.ENOSPC))
    assert caught.value.exit_code == 3
    assert device.active() == 1
    assert [place.name for place in (device.root / "versions" / "digits").iterdir()] == ["1"]
