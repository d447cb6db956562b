"""The answers that were given, on the disk: an id gets the same answer again, also after a kill.

    FOLDER/00000001.journal     a segment: its first line, then records, each appended and synced
    FOLDER/00000002.journal     the next one; the oldest of several is removed

A record is its length and CRC-32, then 16 bytes that tell the inputs, the length of the id, the id
and the reply. What a kill or a full disk left of a record at the end of a segment is dropped.
"""

from __future__ import annotations

import os
import struct
import threading
import time
import zlib
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence

from .refusal import ServiceRefusal, StateError

_HEAD = b"fpgacomp journal 1\n"
_RECORD = struct.Struct("<II")
_DIGEST = 16
_SUFFIX = ".journal"
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
        """Find the records; the first one that is not whole ends the segment."""
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if file.read(len(_HEAD)) != _HEAD:
                return
            self.end = len(_HEAD)
            while True:
                head = file.read(_RECORD.size)
                if len(head) < _RECORD.size:
                    return
                length, checksum = _RECORD.unpack(head)
                if length > size - self.end - _RECORD.size:
                    return
                record = file.read(length)
                if len(record) < length or zlib.crc32(record) != checksum or length <= _DIGEST:
                    return
                self.places[_parsed(record).id] = self.end + _RECORD.size, length
                self.end += _RECORD.size + length

    def read(self, id: str) -> GivenAnswer | None:
        """The answer of an id that the segment has; None where it was damaged since."""
        offset, length = self.places[id]
        with self.path.open("rb") as file:
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
        try:
            for path in sorted(folder.glob("[0-9]" * 8 + _SUFFIX)):
                segment = _Segment(path)
                segment.scan()
                self._segments.append(segment)
        except OSError as problem:
            os.close(self._lock)
            raise _unusable(folder, problem) from None
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
            ServiceRefusal: the disk takes no more. Nothing is kept of them.
        """
        records = [_record(answer) for answer in answers]
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
            self._handle = os.open(str(last.path), os.O_WRONLY | os.O_APPEND)
            os.ftruncate(self._handle, last.end)

    def _begin_segment(self) -> None:
        """Open the next segment; the oldest one goes first, which also makes room."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        while len(self._segments) >= SEGMENTS:
            self._segments[0].path.unlink()
            del self._segments[0]
        number = int(self._segments[-1].path.stem) + 1 if self._segments else 1
        if self._segments and self._segments[-1].end < len(_HEAD):
            # Its first line was never written whole: the file is taken again.
            number -= 1
            self._segments.pop()
        segment = _Segment(self._folder / f"{number:08d}{_SUFFIX}")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC
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
                       "name a folder of the service's own that it may write to.")  # fmt: skip
