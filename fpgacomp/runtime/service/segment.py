"""A segment of the journal: a file of records, read back whatever a kill or a disk did to it.

A segment is its first line, then records. A record is its length and CRC-32, then 16 bytes that
tell the inputs, the length of the id, the id and the reply.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import stat
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

_log = logging.getLogger("fpgacomp.service")
HEAD = b"fpgacomp journal 1\n"
RECORD = struct.Struct("<II")
SUFFIX = ".journal"
_DIGEST = 16
# Ids of requests are visible ASCII; a space parts them from the design.
_ID = re.compile(rb"[ -~]+\Z")
_NAME = re.compile(r"([0-9]{8}|[1-9][0-9]{8,17})\.journal\Z")
# Of the answers that are written together, and of a file that is read: a sparse file costs nothing
# to make, and hours to read.
MAX_WRITE_BYTES = 256 << 20
_MAX_SEGMENT_BYTES = 1 << 30
# Bytes that are read at once where a whole record is looked for, or checked.
_PIECE_BYTES = 1 << 20


class GivenAnswer(NamedTuple):
    """An answer that was given.

    Args:
        id: under which it is found: the design that computed it, and the request's id.
        digest: of the request's inputs.
        reply: what was sent.
    """

    id: str
    digest: bytes
    reply: bytes


class Segment:
    """A segment and where its records lie."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.places: dict[str, tuple[int, int]] = {}  # id -> offset and length behind the head
        self.end = 0  # of its last whole record; 0: not even its first line is there

    def scan(self) -> None:
        """Find the whole records, also those behind damaged bytes.

        Raises:
            OSError: it is no segment: a link, no regular file, or another first line.
        """
        with _opened(self.path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > _MAX_SEGMENT_BYTES:
                raise OSError(errno.EFBIG, f"it has {size} bytes, more than any segment")
            if not _has_head(file.read(len(HEAD)), size):
                return
            self.end = place = len(HEAD)
            while place < size:
                found = _record_at(file, place, size)
                if found is None:
                    place = _next_record(file, place + 1, size)
                    continue
                if place > self.end:
                    _log.warning("%s: %d bytes at %d are damaged; the answers behind them are kept",
                                 self.path, place - self.end, self.end)  # fmt: skip
                id, length = found
                self.places[id] = place + RECORD.size, length
                self.end = place = place + RECORD.size + length

    def read(self, id: str) -> GivenAnswer | None:
        """The answer of an id that the segment has; None where it was damaged since."""
        offset, length = self.places[id]
        with _opened(self.path) as file:
            file.seek(offset - RECORD.size)
            head, record = file.read(RECORD.size), file.read(length)
        if head != RECORD.pack(length, zlib.crc32(record)) or len(record) < length:
            return None
        return _parsed(record)


def segment_paths(folder: Path) -> list[Path]:
    """The segments of a folder, by their numbers, which may have more than eight digits."""
    found = [path for path in folder.iterdir() if _NAME.match(path.name)]
    return sorted(found, key=lambda path: int(path.stem))


def open_regular(path: Path, flags: int) -> int:
    """Open a file that is one: no link to another, and nothing that waits for another process.

    Raises:
        OSError: it is none, or cannot be opened.
    """
    try:
        handle = os.open(str(path), flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link, which is not followed") from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file")
    return handle


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(open_regular(path, os.O_RDONLY), "rb")


def foreign() -> OSError:
    """The error of a file that does not begin as a segment does."""
    line = HEAD.decode().strip()
    return OSError(
        errno.EINVAL, f"its first line is not {line!r}: it is damaged, or of another version"
    )


def _has_head(begin: bytes, size: int) -> bool:
    """Whether a file begins as a segment does; False where a kill left a part of the first line.

    Raises:
        OSError: it begins in another way.
    """
    if begin == HEAD:
        return True
    # What was not written when the power failed may be there as zeros.
    written = begin.rstrip(b"\0")
    if size <= len(HEAD) and HEAD.startswith(written):
        return False
    raise foreign()


def _record_at(file: BinaryIO, place: int, size: int) -> tuple[str, int] | None:
    """Id and length of the record that begins at `place`; None where there is no whole one."""
    file.seek(place)
    head = file.read(RECORD.size)
    if len(head) < RECORD.size:
        return None
    length, checksum = RECORD.unpack(head)
    if not _DIGEST + 1 < length <= min(MAX_WRITE_BYTES, size - place - RECORD.size):
        return None
    begin = file.read(min(length, _DIGEST + 256))
    name = begin[_DIGEST + 1 : _DIGEST + 1 + begin[_DIGEST]]
    if len(name) < begin[_DIGEST] or not _ID.match(name):
        return None
    found, left = zlib.crc32(begin), length - len(begin)
    while left:
        piece = file.read(min(left, _PIECE_BYTES))
        if not piece:
            return None
        found, left = zlib.crc32(piece, found), left - len(piece)
    return (name.decode("ascii"), length) if found == checksum else None


def _next_record(file: BinaryIO, place: int, size: int) -> int:
    """Where the next whole record begins, from `place` on; `size` where there is none."""
    while place < size:
        file.seek(place)
        piece = np.frombuffer(file.read(_PIECE_BYTES + 3), np.uint8)
        if len(piece) < 4:
            return size
        # The length that a record would state which began at each byte.
        count = len(piece) - 3
        lengths = np.zeros(count, np.int64)
        for byte in range(4):
            lengths += piece[byte : byte + count].astype(np.int64) << 8 * byte
        room = size - place - RECORD.size - np.arange(count)
        for at in np.flatnonzero((lengths > _DIGEST + 1) & (lengths <= room)):
            if _record_at(file, place + int(at), size) is not None:
                return place + int(at)
        place += count
    return size


def encode_record(answer: GivenAnswer) -> bytes:
    """The bytes of an answer in a segment."""
    name = answer.id.encode()
    content = answer.digest + bytes([len(name)]) + name + answer.reply
    return RECORD.pack(len(content), zlib.crc32(content)) + content


def _parsed(content: bytes) -> GivenAnswer:
    begin = _DIGEST + 1
    end = begin + content[_DIGEST]
    return GivenAnswer(
        content[begin:end].decode("ascii", "replace"), content[:_DIGEST], content[end:]
    )
