"""The answers that were given, on the disk: an id gets the same answer again, also after a kill.

    FOLDER/00000001.journal     a segment: its first line, then records, each appended and synced
    FOLDER/00000002.journal     the next one; the oldest of several is removed

A record is its length and CRC-32, then 16 bytes that tell the inputs, the length of the id, the id
and the reply. What a kill or a full disk left of a record at the end of a segment is dropped.
Damaged bytes between whole records are skipped and left as they are. A file that is no segment is
refused, and never written: whoever put it there may need it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import stat
import struct
import threading
import time
import zlib
from pathlib import Path
from typing import BinaryIO, Iterator, NamedTuple, Sequence

import numpy as np

from .refusal import ServiceRefusal, StateError

_log = logging.getLogger("fpgacomp.service")
_HEAD = b"fpgacomp journal 1\n"
_RECORD = struct.Struct("<II")
_DIGEST = 16
_SUFFIX = ".journal"
# Ids of requests are visible ASCII; a space parts them from the design.
_ID = re.compile(rb"[ -~]+\Z")
_NAME = re.compile(r"([0-9]{8}|[1-9][0-9]{8,17})\.journal\Z")
# Of the answers that are written together, and of a file that is read: a sparse file costs nothing
# to make, and hours to read.
_MAX_WRITE_BYTES = 256 << 20
_MAX_SEGMENT_BYTES = 1 << 30
# Bytes that are read at once where a whole record is looked for, or checked.
_PIECE_BYTES = 1 << 20
# Segments that are kept, the one that is written included.
SEGMENTS = 4
MAX_BYTES = 16 << 20
# Room that the disk must have before requests are taken again.
_PROBE_BYTES = 64 << 10
_PROBE_AFTER_S = 0.5


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


class SegmentFile:
    """The file operations of a journal; tests give one that fails."""

    def write(self, handle: int, content: bytes) -> int:
        """Write at the file's end; returns how many bytes were taken."""
        return os.write(handle, content)

    def sync(self, handle: int) -> None:
        """Wait until the file is on the disk."""
        os.fsync(handle)


class _Segment:
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
            if not _has_head(file.read(len(_HEAD)), size):
                return
            self.end = place = len(_HEAD)
            while place < size:
                found = _record_at(file, place, size)
                if found is None:
                    place = _next_record(file, place + 1, size)
                    continue
                if place > self.end:
                    _log.warning("%s: %d bytes at %d are damaged; the answers behind them are kept",
                                 self.path, place - self.end, self.end)  # fmt: skip
                id, length = found
                self.places[id] = place + _RECORD.size, length
                self.end = place = place + _RECORD.size + length

    def read(self, id: str) -> GivenAnswer | None:
        """The answer of an id that the segment has; None where it was damaged since."""
        offset, length = self.places[id]
        with _opened(self.path) as file:
            file.seek(offset - _RECORD.size)
            head, record = file.read(_RECORD.size), file.read(length)
        if head != _RECORD.pack(length, zlib.crc32(record)) or len(record) < length:
            return None
        return _parsed(record)


class Journal:
    """The answers that were given, bounded in bytes; only one process has a folder at a time.

    Args:
        folder: is made where it does not exist.
        max_bytes: of all segments; the oldest answers are forgotten.
        files: the file operations.

    Raises:
        StateError: the folder cannot be used, or another process has it.
    """

    def __init__(
        self, folder: Path, max_bytes: int = MAX_BYTES, files: SegmentFile | None = None
    ) -> None:
        self._folder, self._files = folder, files or SegmentFile()
        self._segment_bytes = max(max_bytes // SEGMENTS, 4096)
        self._guard = threading.Lock()
        self._lock = _locked(folder)
        self._handle: int | None = None  # of the last segment, once it is written
        self._refused_at: float | None = None  # when the disk refused last
        self._why = ""
        self._segments: list[_Segment] = []
        place = folder
        try:
            for place in _segment_paths(folder):
                segment = _Segment(place)
                segment.scan()
                self._segments.append(segment)
        except OSError as problem:
            os.close(self._lock)
            raise _unusable(place, problem) from None
        self._closed = False

    def __len__(self) -> int:
        return sum(len(segment.places) for segment in self._segments)

    @property
    def size(self) -> int:
        """Bytes of all whole records."""
        return sum(segment.end for segment in self._segments)

    @property
    def refusal(self) -> str:
        """Why nothing can be written, as of the last attempt; "" where something can."""
        return self._why

    def ids(self) -> Iterator[str]:
        """Every id that is answered, the oldest first."""
        for segment in self._segments:
            yield from segment.places

    def find(self, id: str) -> GivenAnswer | None:
        """The answer that an id was given; None where it was given none, or it is lost.

        Raises:
            ServiceRefusal: the disk cannot be read.
        """
        with self._guard:
            for segment in reversed(self._segments):
                if id in segment.places:
                    try:
                        return segment.read(id)
                    except OSError as problem:
                        raise self._full(problem.strerror or str(problem)) from None
        return None

    def check_room(self) -> None:
        """Find out whether the disk takes answers again, once it refused some.

        Raises:
            ServiceRefusal: it does not.
        """
        with self._guard:
            if self._refused_at is None:
                return
            if time.monotonic() < self._refused_at + _PROBE_AFTER_S:
                raise self._full()
            # The bytes are no record: whatever is left of them ends the segment for a reader.
            end = self._write(b"\0" * _PROBE_BYTES)
            self._forget_behind(end)
            self._refused_at, self._why = None, ""

    def append(self, answers: Sequence[GivenAnswer]) -> None:
        """Write answers and wait until they are on the disk: all of them, or none.

        Raises:
            ServiceRefusal: the disk takes no more, or they are too large. Nothing is kept of them.
        """
        records = [_record(answer) for answer in answers]
        total = sum(map(len, records))
        if total > _MAX_WRITE_BYTES:
            raise ServiceRefusal(
                "too large", "the answers", f"have {total} bytes; at most {_MAX_WRITE_BYTES} are "
                "kept at once.", "send fewer samples at once.",
            )  # fmt: skip
        with self._guard:
            if self._closed:
                raise self._full("the service has ended")
            at = self._write(b"".join(records))
            last = self._segments[-1]
            for answer, record in zip(answers, records):
                last.places[answer.id] = at + _RECORD.size, len(record) - _RECORD.size
                at += len(record)
            last.end = at
            self._refused_at, self._why = None, ""

    def close(self) -> None:
        """Let another process have the folder."""
        with self._guard:
            if not self._closed:
                self._closed = True
                if self._handle is not None:
                    os.close(self._handle)
                os.close(self._lock)

    def _write(self, content: bytes) -> int:
        """Append bytes to the last segment; returns where they begin."""
        try:
            self._require_segment(len(content))
            assert self._handle is not None
            end = self._segments[-1].end
            self._all(content)
            self._files.sync(self._handle)
            return end
        except OSError as problem:
            self._refused_at, self._why = time.monotonic(), problem.strerror or str(problem)
            if self._handle is not None:
                self._forget_behind(self._segments[-1].end)
            raise self._full() from None

    def _all(self, content: bytes) -> None:
        assert self._handle is not None
        rest = memoryview(content)
        while rest:
            rest = rest[self._files.write(self._handle, bytes(rest)) :]

    def _require_segment(self, length: int) -> None:
        """Have the last segment open, with room for so many bytes."""
        last = self._segments[-1] if self._segments else None
        full = last is not None and last.end > len(_HEAD) and (
            last.end + length > self._segment_bytes
        )  # fmt: skip
        if last is None or last.end < len(_HEAD) or full:
            self._begin_segment()
        elif self._handle is None:
            handle = _open_regular(last.path, os.O_RDWR | os.O_APPEND)
            try:
                if os.pread(handle, len(_HEAD), 0) != _HEAD:
                    raise _foreign()
                os.ftruncate(handle, last.end)
            except OSError:
                os.close(handle)
                raise
            self._handle = handle

    def _begin_segment(self) -> None:
        """Open the next segment; the oldest one goes first, which also makes room."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        while len(self._segments) >= SEGMENTS:
            with contextlib.suppress(FileNotFoundError):
                self._segments[0].path.unlink()
            del self._segments[0]
        number = int(self._segments[-1].path.stem) + 1 if self._segments else 1
        if self._segments and self._segments[-1].end < len(_HEAD):
            # Its first line was never written whole: the name is taken again.
            number -= 1
            torn = _Segment(self._segments[-1].path)
            with contextlib.suppress(FileNotFoundError):
                torn.scan()
                if torn.end:
                    raise _foreign()
                torn.path.unlink()
            self._segments.pop()
        segment = _Segment(self._folder / f"{number:08d}{_SUFFIX}")
        # O_EXCL follows no link, and takes nothing that another program put there.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        self._handle = os.open(str(segment.path), flags, 0o600)
        self._segments.append(segment)
        self._all(_HEAD)
        self._files.sync(self._handle)
        self._files.sync(self._lock)  # the folder, which has a new entry
        segment.end = len(_HEAD)

    def _forget_behind(self, end: int) -> None:
        """Cut off what is no record; where that fails, a reader stops there all the same."""
        assert self._handle is not None
        try:
            os.ftruncate(self._handle, end)
        except OSError:
            os.close(self._handle)
            self._handle = None  # the next attempt opens the file and cuts it off

    def _full(self, why: str = "") -> ServiceRefusal:
        return ServiceRefusal(
            "disk full", str(self._folder), f"answers cannot be kept: {why or self._why}.",
            "make room on the disk; requests are taken again by themselves.",
        )  # fmt: skip


def _segment_paths(folder: Path) -> list[Path]:
    """The segments of a folder, by their numbers, which may have more than eight digits."""
    found = [path for path in folder.iterdir() if _NAME.match(path.name)]
    return sorted(found, key=lambda path: int(path.stem))


def _open_regular(path: Path, flags: int) -> int:
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
    return os.fdopen(_open_regular(path, os.O_RDONLY), "rb")


def _foreign() -> OSError:
    line = _HEAD.decode().strip()
    return OSError(
        errno.EINVAL, f"its first line is not {line!r}: it is damaged, or of another version"
    )


def _has_head(begin: bytes, size: int) -> bool:
    """Whether a file begins as a segment does; False where a kill left a part of the first line.

    Raises:
        OSError: it begins in another way.
    """
    if begin == _HEAD:
        return True
    # What was not written when the power failed may be there as zeros.
    written = begin.rstrip(b"\0")
    if size <= len(_HEAD) and _HEAD.startswith(written):
        return False
    raise _foreign()


def _record_at(file: BinaryIO, place: int, size: int) -> tuple[str, int] | None:
    """Id and length of the record that begins at `place`; None where there is no whole one."""
    file.seek(place)
    head = file.read(_RECORD.size)
    if len(head) < _RECORD.size:
        return None
    length, checksum = _RECORD.unpack(head)
    if not _DIGEST + 1 < length <= min(_MAX_WRITE_BYTES, size - place - _RECORD.size):
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
        room = size - place - _RECORD.size - np.arange(count)
        for at in np.flatnonzero((lengths > _DIGEST + 1) & (lengths <= room)):
            if _record_at(file, place + int(at), size) is not None:
                return place + int(at)
        place += count
    return size


def _record(answer: GivenAnswer) -> bytes:
    name = answer.id.encode()
    content = answer.digest + bytes([len(name)]) + name + answer.reply
    return _RECORD.pack(len(content), zlib.crc32(content)) + content


def _parsed(content: bytes) -> GivenAnswer:
    begin = _DIGEST + 1
    end = begin + content[_DIGEST]
    return GivenAnswer(
        content[begin:end].decode("ascii", "replace"), content[:_DIGEST], content[end:]
    )


def _locked(folder: Path) -> int:
    """The folder, opened and locked; the lock ends with the process."""
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(str(folder), os.O_RDONLY)
    except OSError as problem:
        raise _unusable(folder, problem) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise StateError(str(folder), "is used by another process.",
                          "stop the other service, or name another folder.") from None  # fmt: skip
    return handle


def _unusable(folder: Path, problem: OSError) -> StateError:
    return StateError(str(folder), f"cannot be used: {problem.strerror}.",
                       "name a folder of the service's own that it may write to, and move files "
                       "away that are none of its.")  # fmt: skip
