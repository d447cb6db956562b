"""The build directory: written beside, then put in place of the old one at once."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fpgacomp.errors import UsageError
from fpgacomp.ir.project import Project

MANIFEST = "manifest.json"
_TOOLS = ("fpgacomp", "hls4ml", "numpy", "onnx", "onnxruntime", "qonnx")


def check_free(folder: Path) -> None:
    """The folder is absent, empty, or an earlier result of ours.

    Raises:
        UsageError: it holds something else, or is a file.
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


def with_manifest(
    project: Project, inputs: Mapping[str, bytes], options: Mapping[str, Any]
) -> Project:
    """The project and its manifest: inputs, options, tool versions, every file's SHA-256."""
    content = {
        "inputs": {name: hashlib.sha256(data).hexdigest() for name, data in inputs.items()},
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
    """Write the project as `folder`; what was there stays whole until all is written."""
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
