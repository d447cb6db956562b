"""Writes the package file that `fpgacomp.runtime.archive` reads: one content, one archive."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from fpgacomp.errors import PackageError
from fpgacomp.runtime import form

Signer = Callable[[bytes], bytes]


def manifest_bytes(facts: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The manifest of a package.

    Args:
        facts: name, version and what else it says of the design.
        files: path -> content of every file but the manifest.
    """
    listed = {
        path: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for path, content in files.items()
    }
    content = {**facts, "format": form.FORMAT, "files": listed}
    return (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def archive_bytes(manifest: bytes, files: Mapping[str, bytes], sign: Signer | None = None) -> bytes:
    """The archive of a manifest and the files that it lists.

    Args:
        manifest: of `manifest_bytes`.
        files: path -> content of every file but the manifest.
        sign: gives the 64 bytes of a signature; None: the archive is not signed.

    Raises:
        PackageError: a path or a size is none that a package may have.
    """
    for path, content in files.items():
        if wrong := form.check_path(path):
            raise PackageError(path, f"{wrong}.", "give the file another name, and compile again.")
        if len(content) > form.MAX_FILE_BYTES:
            why = f"has over {form.MAX_FILE_BYTES:,} bytes, the most that a package may hold."
            raise PackageError(path, why, "this design cannot be packaged.")
    if len(files) > form.MAX_FILES:
        why = f"has over {form.MAX_FILES:,} files, the most that a package may hold."
        raise PackageError("the build", why, "this design cannot be packaged.")
    spelled = {form.MANIFEST: (form.MANIFEST, True)}
    for path in sorted(files):
        if twice := form.collision(path, spelled):
            why = f"{twice}, which are one file where case is ignored."
            raise PackageError("the build", why, "rename a layer or port, and compile again.")
    parts = [*_entry(form.MANIFEST, manifest)]
    for path in sorted(files):
        parts += _entry(path, files[path])
    tar = b"".join((*parts, form.tar_end()))
    signed = form.header_bytes(form.ED25519 if sign else form.UNSIGNED, len(tar)) + tar
    if sign is not None:
        signed += sign(form.signed_bytes(hashlib.sha512(signed).digest()))
    return signed + hashlib.sha256(signed).digest()


def _entry(path: str, content: bytes) -> tuple[bytes, bytes, bytes]:
    return form.tar_header(path, len(content)), content, form.padding(len(content))
