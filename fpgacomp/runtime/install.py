"""Installs packages on a device, and goes back to the version before: see `versions`."""

from __future__ import annotations

import dataclasses
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator

from .archive import open_package
from .errors import InstallFailed, MissingPackage
from .installed import installed_manifest, is_version_signed
from .self_test import TransportHook
from .storage import Storage
from .transports import is_emulated
from .versions import Installed, SelfTestHook, VersionFolders, make_folder


def install(
    package: str | Path,
    root: str | Path,
    key: bytes | None = None,
    self_test: SelfTestHook | None = None,
    storage: Storage | None = None,
    replace: bool = False,
) -> Installed:
    """Check a package, install it, and make it the active version.

    Args:
        package: the archive.
        root: folder of the versions; it is made where its own folder exists.
        key: public key, 32 bytes, that must have signed the package.
        self_test: is called with the unpacked version before it becomes active. A `TransportHook`
            runs the package's own runtime only where `key` signed the package.
        storage: the file system; tests give one that fails.
        replace: let it take over from an active version of another name, or for another board.

    Raises:
        MissingPackage, PackageRefused, NotInstalled: see `open_package`.
        InstallRefused: an older version than was installed, or the same with other content; or
            the active version has another name, or is for another board.
        ActiveFailed: the package's version was active already, and its self-test failed.
        DeviceError: what the self-test raised; the version that was active still is.
        InstallFailed: the file system refused something.
    """
    place, tried = Path(root), self_test
    with _telling(place), open_package(package, key) as opened:
        storage = storage or Storage()
        if opened.checked and isinstance(self_test, TransportHook):
            self_test = self_test.of_signed_package()
        if not os.path.lexists(str(place)) and place.parent.is_dir():
            with suppress(FileExistsError):  # another run was faster
                make_folder(place, storage)
        with _locked(place):
            folders = VersionFolders(place, storage)
            folders.sweep()
            found = folders.install(opened, self_test, replace)
        return _noted(found, *opened.manifest.warnings, *_in_emulation(tried))


def roll_back(
    root: str | Path,
    self_test: SelfTestHook | None = None,
    storage: Storage | None = None,
    key: bytes | None = None,
) -> Installed:
    """Make that version active which was active before the present one was installed.

    Args:
        root: folder of the versions.
        self_test: is called with that version before it becomes active. A `TransportHook` runs the
            version's own runtime only where `key` signed its package.
        storage: the file system; tests give one that fails.
        key: public key, 32 bytes, that packages must be signed by. A version that it did not sign
            becomes active again all the same, as it was before, and a note says so.

    Raises:
        MissingPackage: the root does not exist.
        InstallRefused: nothing is installed, there is no version before it, or it is damaged.
        NotInstalled: a signature is to be checked, and `cryptography` is not installed.
        DeviceError: what the self-test raised; the version that was active still is.
        InstallFailed: the file system refused something.
    """
    place = Path(root)
    with _telling(place), _locked(place):
        folders = VersionFolders(place, storage or Storage())
        folders.sweep()
        found = folders.roll_back(_as_signed(self_test, key))
        notes = list(installed_manifest(found.folder).warnings)
        if key is not None and not is_version_signed(found.folder, key):
            notes.append(f"{found.active} is not signed by the key that is configured.")
    return _noted(found, *notes, *_in_emulation(self_test))


def _as_signed(self_test: SelfTestHook | None, key: bytes | None) -> SelfTestHook | None:
    """The self-test of an installed version: by its own runtime where the key signed it."""
    if key is None or not isinstance(self_test, TransportHook):
        return self_test
    checked, hook = key, self_test

    def test(folder: Path) -> None:
        (hook.of_signed_package() if is_version_signed(folder, checked) else hook)(folder)

    return test


def _in_emulation(self_test: SelfTestHook | None) -> tuple[str, ...]:
    """What is to be known of a self-test that led to no hardware."""
    if isinstance(self_test, TransportHook) and is_emulated(self_test.transport):
        return ("the self-test ran in emulation: on no hardware was anything tried.",)
    return ()


def _noted(found: Installed, *notes: str) -> Installed:
    return dataclasses.replace(found, notes=(*found.notes, *notes))


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the lock of whoever changes the versions of a root; it ends with the process."""
    try:
        import fcntl
    except ImportError:
        why = "cannot be locked: this system has no locks of POSIX."
        raise InstallFailed(str(root), why, "install on Linux.") from None
    try:
        handle = os.open(str(root), os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError) as problem:
        why = "is no folder." if isinstance(problem, NotADirectoryError) else "does not exist."
        raise MissingPackage(str(root), why, "name the folder of the installation.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _telling(root: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence; the version that was active still is."""
    try:
        yield
    except OSError as problem:
        where = problem.filename if isinstance(problem.filename, str) else str(root)
        why = f"the operating system refused it: {problem.strerror or problem}."
        fix = "free space there, or check the permissions; the version that was active still is."
        raise InstallFailed(where, why, fix) from problem
