"""Small packages for tests: honest ones, and archives that somebody built to do harm."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fpgacomp.deploy.package.archive import Signer, archive_bytes, manifest_bytes
from fpgacomp.runtime import form

FACTS: Mapping[str, Any] = {
    "name": "digits", "version": 1, "identity": "0" * 32, "board": "pynq-z2", "clock_mhz": 100.0,
    "fpgacomp": "0.2.0", "contents": "sources",
}  # fmt: skip
FILES: Mapping[str, bytes] = {
    "MODEL_CARD.md": b"# digits\n",
    "software/deployment.json": b"{}\n",
    "software/selftest/in0.bin": bytes(range(20)),
    "software/empty.txt": b"",
}


def small(
    path: Path,
    version: int = 1,
    *,
    name: str = "digits",
    board: str = "pynq-z2",
    files: Mapping[str, bytes] = FILES,
    sign: Signer | None = None,
) -> Path:
    """Write a package of a few files."""
    facts = {**FACTS, "version": version, "name": name, "board": board}
    manifest = manifest_bytes(facts, files)
    path.write_bytes(archive_bytes(manifest, files, sign))
    return path


def wrapped(tar: bytes, kind: int = form.UNSIGNED, signature: bytes = b"") -> bytes:
    """Any tar as an archive whose digest is right."""
    whole = struct.pack("<8sHHIQ8x", form.MAGIC, form.FORMAT, kind, 0, len(tar)) + tar + signature
    return whole + hashlib.sha256(whole).digest()


def entry(path: str, content: bytes, **fields: Any) -> bytes:
    """A file of a tar.

    Args:
        fields: overwrite its header: `kind` the type, `at` pairs of an offset and bytes.
    """
    header = bytearray(form.tar_header(path, len(content)))
    if "kind" in fields:
        header[156:157] = fields["kind"]
    for at, replacement in fields.get("at", ()):
        header[at : at + len(replacement)] = replacement
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content + form.padding(len(content))


def hostile(
    entries: Sequence[bytes], files: Mapping[str, bytes] | None = None, **facts: Any
) -> bytes:
    """An archive of these entries behind a manifest that lists `files`."""
    listed = {"a.txt": b"a"} if files is None else files
    manifest = manifest_bytes(FACTS, listed)
    tar = b"".join((entry(form.MANIFEST, manifest), *entries, form.tar_end()))
    return wrapped(tar)


def with_manifest_text(text: str) -> bytes:
    """An archive whose manifest is this text, with one file."""
    body = entry(form.MANIFEST, text.encode()) + entry("a.txt", b"a") + form.tar_end()
    return wrapped(body)


def manifest_text(**changes: Any) -> str:
    """A manifest of one file, with some fields changed; None leaves a field out."""
    content = json.loads(manifest_bytes(FACTS, {"a.txt": b"a"})) | changes
    return json.dumps({key: value for key, value in content.items() if value is not None})
