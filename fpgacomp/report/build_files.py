"""Reads files of a build that may come from a stranger: as they were written, or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpgacomp.errors import PackageError, UsageError
from fpgacomp.host.plain import read_plain
from fpgacomp.host.strict_json import read_json
from fpgacomp.report import bitstream_folder
from fpgacomp.report.bitstream_folder import BitstreamManifest
from fpgacomp.report.manifest import MANIFEST, MAX_BYTES, SCHEMA, Manifest, is_own, no_build

# What a board is configured with, and what the software of its system reads beside it.
_LOADED = (".bit", ".bin", ".hwh", ".xclbin", ".fs")
_AGAIN = "compile the network again."


@dataclass(frozen=True)
class BuildFiles:
    """Files of a build whose every listed file is as fpgacomp wrote it.

    Args:
        files: path below the folder -> content, of those that were asked for.
        report: the content of report.json.
        tools: versions of the tools that made the build, by name.
        model_sha256: of the network's file.
        model_file: name of that file.
        digest: SHA-256 of manifest.json.
        own: this user made the build on this machine, as its signature shows.
    """

    files: Mapping[str, bytes]
    report: Any
    tools: Mapping[str, str]
    model_sha256: str
    model_file: str
    digest: str
    own: bool


def read_build_files(folder: Path, wanted: Callable[[str], bool], *, most_bytes: int) -> BuildFiles:
    """Check every file that a build's manifest lists, and read those that are wanted.

    Args:
        folder: a build directory.
        wanted: whether the file of a path below it is to be read.
        most_bytes: how many bytes these files may have together.

    Raises:
        UsageError: the folder is no build, or of a newer fpgacomp.
        PackageError: a file was changed or removed, or the build failed.
    """
    manifest = Manifest.of(folder)
    if manifest is None:
        raise no_build(folder)
    if manifest.schema > SCHEMA:
        why = f"was written by a newer fpgacomp (manifest form {manifest.schema})."
        raise UsageError(str(folder), why, "update fpgacomp, or compile again.")
    if changed := manifest.edited(folder):
        why = "was changed since it was compiled."
        raise PackageError(f"{folder}/{changed[0]}", why, f"undo the change, or {_AGAIN}")
    if "error.txt" in manifest.digests or "report.json" not in manifest.digests:
        why = "holds the evidence of a failure, not a build that is right."
        raise PackageError(str(folder), why, "name the folder of a build that succeeded.")
    names = [path for path in manifest.digests if wanted(path) or path == "report.json"]
    contents = _contents(folder, names, manifest.digests, most_bytes)
    whole = read_plain(folder / MANIFEST, MAX_BYTES)
    found = read_json(whole)  # Manifest.of has read it before
    try:
        report = read_json(contents["report.json"])
    except (ValueError, RecursionError) as error:
        raise PackageError(str(folder), f"has a damaged report.json ({error}).", _AGAIN) from error
    model, tools = found.get("model"), found.get("tools")
    model, tools = (item if isinstance(item, dict) else {} for item in (model, tools))
    return BuildFiles(
        files={path: contents[path] for path in names if wanted(path)},
        report=report,
        tools={str(tool): str(version) for tool, version in tools.items()},
        model_sha256=str(model.get("sha256", "")),
        model_file=str(model.get("file", "")),
        digest=hashlib.sha256(whole).hexdigest(),
        own=is_own(folder),
    )


@dataclass(frozen=True)
class BitstreamFiles:
    """The bitstream of a build, as `build` wrote it.

    Args:
        files: path below the build's bitstream/ -> content, of what a device loads.
        report: the content of its report.json.
    """

    files: Mapping[str, bytes]
    report: Any


def read_bitstream(folder: Path, digest: str, *, most_bytes: int) -> BitstreamFiles | None:
    """The bitstream of a build; None where none was built.

    Args:
        folder: the build directory.
        digest: SHA-256 of its manifest.json.
        most_bytes: how many bytes the files may have together.

    Raises:
        PackageError: it was made of another build, or a file of it was changed or removed.
    """
    place = folder / bitstream_folder.FOLDER
    if not os.path.lexists(place):
        return None
    again = f"run `fpgacomp build {folder}` again, or remove {place}."
    manifest = None if place.is_symlink() else BitstreamManifest.of(place)
    if manifest is None or bitstream_folder.REPORT not in manifest.digests:
        raise PackageError(str(place), "holds no bitstream that `fpgacomp build` made.", again)
    if manifest.build != digest:
        raise PackageError(str(place), "was made from another build than this one.", again)
    if changed := manifest.edited(place):
        raise PackageError(f"{place}/{changed[0]}", "was changed since it was built.", again)
    report = bitstream_folder.REPORT
    # What a device loads lies at the top; below that are sources, whose testbench has .bin files.
    loaded = [path for path in manifest.digests if "/" not in path and path.endswith(_LOADED)]
    names = [*loaded, report]
    contents = _contents(place, names, manifest.digests, most_bytes)
    try:
        found = read_json(contents.pop(report))
    except (ValueError, RecursionError) as error:
        raise PackageError(str(place), f"has a damaged report.json ({error}).", again) from error
    return BitstreamFiles(contents, found) if contents else None


def _contents(
    folder: Path, names: list[str], digests: Mapping[str, str], most_bytes: int
) -> dict[str, bytes]:
    """The files of a build; what is read is what was checked."""
    contents, left = dict[str, bytes](), most_bytes
    for path in names:
        try:
            content = read_plain(folder / path, left)
        except FileNotFoundError as error:
            raise PackageError(f"{folder}/{path}", "was removed since it was compiled.",
                               _AGAIN) from error  # fmt: skip
        except OSError as error:
            why = f"cannot be read ({error.strerror or error})."
            raise PackageError(f"{folder}/{path}", why, _AGAIN) from error
        if hashlib.sha256(content).hexdigest() != digests[path]:
            raise PackageError(f"{folder}/{path}", "was changed while it was read.", _AGAIN)
        contents[path] = content
        left -= len(content)
    return contents
