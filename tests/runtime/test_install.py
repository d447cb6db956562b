"""Versions follow each other, go back, are repaired, and are tested before they are active."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("fcntl", reason="installing needs the locks of POSIX")

from fpgacomp.runtime.errors import (
    ActiveFailed,
    DeviceError,
    InstallRefused,
    MissingPackage,
    PackageRefused,
)
from fpgacomp.runtime.install import install, roll_back
from fpgacomp.runtime.self_test import SelfTestFailed, command_hook
from tests.support import packages
from tests.support.packages import FILES


def package(folder: Path, version: int, *, name: str = "digits", text: bytes = b"") -> Path:
    files = {**FILES, "version.txt": text or str(version).encode()}
    return packages.small(folder / f"{name}-{version}.fpga", version, name=name, files=files)


def active(root: Path) -> str:
    return str((root / "current").readlink())


def test_a_package_becomes_active(tmp_path: Path) -> None:
    root, umask = tmp_path / "root", os.umask(0o077)
    try:
        found = install(package(tmp_path, 1), root)
    finally:
        os.umask(umask)
    assert str(found.active) == "digits/1" and found.before is None and found.changed
    assert active(root) == "versions/digits/1"
    for name, content in FILES.items():
        place = root / "current" / name
        assert place.read_bytes() == content
        assert place.stat().st_mode & 0o777 == 0o644
        assert place.parent.stat().st_mode & 0o777 == 0o755


def test_versions_follow_each_other_and_go_back(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for version in (1, 2, 5):
        assert install(package(tmp_path, version), root).active.number == version
    assert str(roll_back(root).active) == "digits/2"
    # The next version goes back to the one that worked, not to the one that was given up.
    found = install(package(tmp_path, 6), root)
    assert str(found.before) == "digits/2"
    assert [str(roll_back(root).active) for _ in range(2)] == ["digits/2", "digits/1"]
    with pytest.raises(InstallRefused, match="was the first version here"):
        roll_back(root)
    assert active(root) == "versions/digits/1"


def test_an_older_version_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(package(tmp_path, 2), root)
    with pytest.raises(InstallRefused, match="is version 1 of digits; version 2 was installed"):
        install(package(tmp_path, 1), root)
    install(package(tmp_path, 3), root)
    with pytest.raises(InstallRefused, match="is version 2 of digits; version 3 was installed"):
        install(package(tmp_path, 2), root)
    roll_back(root)
    with pytest.raises(InstallRefused, match="is version 1 of digits; version 3 was installed"):
        install(package(tmp_path, 1), root)
    assert active(root) == "versions/digits/2"


def test_the_same_version_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(package(tmp_path, 2), root)
    before = (root / "current" / "version.txt").stat()
    found = install(package(tmp_path, 2), root)
    assert not found.changed and not found.repaired
    after = (root / "current" / "version.txt").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    with pytest.raises(
        InstallRefused, match="is another package than the digits/2 that is"
    ) as told:
        install(package(tmp_path, 2, text=b"other"), root)
    assert "--version 3" in told.value.remedy


def test_a_version_that_was_given_up_can_come_back(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for version in (1, 2):
        install(package(tmp_path, version), root)
    roll_back(root)
    found = install(package(tmp_path, 2), root)
    assert found.changed and str(found.before) == "digits/1"
    assert active(root) == "versions/digits/2"


def test_damaged_files_of_a_version_are_written_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(package(tmp_path, 1), root)
    current = root / "current"
    (current / "version.txt").write_bytes(b"flipped")
    shutil.rmtree(current / "software" / "selftest")
    (current / "MODEL_CARD.md").unlink()
    (current / "MODEL_CARD.md").symlink_to("/etc/hostname")
    (current / "__pycache__").mkdir()  # what a device adds is its own
    found = install(package(tmp_path, 1), root)
    assert set(found.repaired) == {"version.txt", "software/selftest/in0.bin", "MODEL_CARD.md"}
    assert not install(package(tmp_path, 1), root).repaired


def test_there_is_no_way_back_to_a_damaged_version(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for version in (1, 2):
        install(package(tmp_path, version), root)
    (root / "versions" / "digits" / "1" / "version.txt").write_bytes(b"flipped")
    with pytest.raises(InstallRefused, match=r"was changed since it was installed: version\.txt"):
        roll_back(root)
    (root / "versions" / "digits" / "1" / "manifest.json").write_bytes(b"{")
    with pytest.raises(PackageRefused, match="a manifest that cannot be used"):
        roll_back(root)
    assert active(root) == "versions/digits/2"


def test_old_versions_are_removed_but_not_the_way_back(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for version in range(1, 7):
        install(package(tmp_path, version), root)
    names = sorted(place.name for place in (root / "versions" / "digits").iterdir())
    assert names == ["4", "5", "6"]


def test_versions_are_counted_by_name(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(package(tmp_path, 5), root)
    found = install(package(tmp_path, 1, name="faces"), root, replace=True)
    assert str(found.before) == "digits/5" and active(root) == "versions/faces/1"
    assert str(roll_back(root).active) == "digits/5"
    install(package(tmp_path, 2, name="faces"), root, replace=True)
    with pytest.raises(InstallRefused, match="version 5 was installed"):
        install(package(tmp_path, 4), root, replace=True)


def test_a_version_whose_self_test_fails_does_not_become_active(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(package(tmp_path, 1), root)
    script = "import pathlib, sys; print(pathlib.Path('version.txt').read_text()); sys.exit(3)"
    with pytest.raises(SelfTestFailed, match="ended with exit code 3; it said: 2"):
        install(package(tmp_path, 2), root, self_test=command_hook([sys.executable, "-c", script]))
    assert active(root) == "versions/digits/1"
    assert [place.name for place in (root / "versions" / "digits").iterdir()] == ["1"]
    # A package that is mended may have the number of the one that never was active.
    found = install(package(tmp_path, 2, text=b"mended"), root, self_test=lambda folder: None)
    assert str(found.active) == "digits/2"


def test_a_self_test_has_its_time(tmp_path: Path) -> None:
    root = tmp_path / "root"
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'], stdin=0)"
    endless = f"import os; r, w = os.pipe(); os.dup2(r, 0); os.set_inheritable(w, True); {child}"
    with pytest.raises(SelfTestFailed, match=r"did not end within 0\.3 s"):
        hook = command_hook([sys.executable, "-c", endless], seconds=0.3)
        install(package(tmp_path, 1), root, self_test=hook)
    with pytest.raises(SelfTestFailed, match="does not run: No such file"):
        install(package(tmp_path, 1), root, self_test=command_hook(["/nonexistent"]))
    with pytest.raises(SelfTestFailed, match="ended by signal 9"):
        hook = command_hook([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
        install(package(tmp_path, 1), root, self_test=hook)
    assert not (root / "current").exists()


def test_going_back_is_tested_too(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for version in (1, 2):
        install(package(tmp_path, version), root)

    def refuse(folder: Path) -> None:
        raise DeviceError("the device", f"does not answer to {folder.name}.", "look at it.")

    with pytest.raises(DeviceError, match="does not answer to 1"):
        roll_back(root, refuse)
    assert active(root) == "versions/digits/2"


def test_a_damaged_package_changes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(package(tmp_path, 1), root)
    place = package(tmp_path, 2)
    content = bytearray(place.read_bytes())
    content[700] ^= 1
    place.write_bytes(content)
    with pytest.raises(PackageRefused):
        install(place, root)
    assert active(root) == "versions/digits/1"


def test_a_root_that_is_none(tmp_path: Path) -> None:
    place = package(tmp_path, 1)
    with pytest.raises(MissingPackage, match="does not exist"):
        install(place, tmp_path / "none" / "root")
    with pytest.raises(MissingPackage, match="is no folder"):
        install(place, place)
    with pytest.raises(MissingPackage, match="does not exist"):
        roll_back(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InstallRefused, match="has no active version"):
        roll_back(tmp_path / "empty")


@pytest.mark.parametrize("target", ["/etc", "versions/digits/../../..", "versions/digits", "x"])
def test_a_current_that_no_installation_made(tmp_path: Path, target: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "current").symlink_to(target)
    with pytest.raises(InstallRefused, match="is no link of an installation, but leads to"):
        install(package(tmp_path, 1), root)
    (root / "current").unlink()
    (root / "current").mkdir()
    with pytest.raises(InstallRefused, match=r"is no link of an installation\."):
        install(package(tmp_path, 1), root)


def test_links_in_a_root_are_not_followed(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    (elsewhere / "digits" / ".new-precious").mkdir(parents=True)
    (root / "versions").symlink_to(elsewhere)
    with pytest.raises(InstallRefused, match="is a link or a file, not a folder"):
        install(package(tmp_path, 1), root)
    assert (elsewhere / "digits" / ".new-precious").is_dir()


@pytest.mark.parametrize(
    "place",
    ["versions/digits/.new-abc", "versions/digits/.old-abc", "versions/digits/1/.repair-abc",
     ".current-abc", "versions/other/.new-abc", "versions/digits/0007"],
)  # fmt: skip
@pytest.mark.parametrize("back", [False, True])
def test_what_a_link_leads_to_is_never_removed(tmp_path: Path, place: str, back: bool) -> None:
    root, precious = tmp_path / "root", tmp_path / "precious"
    for version in (1, 2):
        install(package(tmp_path, version), root)
    (precious / "below").mkdir(parents=True)
    for kept in (precious / "file.txt", precious / "below" / "file.txt", precious / ".repair-x"):
        kept.write_bytes(b"precious")
    link = root / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(precious)
    if back:
        roll_back(root)
    else:
        install(package(tmp_path, 3), root)
    assert os.path.lexists(link) == (link.name == "0007"), "only what is named as ours is removed"
    found = sorted(str(path.relative_to(precious)) for path in precious.rglob("*"))
    assert found == [".repair-x", "below", "below/file.txt", "file.txt"]


def test_an_old_version_that_is_a_link_is_removed_as_a_link(tmp_path: Path) -> None:
    root, precious = tmp_path / "root", tmp_path / "precious"
    install(package(tmp_path, 5), root)
    precious.mkdir()
    (precious / "file.txt").write_bytes(b"precious")
    (root / "versions" / "digits" / "3").symlink_to(precious)
    for version in (6, 7):
        install(package(tmp_path, version), root)
    assert not os.path.lexists(root / "versions" / "digits" / "3")
    assert (precious / "file.txt").read_bytes() == b"precious"


def test_a_folder_in_the_place_of_a_scratch_file_is_removed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(package(tmp_path, 1), root)
    for place in (root / ".current-x", root / "versions" / "digits" / "1" / ".repair-x"):
        (place / "below").mkdir(parents=True)
    install(package(tmp_path, 2), root)
    assert not list(root.rglob("below"))


def test_the_version_that_is_active_is_tested_when_that_is_asked(tmp_path: Path) -> None:
    root, place, tested = tmp_path / "root", package(tmp_path, 1), []
    install(place, root)
    assert not install(place, root, self_test=tested.append).changed
    assert tested == [root / "versions" / "digits" / "1"]
    failing = command_hook([sys.executable, "-c", "raise SystemExit(3)"])
    (root / "current" / "version.txt").write_bytes(b"flipped")
    with pytest.raises(
        ActiveFailed, match=r"digits/1: is active, and failed its test: .* exit code 3"
    ) as told:
        install(place, root, self_test=failing)
    assert told.value.exit_code == 1 and "still is" not in str(told.value)
    assert active(root) == "versions/digits/1"
    assert (root / "current" / "version.txt").read_bytes() == b"1"


@pytest.mark.parametrize("is_active", [True, False])
def test_a_version_that_is_a_link_is_not_repaired_through_it(
    tmp_path: Path, is_active: bool
) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    for version in (1, 2):
        install(package(tmp_path, version), root)
    if not is_active:
        roll_back(root)
    folder = root / "versions" / "digits" / "2"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    (elsewhere / "version.txt").write_bytes(b"precious")
    with pytest.raises(InstallRefused, match="digits/2: is a link or a file, not a folder"):
        install(package(tmp_path, 2), root)
    assert (elsewhere / "version.txt").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("name", "board"), [("digits", "ulx3s-85f"), ("faces", "pynq-z2"), ("faces", "ulx3s-85f")]
)
@pytest.mark.parametrize("version", [1, 2])
def test_another_name_or_board_takes_a_root_over_only_when_that_is_asked(
    tmp_path: Path, name: str, board: str, version: int
) -> None:
    root = tmp_path / "root"
    install(package(tmp_path, 1), root)
    other = packages.small(tmp_path / "other.fpga", version, name=name, board=board)
    tested: list[Path] = []
    with pytest.raises(
        InstallRefused, match=f"is {name} for {board}, and .* is in use by digits for pynq-z2"
    ) as told:
        install(other, root, self_test=tested.append)
    assert "another root" in told.value.remedy and "--replace" in told.value.remedy
    assert active(root) == "versions/digits/1" and not tested
    assert [str(place.name) for place in (root / "versions").iterdir()] == ["digits"]
    if (name, version) == ("digits", 1):
        with pytest.raises(InstallRefused, match="is another package than the digits/1"):
            install(other, root, replace=True)
        return
    assert str(install(other, root, replace=True).active) == f"{name}/{version}"
    assert str(roll_back(root).active) == "digits/1"


def test_a_root_whose_board_is_not_known(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(package(tmp_path, 1), root)
    (root / "current" / "manifest.json").write_bytes(b"{")
    with pytest.raises(InstallRefused, match="does not say which board digits/1 is for") as told:
        install(package(tmp_path, 2), root)
    assert "--replace" in told.value.remedy
    assert install(package(tmp_path, 2), root, replace=True).changed
