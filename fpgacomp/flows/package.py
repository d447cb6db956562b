"""Packages: a build as one archive for devices, checked, signed and installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpgacomp.deploy.package.archive import archive_bytes
from fpgacomp.deploy.package.contents import (
    SOFTWARE,
    SOURCES,
    PackageInputs,
    package_contents,
)
from fpgacomp.deploy.package.facts import Facts
from fpgacomp.deploy.package.keys import signer, write_new_key
from fpgacomp.errors import FileSystemError, FpgacompError, PackageError, ToolError, UsageError
from fpgacomp.flows.files import Content, FileUse, Place, check_files, reads
from fpgacomp.host.whole_file import whole_file
from fpgacomp.report.build_files import BuildFiles, read_bitstream, read_build_files
from fpgacomp.runtime import install as device
from fpgacomp.runtime.archive import open_package
from fpgacomp.runtime.errors import DeviceError, NotInstalled
from fpgacomp.runtime.form import MAX_BYTES
from fpgacomp.runtime.manifest import check_name, is_version
from fpgacomp.runtime.self_test import SECONDS, TransportHook, command_hook
from fpgacomp.runtime.signature import configured_key
from fpgacomp.runtime.versions import SelfTestHook


@dataclass(frozen=True)
class PackageSummary:
    """A package that was written or checked.

    Args:
        file: the archive.
        name, version: what it says of itself.
        identity: of the design.
        board: name of the board.
        contents: `bitstream` or `sources`.
        files: how many it holds.
        size: of the archive in bytes.
        sha256: its digest, which it ends with: of everything in front of that.
        signed: whether it carries a signature.
        checked: whether the signature was checked with a key.
        warnings: what whoever installs it must know, one sentence each.
    """

    file: Path
    name: str
    version: int
    identity: str
    board: str
    contents: str
    files: int
    size: int
    sha256: str
    signed: bool
    checked: bool
    warnings: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**vars(self), "file": str(self.file), "warnings": list(self.warnings)}


@dataclass(frozen=True)
class InstallSummary:
    """What an installation came to; see `fpgacomp.runtime.versions.Installed`."""

    active: str
    before: str | None
    folder: Path
    changed: bool
    repaired: tuple[str, ...]
    notes: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **vars(self),
            "folder": str(self.folder),
            "repaired": list(self.repaired),
            "notes": list(self.notes),
        }


def package(
    folder: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    version: int = 1,
    key: str | Path | None = None,
    trust: bool = False,
) -> PackageSummary:
    """Write a build as a package: one archive, the same bytes on every machine.

    Args:
        folder: a build directory; the bitstream of `fpgacomp build` goes along where it is there.
        out: the archive. An earlier one is replaced.
        name: by which versions are counted; None: the network's name.
        version: a whole number, higher than that of every package of this name before.
        key: file of the private key to sign with; None: the package is not signed.
        trust: also package a build that this user did not make on this machine.

    Raises:
        UsageError: the folder is no build, the build is not this user's, or an option is wrong.
        PackageError: a file of the build was changed, or the build failed or lacks something.
        ToolError: `cryptography` is needed and not installed.
        FileSystemError: the archive cannot be written.
    """
    folder, out = Path(folder), Path(out)
    if name is not None and (wrong := check_name(name)):
        raise UsageError(f"--name {name}", f"{wrong}.", "name it otherwise.")
    if not is_version(version):
        why = "is no whole number from 1 to 2^53 - 1."
        raise UsageError(f"--version {version}", why, "give a higher number to each package.")
    target = Place("--out", out, FileUse.WRITE, Content.PACKAGE)
    check_files((*reads("DIR", folder), *reads("--key", key), target))
    sign = None if key is None else signer(Path(key))
    build = read_build_files(folder, _is_packaged, most_bytes=MAX_BYTES)
    if not (build.own or trust):
        raise UsageError(
            str(folder), "was not made by you on this machine, as its signature shows.",
            "look at where it comes from and add --trust, or compile the network yourself.",
        )  # fmt: skip
    if Facts(build.report).text("status") != "ok":
        why = "is the result of a run that failed: its report does not say `ok`."
        raise PackageError(str(folder), why, "package a build that succeeded.")
    found = package_contents(_inputs(build, folder), folder, name=name, version=version)
    return _written(archive_bytes(found.manifest, found.files, sign), out)


def verify(package: str | Path, *, key: str | Path | None = None) -> PackageSummary:
    """Check a package: every byte as a whole, then what it holds, and its signature.

    Args:
        package: the archive.
        key: file of the public key that must have signed it; None: that of the environment
            variable FPGACOMP_PACKAGE_KEY or of /etc/fpgacomp/package-key.pub, where there is one.

    Raises:
        UsageError: there is no such file, or the key cannot be read.
        PackageError: the package is damaged, or not signed as it must be.
        ToolError: `cryptography` is needed and not installed.
    """
    place = Path(package)
    with _telling():
        return _summary(place, configured_key(key))


def install(
    package: str | Path | None,
    root: str | Path,
    *,
    key: str | Path | None = None,
    transport: str | None = None,
    self_test: list[str] | None = None,
    seconds: float = SECONDS,
    rollback: bool = False,
    replace: bool = False,
) -> InstallSummary:
    """Install a package below a root folder and make it active, or go back to the version before.

    Args:
        package: the archive; None to go back.
        root: folder of the installed versions: of this machine, or of a device's file system.
        key: see `verify`.
        transport: send the stored frames through this device first: by the runtime that is
            running, or by the version's own where a key checked its signature, also for a rollback.
        self_test: or run this program first, in the folder of the version.
        seconds: how long that may take.
        rollback: make the version active that was active before.
        replace: let the package take over from an active version of another name or board.

    Raises:
        UsageError: a file or folder is not there, or the options contradict each other.
        PackageError: the package is damaged, older than what was installed, of another name or
            board than what is active, or it failed its test.
        FileSystemError: the file system refused something; what was active still is.
    """
    if (package is None) != rollback:
        where = "--rollback" if rollback else "PACKAGE"
        why = "takes no package." if rollback else "is missing."
        raise UsageError(where, why, "name a package, or give --rollback alone.")
    if rollback and replace:
        why = "goes back to whatever was active, and takes no --replace."
        raise UsageError("--rollback", why, "leave --replace out.")
    if transport is not None and self_test is not None:
        raise UsageError("--transport and --self-test", "are two tests.", "give one of them.")
    hook: SelfTestHook | None = None
    if transport is not None:
        hook = TransportHook(transport, seconds)
    elif self_test is not None:
        hook = command_hook(self_test, seconds)
    with _telling():
        if package is None:
            found = device.roll_back(root, hook, key=configured_key(key))
        else:
            found = device.install(package, root, configured_key(key), hook, replace=replace)
    before = None if found.before is None else str(found.before)
    return InstallSummary(
        str(found.active), before, found.folder, found.changed, found.repaired, found.notes
    )


def new_key(file: str | Path) -> Path:
    """Make a key to sign packages with; returns the file of its public key, for devices.

    Args:
        file: of the private key (mode 0600); the public one is called FILE.pub.

    Raises:
        UsageError: one of them exists.
        FileSystemError: they cannot be written.
        ToolError: `cryptography` is not installed.
    """
    return write_new_key(Path(file))


def _is_packaged(path: str) -> bool:
    return path == "graph.json" or path.startswith((SOFTWARE, *SOURCES))


def _inputs(build: BuildFiles, folder: Path) -> PackageInputs:
    made = read_bitstream(folder, build.digest, most_bytes=MAX_BYTES)
    return PackageInputs(
        files=build.files,
        bitstream={} if made is None else made.files,
        built=None if made is None else Facts(made.report),
        report=build.report,
        tools=build.tools,
        network_file=build.model_file,
        network_sha256=build.model_sha256,
    )


def _written(content: bytes, out: Path) -> PackageSummary:
    """Write the archive beside its place, read it back as a device does, and put it in place."""
    try:
        with whole_file(out) as scratch:
            with scratch.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with _telling():
                found = _summary(scratch, None)
    except OSError as error:
        why = f"cannot be written ({error.strerror or error})."
        fix = "free space there, or name another file."
        raise FileSystemError(f"--out {out}", why, fix) from error
    return PackageSummary(**{**vars(found), "file": out})


def _summary(place: Path, key: bytes | None) -> PackageSummary:
    with open_package(place, key) as found:
        manifest = found.manifest
        return PackageSummary(
            file=place, name=manifest.name, version=manifest.version, identity=manifest.identity,
            board=manifest.board, contents=manifest.contents, files=len(found.members) + 1,
            size=place.stat().st_size, sha256=found.sha256, signed=found.signed,
            checked=found.checked, warnings=manifest.warnings,
        )  # fmt: skip


@contextmanager
def _telling() -> Iterator[None]:
    """Errors of the device runtime as those of the command line, with the same exit codes."""
    try:
        yield
    except DeviceError as error:
        kinds: dict[int, type[FpgacompError]] = {1: PackageError, 2: UsageError, 3: FileSystemError}
        kind = ToolError if isinstance(error, NotInstalled) else kinds[error.exit_code]
        raise kind(error.where, error.why, error.remedy) from error
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else "a file"
        why = f"the operating system refused it: {error.strerror or error}."
        raise FileSystemError(where, why, "check the path and its permissions.") from error
