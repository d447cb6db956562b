"""manifest.json: what a build was made from, and which files of its folder fpgacomp wrote."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from fpgacomp.errors import UsageError
from fpgacomp.host.plain import read_plain
from fpgacomp.host.signing import is_signed, sign
from fpgacomp.host.strict_json import read_json
from fpgacomp.results.project import Project

if TYPE_CHECKING:
    from fpgacomp.network.canonical import Network

MANIFEST = "manifest.json"
# Signs the manifest with the key of the user who made the build; no package contains it.
SIGNATURE = ".fpgacomp-signature"
# The key that says a folder is a build of fpgacomp, with the version of the manifest's form.
MARKER = "fpgacomp_build"
SCHEMA = 1
# Builds of 0.1.0 have no marker, but exactly these keys.
_KEYS_OF_0_1 = {"files", "model", "options", "tools"}
# Packages that decide what is emitted, where they are installed.
_TOOLS = ("fpgacomp", "alkaid", "hls4ml", "numpy", "onnx", "onnxruntime", "qonnx")
NAME_A_BUILD = "name the folder that `fpgacomp compile --out` wrote, or compile again."
# Far above any build: a manifest from a stranger takes no memory without a bound.
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Manifest:
    """The files of a build.

    Args:
        digests: path below the build's folder, with `/` -> SHA-256 of what fpgacomp wrote there.
        schema: version of the manifest's form; 0 for builds of fpgacomp 0.1.0.
        backend: name of the engine that made the build; "" where only report.json says it.
    """

    digests: Mapping[str, str]
    schema: int
    backend: str = ""

    @classmethod
    def of(cls, folder: Path) -> Manifest | None:
        """The manifest of a folder; None where the folder is no build of fpgacomp."""
        path = folder / MANIFEST
        try:
            content = read_json(read_plain(path, MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return None
        return _parsed(content)

    @property
    def owned(self) -> frozenset[str]:
        """Every path that fpgacomp wrote, the manifest's own among them."""
        return frozenset((*self.digests, MANIFEST, SIGNATURE))

    def size(self, folder: Path) -> int:
        """Bytes of the plain files that are listed, as the file system states them."""
        found = 0
        for path in self.digests:
            with suppress(OSError):
                told = (folder / path).lstat()
                found += told.st_size if stat.S_ISREG(told.st_mode) else 0
        return found

    def edited(self, folder: Path) -> list[str]:
        """Paths whose content is no longer what fpgacomp wrote; a missing file is none."""
        return [
            path
            for path, digest in self.digests.items()
            if (folder / path).exists() and digest != _digest(folder, path)
        ]


def _parsed(content: object) -> Manifest | None:
    if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
        return None
    schema = content.get(MARKER, 0 if set(content) == _KEYS_OF_0_1 else None)
    if not isinstance(schema, int):
        return None
    files = {str(path): str(digest) for path, digest in content["files"].items()}
    paths = [PurePosixPath(path) for path in files]
    if any(path.is_absolute() or ".." in path.parts or not path.parts for path in paths):
        return None
    return Manifest(files, schema, str(content.get("backend", "")))


def _digest(folder: Path, path: str) -> str | None:
    """SHA-256 of a plain file; None where a link or a folder stands in its place."""
    place = folder / path
    above = [folder / parent for parent in PurePosixPath(path).parents[:-1]]
    if any(part.is_symlink() for part in (place, *above)) or not place.is_file():
        return None
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def no_build(folder: Path) -> UsageError:
    """What to say of a folder or file that is no build: the build that it lies in, if it does."""
    fix = NAME_A_BUILD
    if folder.suffix in (".onnx", ".h5", ".keras") and folder.is_file():
        fix = f"compile it: `fpgacomp compile {folder} --board BOARD --out DIR`, and name DIR."
    elif folder.exists():
        above = folder.resolve().parents
        if found := next((place for place in above if Manifest.of(place) is not None), None):
            fix = f"name the build folder that it lies in: {found}"
    return UsageError(str(folder), "is no build directory (no manifest.json of ours).", fix)


def is_own(folder: Path) -> bool:
    """Whether this user's key signed the manifest of a build."""
    try:
        signature = read_plain(folder / SIGNATURE, 200).decode("ascii").strip()
        return is_signed(read_plain(folder / MANIFEST, MAX_BYTES), signature)
    except (OSError, ValueError):
        return False


def with_manifest(
    project: Project, model: Network, options: Mapping[str, Any], backend: str
) -> Project:
    """The project and its manifest: input, options, tool versions, every file's SHA-256."""
    content = {
        MARKER: SCHEMA,
        "backend": backend,
        "model": {"file": Path(model.file).name, "sha256": model.sha256},
        "options": dict(options),
        "tools": {tool: found for tool in _TOOLS if (found := _version(tool))},
        "files": project.digests(),
    }
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    files = {MANIFEST: text.encode()}
    if (signature := sign(text.encode())) is not None:
        files[SIGNATURE] = f"{signature}\n".encode()
    return project.merged(Project(files))


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # late: it loads an e-mail parser

    try:
        return version(package)
    except PackageNotFoundError:
        return None
