"""The form of a package file: what frames it, and what it may hold.

    header     32 bytes: magic, version of the format, kind of signature, length of the tar
    tar        POSIX ustar: plain files alone, manifest.json first, then the others by name
    signature  64 bytes of Ed25519, where the header says so
    digest     32 bytes: SHA-256 of everything in front of it

The tar is not compressed: zlib and xz give other bytes in other versions (zlib-ng), and one content
must have one archive. For the same reason each header of the tar is the only one that its name and
size can have: no times, no owners, no links, no devices. `tail -c +33 X.fpga | tar -x` unpacks it.
"""

from __future__ import annotations

import re
import struct

MAGIC = b"\x89FPGA\r\n\x1a"
FORMAT = 1
UNSIGNED, ED25519 = 0, 1
MANIFEST = "manifest.json"
# What a package may hold at most. A bitstream of the largest device has some 100 MiB.
MAX_FILES = 10_000
MAX_FILE_BYTES = 256 << 20
MAX_BYTES = 1 << 30
MAX_MANIFEST_BYTES = 8 << 20
MAX_PATH = 150  # so that every path fits into the two fields that ustar has for it
_MAX_DEPTH = 16

HEADER = struct.Struct("<8sHHIQ8x")
HEADER_BYTES = HEADER.size
DIGEST_BYTES = 32
BLOCK = 512
# Keeps a signature of a package from being one of anything else that the same key may sign.
_PURPOSE = b"fpgacomp package 1\n"
# No hidden files, no `..`, nothing that a shell, a terminal or another file system reads otherwise.
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,99}\Z")


def signed_bytes(sha512: bytes) -> bytes:
    """What the signature of a package is made over.

    Args:
        sha512: of the header and the tar, so that neither side keeps the archive in memory.
    """
    return _PURPOSE + sha512


def header_bytes(kind: int, length: int) -> bytes:
    """The header of a package whose tar has `length` bytes."""
    return HEADER.pack(MAGIC, FORMAT, kind, 0, length)


def tar_header(name: str, size: int) -> bytes:
    """The one header that a file may have in the tar of a package."""
    at = name.index("/", len(name) - 101) if len(name) > 100 else -1
    prefix, rest = name[: max(at, 0)], name[at + 1 :]
    block = b"".join((
        rest.encode("ascii").ljust(100, b"\0"),
        b"0000644\0" b"0000000\0" b"0000000\0",  # mode, owner, group
        b"%011o\0" % size,
        b"00000000000\0",  # time
        b" " * 8,  # checksum, which counts itself as blanks
        b"0".ljust(101, b"\0"),  # a plain file, linked to nothing
        b"ustar\0" b"00".ljust(72, b"\0"),  # no names of owner and group
        b"0000000\0" b"0000000\0",  # no device
        prefix.encode("ascii").ljust(155, b"\0"),
        bytes(12),
    ))  # fmt: skip
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def padding(size: int) -> bytes:
    """The zeros behind a file of the tar."""
    return bytes(-size % BLOCK)


def tar_end() -> bytes:
    """The two empty blocks that end the tar."""
    return bytes(2 * BLOCK)


def check_path(name: str) -> str:
    """What is wrong with the path of a file in a package; "" where nothing is."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\\" in name:
        return "leads out of the package"
    if len(name) > MAX_PATH or len(parts) > _MAX_DEPTH:
        return "is longer or deeper than a path of a package may be"
    if not all(_PART.match(part) for part in parts):
        return "has a part that no file of a package may be called"
    return ""


def collision(name: str, spelled: dict[str, tuple[str, bool]]) -> str:
    """What else goes to the place of a file, where case is ignored or anywhere; "" where nothing.

    Args:
        name: path of the file.
        spelled: path in lower case -> (path, whether it is a file) of the files before it and
            their folders; those of this one are added.
    """
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        path, is_file = "/".join(parts[:depth]), depth == len(parts)
        known = spelled.get(path.lower())
        if known == (path, True) and is_file:
            return f"holds {path!r} twice"
        if known is not None and (known != (path, False) or is_file):
            return f"holds both {known[0]!r} and {path!r}"
        spelled[path.lower()] = path, is_file
    return ""
