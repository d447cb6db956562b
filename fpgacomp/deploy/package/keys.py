"""Ed25519 keys that packages are signed with: a file of their owner, and the public one beside."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from fpgacomp.deploy.package.archive import Signer
from fpgacomp.errors import FileSystemError, ToolError, UsageError
from fpgacomp.host.plain import read_plain

INSTALL = "pip install 'fpgacomp[deploy]'"
_MOST_BYTES = 4096
_PUBLIC = b"-----BEGIN PUBLIC KEY-----"
_NEW = "make one with `fpgacomp new-key FILE`."


def public_file(path: Path) -> Path:
    """Where the public key of a private key's file lies."""
    return path.with_name(f"{path.name}.pub")


def write_new_key(path: Path) -> Path:
    """Make a key pair; the private key is its owner's alone (mode 0600), and never replaced.

    Args:
        path: file of the private key (PKCS 8 in PEM, without a password).

    Returns:
        The file of the public key, which devices get.

    Raises:
        UsageError: one of the two files exists.
        FileSystemError: they cannot be written.
        ToolError: `cryptography` is not installed.
    """
    ed25519, serialization = _cryptography()
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    beside = public_file(path)
    for place in (path, beside):
        if os.path.lexists(place):
            raise UsageError(
                str(place), "exists, and a key is never replaced.", "name another file."
            )
    _write(path, private, 0o600)
    try:
        _write(beside, public, 0o644)
    except FileSystemError:
        with suppress(OSError):
            path.unlink()
        raise
    return beside


def signer(path: Path) -> Signer:
    """What signs with the private key of a file.

    Raises:
        UsageError: there is no such file, it is a public key, others may read it, or it holds no
            such key.
        ToolError: `cryptography` is not installed.
    """
    try:
        content = read_plain(path, _MOST_BYTES)
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(f"--key {path}", f"cannot be read ({_reason(error)}).", _NEW) from error
    if content.lstrip().startswith(_PUBLIC):
        why = "is the public key, which only checks signatures."
        fix = "name the private key, the file without .pub that `fpgacomp new-key` wrote."
        raise UsageError(f"--key {path}", why, fix)
    if os.name == "posix" and mode & 0o077:
        why = f"may be read or written by others (mode {mode & 0o777:o})."
        raise UsageError(f"--key {path}", why, f"make it yours alone: chmod 600 {path}.")
    ed25519, serialization = _cryptography()
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:  # TypeError: it has a password
        why = "holds no private key in PEM form without a password."
        raise UsageError(f"--key {path}", why, _NEW) from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise UsageError(f"--key {path}", "holds a key of another kind than Ed25519.", _NEW)
    sign: Signer = key.sign
    return sign


def _cryptography() -> tuple[Any, Any]:
    """The two modules of `cryptography` that are used; it has no types here.

    Raises:
        ToolError: it is not installed.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        why = "is not installed, and makes keys and signatures."
        raise ToolError("cryptography", why, f"install it with: {INSTALL}") from error
    return ed25519, serialization


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        why = f"cannot be written ({_reason(error)})."
        raise FileSystemError(str(path), why, "name another file.") from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
