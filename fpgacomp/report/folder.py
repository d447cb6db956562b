"""Reads and writes build directories; a new one replaces the old one in a single step."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fpgacomp.errors import UsageError
from fpgacomp.ir import codec
from fpgacomp.ir.graph import Graph
from fpgacomp.network.canonical import Network
from fpgacomp.results.project import Project

MANIFEST = "manifest.json"
_TOOLS = ("fpgacomp", "hls4ml", "numpy", "onnx", "onnxruntime", "qonnx")


def check_free(folder: Path) -> None:
    """Refuse a folder that fpgacomp must not replace.

    Raises:
        UsageError: the folder holds files that fpgacomp did not write, is a file itself, or
            lies in a folder that does not exist.
    """
    if folder.is_file():
        raise UsageError(f"--out {folder}", "is a file.", "name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise UsageError(
            f"--out {folder}",
            "holds something that fpgacomp did not write (it has no manifest.json).",
            "name another folder, or empty this one.",
        )
    if not folder.resolve().parent.is_dir():
        raise UsageError(f"--out {folder}", "lies in a folder that does not exist.",
                         f"create {folder.parent} first.")  # fmt: skip


@dataclass(frozen=True)
class Build:
    """What a simulation needs of a build directory.

    Args:
        graph: the integer graph.
        before, after: the software side, as ONNX models.
        project: every file of the directory.
        backend: the code generator that made it.
    """

    graph: Graph
    before: onnx.ModelProto
    after: onnx.ModelProto
    project: Project
    backend: str


def read_build(folder: Path) -> Build:
    """Read a build directory and check each file against the manifest.

    Raises:
        UsageError: the folder is no build directory, or a file of it was changed or is missing.
    """
    fix = "name the folder that `fpgacomp compile --out` wrote, or compile again."
    if not (folder / MANIFEST).is_file():
        raise UsageError(str(folder), "is no build directory (no manifest.json).", fix)
    try:
        listed = json.loads((folder / MANIFEST).read_text())["files"]
        files = {path: (folder / path).read_bytes() for path in listed}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(str(folder), f"is damaged ({error}).", fix) from error
    project = Project(files)
    changed = [path for path, digest in project.digests().items() if digest != listed[path]]
    if changed:
        raise UsageError(f"{folder}/{changed[0]}", "was changed since it was compiled.", fix)
    return Build(
        graph=codec.from_json(files["graph.json"].decode()),
        before=onnx.load_from_string(files["software/before.onnx"]),
        after=onnx.load_from_string(files["software/after.onnx"]),
        project=project,
        backend=json.loads(files["report.json"])["backend"],
    )


def save_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Write one array as .npy, or several as .npz under their names.

    Raises:
        UsageError: the folder of `path` does not exist.
    """
    if not path.resolve().parent.is_dir():
        raise UsageError(f"--outputs {path}", "lies in a folder that does not exist.",
                         f"create {path.parent} first.")  # fmt: skip
    content = npy(next(iter(arrays.values())))
    if len(arrays) > 1:
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


def with_manifest(project: Project, model: Network, options: Mapping[str, object]) -> Project:
    """The project with manifest.json: input, options, tool versions, each file's SHA-256."""
    content = {
        "model": {"file": Path(model.file).name, "sha256": model.sha256},
        "options": dict(options),
        "tools": {tool: found for tool in _TOOLS if (found := _version(tool))},
        "files": project.digests(),
    }
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    return project.merged(Project({MANIFEST: text.encode()}))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def replace_folder(project: Project, folder: Path) -> None:
    """Write the project as `folder`; an earlier one stays whole until all files are written.

    Raises:
        UsageError: see `check_free`.
    """
    check_free(folder)
    target = folder.resolve()
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fresh = beside / "new"
        fresh.mkdir()
        project.write(fresh)
        if target.exists():
            target.rename(beside / "old")
        fresh.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
