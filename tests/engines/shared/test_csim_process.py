"""Runs of the C-simulation's program: what is said of a process that fails or leaves words over."""

import errno
import os
from pathlib import Path

import pytest

from fpgacomp.engines.shared.csim_process import run_chunks
from fpgacomp.errors import ToolError


@pytest.fixture(params=[True, False], ids=["told", "asking"], autouse=True)
def told_of_ends(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system says that a process has ended, and where it has to be asked."""

    def unknown(pid: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    if not request.param:
        monkeypatch.setattr(os, "pidfd_open", unknown)


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="ascii")
    path.chmod(0o755)
    return path


def chunks(binary: Path, tmp_path: Path, workers: int = 1) -> list[Path]:
    folders, _ = run_chunks(binary, tmp_path, tmp_path, 2, workers=workers, timeout_s=60,
                            on_samples=lambda done: None)  # fmt: skip
    return folders


def test_a_process_is_judged_when_it_has_ended(tmp_path: Path) -> None:
    # It reports its uneven stream first, and the cause of it only some polls later.
    binary = program(tmp_path / "uneven", "echo \"WARNING: stream 's' ends with 4 words unread\"\n"
                     "sleep 0.2\necho 'out0: wrong number of beats'\nexit 1")  # fmt: skip
    with pytest.raises(ToolError, match="ended with exit code 1: out0: wrong number of beats"):
        chunks(binary, tmp_path)


def test_a_stream_that_is_left_uneven_by_a_program_that_ends_well(tmp_path: Path) -> None:
    binary = program(tmp_path / "left", "echo \"WARNING: stream 's' ends with 4 words unread\"")
    with pytest.raises(ToolError, match=r"did not come out even: .* ends with 4 words unread"):
        chunks(binary, tmp_path, workers=2)


def test_one_process_that_fails_ends_those_that_run(tmp_path: Path) -> None:
    binary = program(tmp_path / "one", 'test "$3" = 0 && exit 3\nexec sleep 600')
    with pytest.raises(ToolError, match="ended with exit code 3: without a message"):
        chunks(binary, tmp_path, workers=2)
