"""The installed versions of a device: whatever happens, the old or the new version is active.

    ROOT/versions/NAME/N/     a version, unpacked; every file is as the package's manifest lists it
    ROOT/current              the active version: a link to one of these folders

A package is unpacked beside the other versions under a name that begins with a dot. Once all of it
is on the disk and its self-test passed, it gets its name, and `current` is switched to it by one
rename. A run that is killed leaves at most folders with a dot, which the next run removes. Only one
run at a time changes a root: it holds a lock on the root folder, which ends with its process.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .archive import Package
from .errors import ActiveFailed, DeviceError, InstallFailed, InstallRefused, PackageRefused
from .form import MANIFEST
from .installed import (
    SIGNATURE,
    damaged_files,
    folders_above,
    installed_manifest,
    small_content,
)
from .storage import Storage

VERSIONS, CURRENT = "versions", "current"
# Versions that stay beside the active one, to roll back to.
KEPT = 2
# In the folder of a version: which one was active before it, as NAME/N, or nothing.
_BEFORE = ".before"
_NEW, _OLD, _REPAIR, _LINK = ".new-", ".old-", ".repair-", ".current-"
_VERSION = re.compile(r"[1-9][0-9]{0,15}\Z")
_TARGET = re.compile(r"versions/([A-Za-z0-9][A-Za-z0-9_-]{0,63})/([1-9][0-9]{0,15})\Z")

# Given the folder of a version; raises DeviceError where the version must not become active.
SelfTestHook = Callable[[Path], None]


@dataclass(frozen=True)
class Version:
    """A version of a package, as `NAME/N`."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


@dataclass(frozen=True)
class Installed:
    """What a run came to.

    Args:
        active: the version that `current` leads to now.
        before: the version that it led to before; None where there was none.
        folder: of the active version.
        changed: whether another version became active.
        repaired: files of the active version that were damaged, and were written again.
        notes: what else is to be known, as what could not be cleaned up, each a sentence.
    """

    active: Version
    before: Version | None
    folder: Path
    changed: bool
    repaired: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class VersionFolders:
    """The versions below a root folder, while its lock is held.

    Args:
        place: the root folder.
        storage: its file system.
    """

    def __init__(self, place: Path, storage: Storage) -> None:
        self.place, self.storage = place, storage

    def install(
        self, package: Package, self_test: SelfTestHook | None, replace: bool = False
    ) -> Installed:
        manifest = package.manifest
        version = Version(manifest.name, manifest.version)
        active, folder = self.active(), self.folder(version)
        if active is not None and not replace:
            self._require_same(package, active)
        above = self.place / VERSIONS, folder.parent
        self._refuse_links(*above)
        if os.path.lexists(str(folder)):
            return self._again(package, version, active, self_test)
        highest = max(self.numbers(version.name), default=0)
        if version.number < highest:
            raise _downgrade(package, highest)
        for place in above:
            self._require_folder(place)
        fresh = folder.with_name(_NEW + secrets.token_hex(6))
        try:
            self._unpack(package, fresh)
            _test(self_test, fresh)
            self.storage.rename(fresh, folder)
        except BaseException:
            self._discard(fresh)
            raise
        self.storage.settle(folder.parent)
        return self._activate(version, active)

    def _require_same(self, package: Package, active: Version) -> None:
        """Refuse a package of another name, or for another board, than the active version."""
        manifest, folder = package.manifest, self.folder(active)
        other = "install it below another root, or with --replace to let it take over this one."
        try:
            board = installed_manifest(folder).board
        except PackageRefused as problem:
            why = f"does not say which board {active} is for: it {problem.why}"
            fix = f"if {package.path} is for this board, install it with --replace."
            raise InstallRefused(problem.where, why, fix) from None
        if (manifest.name, manifest.board) != (active.name, board):
            why = (
                f"is {manifest.name} for {manifest.board}, and {self.place} is in use by "
                f"{active.name} for {board}."
            )
            raise InstallRefused(str(package.path), why, other)

    def _again(
        self,
        package: Package,
        version: Version,
        active: Version | None,
        self_test: SelfTestHook | None,
    ) -> Installed:
        """Install a version whose folder is there: nothing is left to do, or hardly anything."""
        folder = self.folder(version)
        self._refuse_links(folder)
        if small_content(folder / MANIFEST) != package.manifest.content:
            raise InstallRefused(
                str(package.path),
                f"is another package than the {version} that is installed.",
                f"give it a higher number: fpgacomp package DIR --version {version.number + 1}.",
            )  # fmt: skip
        highest = max(self.numbers(version.name))
        if version != active and version.number < highest:
            raise _downgrade(package, highest)
        self._keep_signature(package, folder)
        repaired = self._repair(package, folder)
        if version == active:
            _test_active(self_test, folder, version)
            return Installed(version, active, folder, False, tuple(repaired))
        _test(self_test, folder)
        found = self._activate(version, active)
        return Installed(version, active, folder, True, tuple(repaired), found.notes)

    def _keep_signature(self, package: Package, folder: Path) -> None:
        """Write the signature of a package whose version has none, or another one."""
        if not package.signature or small_content(folder / SIGNATURE) == package.signature:
            return
        scratch = folder / (_REPAIR + secrets.token_hex(6))
        self.storage.write(scratch, [package.signature])
        self.storage.rename(scratch, folder / SIGNATURE)
        self.storage.settle(folder)

    def roll_back(self, self_test: SelfTestHook | None) -> Installed:
        active = self.active()
        if active is None:
            raise InstallRefused(str(self.place), "has no active version.", "install a package.")
        before = self.before(active)
        if before is None:
            why = "was the first version here; there is none to go back to."
            raise InstallRefused(str(active), why, "install another version.")
        folder = self.folder(before)
        self._refuse_links(self.place / VERSIONS, folder.parent, folder)
        damaged = damaged_files(folder, installed_manifest(folder))
        if damaged:
            why = f"was changed since it was installed: {damaged[0]}."
            raise InstallRefused(str(folder), why, "install a newer version.")
        _test(self_test, folder)
        self._switch(before)
        return Installed(before, active, folder, True)

    def active(self) -> Version | None:
        """The version that `current` leads to.

        Raises:
            InstallRefused: it leads elsewhere, or is no link.
        """
        place = self.place / CURRENT
        if not os.path.lexists(str(place)):
            return None
        target = os.readlink(str(place)) if place.is_symlink() else ""
        found = _TARGET.match(target)
        if found is None:
            leads = f", but leads to {target!r}" if target else ""
            why = f"is no link of an installation{leads}."
            raise InstallRefused(str(place), why, "name an empty folder, or remove it.")
        return Version(found.group(1), int(found.group(2)))

    def before(self, version: Version) -> Version | None:
        """The version that was active when this one became so, where it is still there."""
        content = small_content(self.folder(version) / _BEFORE) or b""
        text = content.decode("ascii", "replace").strip()
        found = _TARGET.match(f"{VERSIONS}/{text}")
        if found is None:
            return None
        version = Version(found.group(1), int(found.group(2)))
        return version if self.folder(version).is_dir() else None

    def folder(self, version: Version) -> Path:
        """Where a version lies, or would lie."""
        return self.place / VERSIONS / version.name / str(version.number)

    def numbers(self, name: str) -> list[int]:
        """The versions of a package that are installed."""
        folder = self.place / VERSIONS / name
        found = (place.name for place in self._folders(folder, ""))
        return [int(name) for name in found if _VERSION.match(name)]

    def sweep(self) -> None:
        """Remove what killed runs left behind."""
        for place in self._folders(self.place, "."):
            if place.name.startswith(_LINK):
                self._clear(place)
        for package in self._folders(self.place / VERSIONS, ""):
            for place in self._folders(package, ""):
                if place.name.startswith((_NEW, _OLD)):
                    self._clear(place)
                    continue
                for file in self._folders(place, _REPAIR):
                    self._clear(file)

    def _folders(self, folder: Path, start: str) -> list[Path]:
        """Entries of a folder whose name begins so; none where it is a link or no folder."""
        if (folder.is_symlink() and folder != self.place) or not folder.is_dir():
            return []
        return sorted(place for place in folder.iterdir() if place.name.startswith(start))

    def _require_folder(self, folder: Path) -> None:
        if not os.path.lexists(str(folder)):
            make_folder(folder, self.storage)
        self._refuse_links(folder)

    def _refuse_links(self, *folders: Path) -> None:
        """Refuse what is there and no folder."""
        for place in folders:
            if place.is_symlink() or (os.path.lexists(str(place)) and not place.is_dir()):
                raise InstallRefused(str(place), "is a link or a file, not a folder.", "remove it.")

    def _unpack(self, package: Package, folder: Path) -> None:
        storage, made = self.storage, {folder}
        storage.make(folder)
        for name in package.members:
            place = folder / name
            for above in folders_above(folder, place):
                if above not in made:
                    storage.make(above)
                    made.add(above)
            storage.write(place, package.chunks(name))
        if package.signature:
            storage.write(folder / SIGNATURE, [package.signature])
        # The manifest goes last: a folder without one is no version.
        storage.write(folder / MANIFEST, [package.manifest.content])
        for above in sorted(made, key=lambda path: len(path.parts), reverse=True):
            storage.settle(above)

    def _repair(self, package: Package, folder: Path) -> list[str]:
        """Write again what is damaged of an installed version, file by file."""
        damaged = damaged_files(folder, package.manifest)
        for name in damaged:
            place = folder / name
            for above in folders_above(folder, place):
                self._require_folder(above)
            scratch = folder / (_REPAIR + secrets.token_hex(6))
            try:
                self.storage.write(scratch, package.chunks(name))
                if place.is_dir() and not place.is_symlink():
                    raise InstallRefused(str(place), "is a folder where a file belongs.",
                                         "remove it, and install the package again.")  # fmt: skip
                self.storage.rename(scratch, place)
            except BaseException:
                self._discard(scratch)
                raise
            self.storage.settle(place.parent)
        return damaged

    def _activate(self, version: Version, active: Version | None) -> Installed:
        folder = self.folder(version)
        scratch = folder / (_REPAIR + secrets.token_hex(6))
        self.storage.write(scratch, ["{}\n".format(active or "").encode("ascii")])
        self.storage.rename(scratch, folder / _BEFORE)
        self.storage.settle(folder)
        self._switch(version)
        try:
            self._prune(version)
        except OSError as problem:
            note = f"an old version could not be removed: {problem.strerror}."
            return Installed(version, active, folder, True, notes=(note,))
        return Installed(version, active, folder, True)

    def _switch(self, version: Version) -> None:
        link = self.place / (_LINK + secrets.token_hex(6))
        self.storage.link(f"{VERSIONS}/{version}", link)
        self.storage.rename(link, self.place / CURRENT)
        try:
            self.storage.settle(self.place)
        except OSError as problem:
            raise InstallFailed(
                str(self.place),
                f"{version} is active, but the disk does not say that it will be after a power "
                f"cut: {problem.strerror}.",
                "check the disk.",
            ) from problem  # fmt: skip

    def _prune(self, active: Version) -> None:
        """Remove versions that nobody goes back to; the highest of a name stays as its record."""
        kept, version = {active}, self.before(active)
        while version is not None and version not in kept and len(kept) <= KEPT:
            kept.add(version)
            version = self.before(version)
        for package in self._folders(self.place / VERSIONS, ""):
            numbers = sorted(self.numbers(package.name))[:-1]
            for number in numbers:
                if Version(package.name, number) not in kept:
                    old = package / (_OLD + secrets.token_hex(6))
                    self.storage.rename(package / str(number), old)
                    self._clear(old)

    def _discard(self, place: Path) -> None:
        """Remove what a failed run wrote; what cannot be removed, the next run does."""
        try:
            if os.path.lexists(str(place)):
                self._clear(place)
        except OSError:
            return

    def _clear(self, place: Path) -> None:
        """Remove what is called as only we call it, and all below it; links are not followed.

        `os.walk` follows the link that it is given as its top, so a link goes before it walks.
        """
        if not place.is_symlink():
            for root, folders, names in os.walk(str(place), topdown=False):
                for name in (*names, *folders):
                    self.storage.remove(Path(root) / name)
        self.storage.remove(place)


def _test(self_test: SelfTestHook | None, folder: Path) -> None:
    if self_test is not None:
        self_test(folder)


def _test_active(self_test: SelfTestHook | None, folder: Path, version: Version) -> None:
    """Test the version that is active already: it stays so, as nothing says what else works."""
    try:
        _test(self_test, folder)
    except DeviceError as error:
        raise ActiveFailed(
            str(version), f"is active, and failed its test: {error.where}: {error.why}",
            "take the device out of service, install a newer version, or go back with --rollback.",
        ) from error  # fmt: skip


def _downgrade(package: Package, highest: int) -> InstallRefused:
    manifest = package.manifest
    why = f"is version {manifest.version} of {manifest.name}; version {highest} was installed."
    fix = "package it under a higher number, or go back with --rollback."
    return InstallRefused(str(package.path), why, fix)


def make_folder(folder: Path, storage: Storage) -> None:
    """Create a folder and force its name onto the disk."""
    storage.make(folder)
    storage.settle(folder.parent)
