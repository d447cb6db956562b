"""Ed25519 signatures of packages: whose key is configured, and whether it signed.

The signature itself is checked by the package `cryptography`, which only a device with a key needs.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from .environment import wanted_key
from .errors import DeviceError, NotInstalled

SIGNATURE_BYTES = 64
# Where a device keeps the key that every package must be signed by.
DEVICE_KEY = Path("/etc/fpgacomp/package-key.pub")

_KEY_BYTES = 32
_MOST_BYTES = 4096
# In front of the 32 bytes of every Ed25519 key in DER (RFC 8410, section 4).
_DER_PREFIX = bytes.fromhex("302a300506032b6570032100")
_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
_FIX = "name the .pub file that `fpgacomp new-key` wrote."


class KeyRefused(DeviceError):
    """A file that holds no public key, or none that can be read."""

    exit_code = 2


def configured_key(path: str | Path | None = None) -> bytes | None:
    """The key that packages must be signed by: of an argument, the environment, or the device.

    Args:
        path: file of a public key; None: that of FPGACOMP_PACKAGE_KEY, or else of
            /etc/fpgacomp/package-key.pub where that exists.

    Returns:
        32 bytes, or None where no key is configured.

    Raises:
        KeyRefused: a key is configured, and cannot be read. It is never passed over.
    """
    place = path if path is not None else wanted_key() or None
    if place is None and not os.path.lexists(str(DEVICE_KEY)):
        return None
    return read_public_key(DEVICE_KEY if place is None else place)


def read_public_key(path: str | Path) -> bytes:
    """The 32 bytes of an Ed25519 public key, from a PEM file.

    Raises:
        KeyRefused: there is no such file, or it holds something else.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as problem:
        why = f"cannot be read: {problem.strerror}."
        raise KeyRefused(str(path), why, _FIX) from None
    try:
        lines = content.decode("ascii").split()
        text = " ".join(lines)
        if not (text.startswith(_BEGIN) and text.endswith(_END)) or len(content) > _MOST_BYTES:
            raise ValueError
        body = text[len(_BEGIN) : -len(_END)].replace(" ", "")
        der = base64.b64decode(body.encode("ascii"), validate=True)
        if len(der) != len(_DER_PREFIX) + _KEY_BYTES or not der.startswith(_DER_PREFIX):
            raise ValueError
    except ValueError:
        raise KeyRefused(str(path), "holds no Ed25519 public key in PEM form.", _FIX) from None
    return der[len(_DER_PREFIX) :]


def is_signed_by(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the owner of a key signed a message.

    Raises:
        NotInstalled: `cryptography` is not installed.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise NotInstalled(
            "cryptography", "is not installed, and checks the signature of a package.",
            "install it: pip install cryptography.",
        ) from None  # fmt: skip
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
