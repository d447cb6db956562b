"""The answers that were given, on the disk: an id gets the same answer again, also after a kill.

    FOLDER/00000001.journal     a segment: its first line, then records, each appended and synced
    FOLDER/00000002.journal     the next one; the oldest of several is removed

What a kill or a full disk left of a record at the end of a segment is dropped. Damaged bytes
between whole records are skipped and left as they are. A file that is no segment is refused, and
never written: whoever put it there may need it. What a record is, `segment` says.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Iterator, Sequence

from .refusal import ServiceRefusal, StateError
from .segment import (
    HEAD,
    MAX_WRITE_BYTES,
    RECORD,
    SUFFIX,
    GivenAnswer,
    Segment,
    encode_record,
    foreign,
    open_regular,
    segment_paths,
)

# Segments that are kept, the one that is written included.
SEGMENTS = 4
MAX_BYTES = 16 << 20
# Room that the disk must have before requests are taken again.
_PROBE_BYTES = 64 << 10
_PROBE_AFTER_S = 0.5


class SegmentFile:
    """The file operations of a journal; tests give one that fails."""

    def write(self, handle: int, content: bytes) -> int:
        """Write at the file's end; returns how many bytes were taken."""
        return os.write(handle, content)

    def sync(self, handle: int) -> None:
        """Wait until the file is on the disk."""
        os.fsync(handle)


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
        self._segments: list[Segment] = []
        place = folder
        try:
            for place in segment_paths(folder):
                segment = Segment(place)
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
        records = [encode_record(answer) for answer in answers]
        total = sum(map(len, records))
        if total > MAX_WRITE_BYTES:
            raise ServiceRefusal(
                "too large", "the answers", f"have {total} bytes; at most {MAX_WRITE_BYTES} are "
                "kept at once.", "send fewer samples at once.",
            )  # fmt: skip
        with self._guard:
            if self._closed:
                raise self._full("the service has ended")
            at = self._write(b"".join(records))
            last = self._segments[-1]
            for answer, record in zip(answers, records):
                last.places[answer.id] = at + RECORD.size, len(record) - RECORD.size
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
        full = last is not None and last.end > len(HEAD) and (
            last.end + length > self._segment_bytes
        )  # fmt: skip
        if last is None or last.end < len(HEAD) or full:
            self._begin_segment()
        elif self._handle is None:
            handle = open_regular(last.path, os.O_RDWR | os.O_APPEND)
            try:
                if os.pread(handle, len(HEAD), 0) != HEAD:
                    raise foreign()
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
        if self._segments and self._segments[-1].end < len(HEAD):
            # Its first line was never written whole: the name is taken again.
            number -= 1
            torn = Segment(self._segments[-1].path)
            with contextlib.suppress(FileNotFoundError):
                torn.scan()
                if torn.end:
                    raise foreign()
                torn.path.unlink()
            self._segments.pop()
        segment = Segment(self._folder / f"{number:08d}{SUFFIX}")
        # O_EXCL follows no link, and takes nothing that another program put there.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        self._handle = os.open(str(segment.path), flags, 0o600)
        self._segments.append(segment)
        self._all(HEAD)
        self._files.sync(self._handle)
        self._files.sync(self._lock)  # the folder, which has a new entry
        segment.end = len(HEAD)

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
                          "stop the other service, or name another folder by --state."
                          ) from None  # fmt: skip
    return handle


def _unusable(folder: Path, problem: OSError) -> StateError:
    return StateError(str(folder), f"cannot be used: {problem.strerror}.",
                       "name by --state a folder of its own that it may write to, and move files "
                       "away that are none of its.")  # fmt: skip
