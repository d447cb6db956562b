"""The build directory: written beside, then put in place of the old one at once."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from fpgacomp.errors import FileSystemError, UsageError
from fpgacomp.host import replace
from fpgacomp.host.disk import Disk
from fpgacomp.host.paths import check_parent, mount_points
from fpgacomp.host.strict_json import read_json
from fpgacomp.ir import codec
from fpgacomp.ir.graph import Graph
from fpgacomp.report.manifest import NAME_A_BUILD, SCHEMA, Manifest, is_own, no_build
from fpgacomp.results.project import Project

# Of a build's files together: far above any, and below what a machine holds.
MOST_BYTES = 2 << 30


def check_free(folder: Path, *, option: str = "--out") -> None:
    """The folder may be written: it is absent, empty, or an earlier build that nobody edited.

    Raises:
        UsageError: it is a file, holds something else, or a file of the build was edited.
        FileSystemError: nothing can be written beside it.
    """
    where = f"{option} {folder}"
    try:
        target = folder.resolve()
        where.encode()
    except (OSError, RuntimeError) as error:
        raise UsageError(where, "leads nowhere (a loop of links).", "name a folder.") from error
    except UnicodeEncodeError as error:
        raise UsageError("--out", "has a name that is not UTF-8.", "name it otherwise.") from error
    if folder.exists() and not folder.is_dir():
        raise UsageError(where, "is a file, a pipe or a device.", "name a folder.")
    if not target.name:
        raise UsageError(where, "is the root of the file system.", "name a folder below it.")
    if not target.parent.is_dir():
        check_parent(where, folder)
        check_parent(where, target)  # a link leads there
    _refuse_mounts(folder, target, where)
    _owned(folder, where)
    try:
        replace.probe(target)
    except OSError as error:
        why = f"cannot be written ({error.strerror or error})."
        raise FileSystemError(where, why, "name another folder.") from error


def _refuse_mounts(folder: Path, target: Path, where: str) -> None:
    """Refuse a folder that cannot change places with a new one, because of a mounted volume.

    Raises:
        UsageError: another file system is mounted at the folder or below it.
    """
    for place in mount_points(target):
        if place == target:
            why = "is a mount point (a volume, for instance), which no build can take the place of."
            raise UsageError(where, why, f"name a folder inside it, for instance {folder}/build.")
        why = f"holds a mount point ({place}), which cannot move into the new build."
        raise UsageError(where, why, "unmount it, or name another folder.")


def _owned(folder: Path, where: str) -> frozenset[str]:
    """Paths that a new build replaces: those an earlier one wrote, and none that was edited."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return frozenset()
    manifest = Manifest.of(folder)
    if manifest is None:
        raise UsageError(
            where,
            "holds something that fpgacomp did not write (it has no manifest.json of ours).",
            "name another folder, or empty this one.",
        )
    if edited := manifest.edited(folder):
        more = f" and {len(edited) - 1} more" if len(edited) > 1 else ""
        raise UsageError(
            f"{folder}/{edited[0]}{more}",
            "was edited since fpgacomp wrote it, and would be replaced.",
            "keep your version under another name, delete this one, and run again.",
        )
    return manifest.owned


@dataclass(frozen=True)
class Build:
    """What a build directory holds for simulation.

    Args:
        graph: the integer graph that the project computes.
        before, after: the software side as ONNX, in front of and behind the hardware.
        project: every file that the manifest lists.
        backend: name of the engine that made the project.
        own: this user made the build on this machine, as its signature shows.
    """

    graph: Graph
    before: onnx.ModelProto
    after: onnx.ModelProto
    project: Project
    backend: str
    own: bool


def read_build(folder: Path) -> Build:
    """An earlier result of ours.

    Raises:
        UsageError: the folder is none, or a file of it was changed or is missing.
    """
    manifest = Manifest.of(folder)
    if manifest is None:
        raise no_build(folder)
    if manifest.schema > SCHEMA:
        why = f"was written by a newer fpgacomp (manifest form {manifest.schema})."
        raise UsageError(str(folder), why, "update fpgacomp, or compile again.")
    if (size := manifest.size(folder)) > MOST_BYTES:
        raise UsageError(
            str(folder),
            f"holds {size:,} bytes, more than any build: {MOST_BYTES:,} are read.",
            NAME_A_BUILD,
        )
    if changed := manifest.edited(folder):
        raise UsageError(
            f"{folder}/{changed[0]}",
            "was changed since it was compiled.",
            "undo the change; or keep your version under another name, delete this one and "
            "compile again.",
        )
    if missing := [path for path in manifest.digests if not (folder / path).exists()]:
        why = "was removed since it was compiled."
        raise UsageError(f"{folder}/{missing[0]}", why, "put it back, or compile again.")
    try:
        files = {path: (folder / path).read_bytes() for path in manifest.digests}
        if Project(files).digests() != manifest.digests:
            raise UsageError(str(folder), "was compiled again while it was read.", "run again.")
        onnx.load_from_string(files["network.onnx"])  # a damaged one is told here
        return Build(
            graph=codec.from_json(files["graph.json"].decode()),
            before=onnx.load_from_string(files["software/before.onnx"]),
            after=onnx.load_from_string(files["software/after.onnx"]),
            project=Project(files),
            backend=manifest.backend or read_json(files["report.json"])["backend"],
            own=is_own(folder),
        )
    except (
        OSError, KeyError, ValueError, TypeError, AttributeError, RecursionError, DecodeError,
    ) as error:  # fmt: skip
        raise UsageError(str(folder), f"is damaged ({error}).", NAME_A_BUILD) from error


def check_arrays(path: Path, count: int, *, option: str) -> None:
    """Refuse, before any work is done, a file whose name does not say what it will hold.

    Args:
        path: .npy for one array, .npz for any number.
        count: how many arrays there will be.
        option: what names the file, for the message.

    Raises:
        UsageError: it ends in something else, or in .npy for several arrays.
    """
    if path.exists() and not path.is_file():
        return  # a device or a pipe; folders are refused before
    if path.suffix not in (".npy", ".npz"):
        fix = "name a .npy file." if count == 1 else "name a .npz file."
        raise UsageError(f"{option} {path}", "is no .npy or .npz file.", fix)
    if path.suffix == ".npy" and count > 1:
        why = f"holds one array, and the network has {count} outputs."
        raise UsageError(f"{option} {path}", why, "name a .npz file.")


def save_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Write one array to a .npy, or any number to a .npz under their names.

    What is no regular file (a pipe, /dev/stdout) gets a .npy of one array, and a .npz of several.
    """
    check_parent(f"--outputs {path}", path)
    content = npy(next(iter(arrays.values())))
    if len(arrays) > 1 or path.suffix == ".npz":
        buffer = io.BytesIO()
        np.savez(buffer, **dict(arrays))  # type: ignore[arg-type]
        content = buffer.getvalue()
    path.write_bytes(content)


def npy(array: npt.NDArray[Any]) -> bytes:
    """The array as the bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def onnx_bytes(model: onnx.ModelProto) -> bytes:
    """The model's bytes; the same model gives the same bytes."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def replace_folder(project: Project, folder: Path, *, disk: Disk | None = None) -> None:
    """Write the project as `folder`; whatever fails, the old or the new build stands there.

    Files of the folder that no build of fpgacomp listed are the user's own, and stay.

    Args:
        project: every file of the new build, its manifest among them.
        folder: the build directory; its parent exists.
        disk: the file system; tests give one that fails.

    Raises:
        UsageError: as `check_free`, or a file of the user's own is in the way.
        FileSystemError: the disk is full, or the folder cannot be written.
    """
    where = f"--out {folder}"
    replace.replace_folder(
        folder, project.files, owned=lambda: _owned(folder.resolve(), where), disk=disk
    )
