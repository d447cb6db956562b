"""DIR/bitstream: what `build` writes into a build folder, and how a later run replaces it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fpgacomp.errors import UsageError
from fpgacomp.host import replace
from fpgacomp.host.plain import read_plain
from fpgacomp.host.strict_json import read_json
from fpgacomp.report.manifest import MANIFEST
from fpgacomp.report.plain_json import json_text

FOLDER, FAILED = "bitstream", "bitstream.failed"
REPORT = "report.json"
# The key that says a folder holds a bitstream of fpgacomp, with the version of the form.
MARKER, FORM = "fpgacomp_bitstream", 1
_MOST_MANIFEST, _MOST_FILE = 1 << 20, 1 << 30


@dataclass(frozen=True)
class BitstreamManifest:
    """What DIR/bitstream/manifest.json states.

    Args:
        build: SHA-256 of the manifest of the build folder that the bitstream was made from.
        digests: path below the folder -> SHA-256 of what was written there.
    """

    build: str
    digests: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path) -> BitstreamManifest | None:
        """The manifest of a folder; None where it holds no bitstream of fpgacomp."""
        try:
            content = read_json(read_plain(folder / MANIFEST, _MOST_MANIFEST))
            if content[MARKER] != FORM:
                return None
            digests = {str(path): str(digest) for path, digest in content["files"].items()}
            build = str(content["build"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        paths = [PurePosixPath(path) for path in digests]
        if any(path.is_absolute() or ".." in path.parts or not path.parts for path in paths):
            return None
        return cls(build, digests)

    def edited(self, folder: Path) -> list[str]:
        """Paths whose content is no longer what was written; a missing file is none."""
        return [
            path
            for path, digest in self.digests.items()
            if (folder / path).exists() and _digest(folder / path) != digest
        ]


def build_digest(build: Path) -> str:
    """SHA-256 of a build folder's manifest, which lists that of every file; "" without one."""
    return _digest(build / MANIFEST)


def require_same_build(build: Path, digest: str) -> None:
    """Refuse to go on with a folder that was compiled again: what was made is of the design before.

    Raises:
        UsageError: its manifest has another digest.
    """
    if build_digest(build) != digest:
        why = "was compiled again meanwhile, so that what was made of it is of the design before."
        raise UsageError(str(build), why, "run again, and compile into another folder meanwhile.")


def check_free(folder: Path) -> None:
    """A bitstream may be written to the folder.

    Raises:
        UsageError: it is a link or a file, or holds something that `build` did not write.
    """
    _owned(folder)


def made_from(folder: Path, build: str) -> Mapping[str, Any] | None:
    """The report.json of what a build folder has; None where it is of another build, or changed.

    Args:
        folder: DIR/bitstream.
        build: as `build_digest`.
    """
    manifest = None if folder.is_symlink() else BitstreamManifest.of(folder)
    if manifest is None or manifest.build != build:
        return None
    try:
        content = read_plain(folder / REPORT, _MOST_FILE)
        if hashlib.sha256(content).hexdigest() != manifest.digests.get(REPORT):
            return None
        found = read_json(content)
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_bitstream(
    folder: Path, build: str, files: Mapping[str, bytes], report: Mapping[str, object]
) -> None:
    """Replace the folder by a report and files; whatever fails, the old or the new one stands.

    A user's own file that holds what is written to its place anyway is taken over.

    Args:
        folder: DIR/bitstream, or DIR/bitstream.failed.
        build: as `build_digest`.
        files: path below the folder -> content.
        report: plain values; the digests of the files are added.

    Raises:
        UsageError: as `check_free`.
        FileSystemError: the disk is full, or the folder cannot be written.
    """
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    content = {**files, REPORT: json_text({**report, "files": digests}).encode()}
    listed = {path: hashlib.sha256(data).hexdigest() for path, data in content.items()}
    manifest = {MARKER: FORM, "build": build, "files": listed}
    content[MANIFEST] = json_text(manifest).encode()
    replace.replace_folder(folder, content, owned=lambda: _owned(folder, listed))


def _owned(folder: Path, new: Mapping[str, str] | None = None) -> frozenset[str]:
    """Paths that a new bitstream replaces: those an earlier run wrote, and none that was edited.

    Args:
        new: path below the folder -> SHA-256 of what goes there: where it is there already,
            however it came there, nothing of the user's is lost.
    """
    where = str(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(where, "is a link or a file.", "move it elsewhere, and run again.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return frozenset()
    manifest = BitstreamManifest.of(folder)
    if manifest is None:
        why = f"holds something that `build` did not write (it has no {MANIFEST} of its own)."
        raise UsageError(where, why, "move it elsewhere, and run again.")
    same = {path for path, digest in (new or {}).items() if _digest(folder / path) == digest}
    if edited := [path for path in manifest.edited(folder) if path not in same]:
        why = "was edited since `build` wrote it, and would be replaced."
        fix = "keep your version under another name, delete this one, and run again."
        raise UsageError(f"{folder}/{edited[0]}", why, fix)
    return frozenset((*manifest.digests, *same, MANIFEST))


def _digest(path: Path) -> str:
    """SHA-256 of a plain file; "" for anything else."""
    try:
        return hashlib.sha256(read_plain(path, _MOST_FILE)).hexdigest()
    except OSError:
        return ""
