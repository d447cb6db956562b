"""What the cache folder keeps is whole, or it is not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fpgacomp.host import kept


def test_what_cannot_be_written_whole_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, target = tmp_path / "made", tmp_path / "cache" / "kept"
    made.write_bytes(b"whole")

    def full(_: Path, fresh: Path) -> None:
        fresh.write_bytes(b"wh")
        raise OSError("no space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(shutil, "copy2", full)
        with pytest.raises(OSError, match="no space left"):
            kept.keep(made, target)
    assert list(target.parent.iterdir()) == []
    kept.keep(made, target)
    assert [path.read_bytes() for path in target.parent.iterdir()] == [b"whole"]
