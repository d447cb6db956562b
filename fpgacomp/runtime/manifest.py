"""The manifest of a package: what it says of itself, read from a stranger's file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from . import form
from .errors import PackageRefused
from .strict_json import read_json

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_HIGHEST_VERSION = (1 << 53) - 1  # what every reader of JSON keeps exactly


@dataclass(frozen=True)
class PackageManifest:
    """What a package says of itself, checked.

    Args:
        name: of the design; versions are counted by name.
        version: a whole number that grows from package to package of this name.
        identity: 32 hexadecimal digits that the design's registers hold.
        board: name of the board.
        clock_mhz: of the design.
        fpgacomp: version of the compiler.
        contents: `bitstream`, or `sources` where the design is still to be built.
        files: path -> (SHA-256, size) of every file but manifest.json.
        content: the bytes of manifest.json.
    """

    name: str
    version: int
    identity: str
    board: str
    clock_mhz: float
    fpgacomp: str
    contents: str
    files: Mapping[str, tuple[str, int]]
    content: bytes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What whoever installs it must know, each a sentence."""
        if self.contents != "sources":
            return ()
        return (
            f"{self.name} {self.version} holds the sources of its design and no bitstream: no "
            "hardware computes it. Build the bitstream (`fpgacomp build`) and package it again.",
        )  # fmt: skip


def parse_manifest(content: bytes, where: str) -> PackageManifest:
    """Read the manifest of a package.

    Args:
        content: of manifest.json.
        where: what messages call the package.

    Raises:
        PackageRefused: a field is missing, or has another type or value than it may have.
    """
    try:
        found = read_json(content)
        if not isinstance(found, dict):
            raise ValueError("it is no object")
        return _manifest(found, content)
    except ValueError as problem:
        why = f"has a manifest that cannot be used: {str(problem)[:200]}."
        raise PackageRefused(where, why, "make it with `fpgacomp package`.") from None


def _manifest(found: Mapping[str, Any], content: bytes) -> PackageManifest:
    if found.get("format") != form.FORMAT:
        raise ValueError(f"its format is {found.get('format')!r} instead of {form.FORMAT}")
    name, contents = found.get("name"), found.get("contents")
    version: Any = found.get("version")
    if not isinstance(name, str) or check_name(name):
        raise ValueError(f"its name is {name!r}")
    if not is_version(version):
        raise ValueError(f"its version is {version!r} instead of a whole number above 0")
    if contents not in ("bitstream", "sources"):
        raise ValueError(f"its contents are {contents!r}")
    texts = {}
    for field in ("identity", "board", "fpgacomp"):
        text = found.get(field)
        if not isinstance(text, str) or len(text) > 100 or not text.isprintable():
            raise ValueError(f"its {field} is {text!r}")
        texts[field] = text
    clock = found.get("clock_mhz")
    if isinstance(clock, bool) or not isinstance(clock, (int, float)) or not 0 < clock < 1e6:
        raise ValueError(f"its clock_mhz is {clock!r}")
    files = found.get("files")
    if not isinstance(files, dict) or not files:
        raise ValueError("it lists no files")
    listed = {path: _listed(path, entry) for path, entry in files.items()}
    return PackageManifest(
        name, version, texts["identity"], texts["board"], float(clock), texts["fpgacomp"],
        contents, listed, content,
    )  # fmt: skip


def _listed(path: str, entry: Any) -> tuple[str, int]:
    wrong = form.check_path(path)
    if wrong:
        raise ValueError(f"it lists {path!r}, which {wrong}")
    size = entry.get("size") if isinstance(entry, dict) else None
    sha256 = entry.get("sha256") if isinstance(entry, dict) else None
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= form.MAX_FILE_BYTES:
        raise ValueError(f"the size of {path!r} is {size!r}")
    if not isinstance(sha256, str) or not _SHA256.match(sha256):
        raise ValueError(f"the SHA-256 of {path!r} is {sha256!r}")
    return sha256, size


def check_name(name: str) -> str:
    """What is wrong with the name of a package; "" where nothing is."""
    if _NAME.match(name):
        return ""
    return "is not 1 to 64 letters, digits, - and _, beginning with a letter or digit"


def is_version(version: object) -> bool:
    """Whether this is a whole number that the version of a package may be."""
    is_whole = isinstance(version, int) and not isinstance(version, bool)
    return is_whole and 0 < version <= _HIGHEST_VERSION  # type: ignore[operator]
