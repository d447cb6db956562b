"""Tells builds of this user from those of others, by a key in the user's config folder."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from fpgacomp.host.toolchain import config_folder

_KEY_FILE = "build-key"
_KEY_BYTES = 32


def sign(content: bytes) -> str | None:
    """The signature of a manifest by this user's key, which is made when it is first needed.

    Returns:
        64 hexadecimal digits, or None where no key can be kept in the user's config folder.
    """
    key = _key() or _new_key()
    return None if key is None else hmac.new(key, content, hashlib.sha256).hexdigest()


def is_signed(content: bytes, signature: str) -> bool:
    """Whether this user's key made the signature of this very content."""
    key = _key()
    if key is None or not signature.isascii():
        return False
    expected = hmac.new(key, content, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)


def _key() -> bytes | None:
    """The user's key; None where there is none, or others may read or write it."""
    path = config_folder() / _KEY_FILE
    try:
        if path.is_symlink() or path.stat().st_mode & 0o077:
            return None
        key = path.read_bytes()
    except OSError:
        return None
    return key if len(key) == _KEY_BYTES else None


def _new_key() -> bytes | None:
    path = config_folder() / _KEY_FILE
    key = secrets.token_bytes(_KEY_BYTES)
    scratch = Path(f"{path}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(key)
        # A second name fails where another run was faster: that run's key is everybody's.
        os.link(scratch, path)
    except OSError:
        return _key()
    finally:
        with suppress(OSError):
            scratch.unlink()
    return key
