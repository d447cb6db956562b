"""Places at which no folder can be written: mounted volumes, and folders that are not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fpgacomp.errors import UsageError
from fpgacomp.host import paths
from fpgacomp.report.folder import check_free

SHARED_MEMORY = Path("/dev/shm")
LINE = "36 35 98:0 /volume {} rw,noatime shared:1 - ext4 /dev/root rw\n"


def test_a_volume_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    is_mount = os.path.ismount
    monkeypatch.setattr(os.path, "ismount", lambda p: Path(p) == volume or is_mount(p))
    with pytest.raises(UsageError, match=r"is a mount point .*name a folder inside it.*volume/bui"):
        check_free(volume)
    check_free(volume / "build")
    assert list(volume.iterdir()) == []


def test_a_bind_mount_is_known_by_the_kernels_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my volume"
    folder.mkdir()
    (tmp_path / "mounts").write_text(
        LINE.format("/") + LINE.format(str(folder).replace(" ", "\\040"))
    )
    monkeypatch.setattr(paths, "_MOUNTS", tmp_path / "mounts")
    assert paths.mount_points(folder) == [folder]
    with pytest.raises(UsageError, match="is a mount point"):
        check_free(folder)
    assert paths.mount_points(tmp_path) == [folder]
    with pytest.raises(UsageError, match="holds a mount point"):
        check_free(tmp_path)


def test_without_a_kernels_list_nothing_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "_MOUNTS", tmp_path / "none")
    assert paths.mount_points(tmp_path) == []


@pytest.mark.skipif(not os.path.ismount(SHARED_MEMORY), reason="nothing is mounted at /dev/shm")
def test_a_real_mount_is_refused() -> None:
    with pytest.raises(UsageError, match="is a mount point"):
        check_free(SHARED_MEMORY)
