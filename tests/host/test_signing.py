"""The key that tells this user's builds from those that came from elsewhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fpgacomp.host.signing import is_signed, sign


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty config folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "fpgacomp"


def test_own_content_is_signed_and_other_content_is_not(config: Path) -> None:
    signature = sign(b"manifest")
    assert signature is not None and is_signed(b"manifest", signature)
    assert not is_signed(b"another manifest", signature)
    assert not is_signed(b"manifest", signature[:-1] + "x") and not is_signed(b"manifest", "é")
    assert sign(b"manifest") == signature
    assert stat.S_IMODE((config / "build-key").stat().st_mode) == 0o600
    assert [path.name for path in config.iterdir()] == ["build-key"]


def test_another_users_key_signs_nothing_here(config: Path) -> None:
    signature = sign(b"manifest")
    (config / "build-key").unlink()
    assert signature is not None and not is_signed(b"manifest", signature)
    assert sign(b"manifest") != signature


def test_a_key_that_others_may_read_is_no_key(config: Path) -> None:
    signature = sign(b"manifest")
    (config / "build-key").chmod(0o644)
    assert signature is not None and not is_signed(b"manifest", signature)


def test_without_a_config_folder_nothing_is_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    assert sign(b"manifest") is None
