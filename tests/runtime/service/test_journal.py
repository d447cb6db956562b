"""Answers outlive kills and full disks: what was given is found again, and nothing else is."""

from __future__ import annotations

import errno
import os
import random
import time
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from fpgacomp.runtime.service import journal as module
from fpgacomp.runtime.service import segment
from fpgacomp.runtime.service.journal import Journal, SegmentFile
from fpgacomp.runtime.service.refusal import ServiceRefusal, StateError
from fpgacomp.runtime.service.segment import GivenAnswer


def given(number: int, size: int = 50) -> GivenAnswer:
    chance = random.Random(number)
    return GivenAnswer(f"id-{number}", chance.randbytes(16), chance.randbytes(size))


class FailingFiles(SegmentFile):
    """A disk that takes so many bytes; then it is full, after part of a write."""

    def __init__(self, room: int, number: int = errno.ENOSPC) -> None:
        self.room, self.number = room, number

    def write(self, handle: int, content: bytes) -> int:
        if self.room <= 0:
            raise OSError(self.number, os.strerror(self.number))
        taken = os.write(handle, content[: self.room])
        self.room -= taken
        return taken


def test_answers_are_found_again_by_the_next_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([given(0), given(1)])
    journal.append([given(2)])
    journal.close()
    again = Journal(tmp_path)
    assert [again.find(f"id-{n}") for n in range(3)] == [given(n) for n in range(3)]
    assert again.find("id-3") is None and len(again) == 3
    again.append([given(3)])
    assert list(again.ids()) == ["id-0", "id-1", "id-2", "id-3"]


@pytest.mark.slow
def test_a_torn_record_at_any_byte_is_dropped_and_written_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "whole")
    journal.append([given(0)])
    first = journal.size
    journal.append([given(1)])
    journal.close()
    (path,) = (tmp_path / "whole").iterdir()
    content = path.read_bytes()
    for length in range(len(content)):
        folder = tmp_path / f"torn-{length}"
        folder.mkdir()
        (folder / path.name).write_bytes(content[:length])
        torn = Journal(folder)
        assert list(torn.ids()) == (["id-0"] if length >= first else [])
        torn.append([given(2)])
        torn.close()
        again = Journal(folder)
        assert again.find("id-2") == given(2) and again.find("id-1") is None
        assert len(again) == (2 if length >= first else 1)
        again.close()


@pytest.mark.slow
def test_a_flipped_bit_is_never_an_answer(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "whole")
    journal.append([given(0), given(1)])
    journal.close()
    (path,) = (tmp_path / "whole").iterdir()
    content = path.read_bytes()
    for at in range(len(content)):
        folder = tmp_path / f"flipped-{at}"
        folder.mkdir()
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        (folder / path.name).write_bytes(damaged)
        if at < len(segment.HEAD):
            with pytest.raises(StateError, match="its first line is not"):
                Journal(folder)
            assert (folder / path.name).read_bytes() == damaged
            continue
        found = Journal(folder)
        assert all(found.find(id) in (given(0), given(1)) for id in found.ids())
        assert len(found) == 1  # the other record is whole, before the damage or behind it
        found.append([given(2)])
        found.close()
        found = Journal(folder)
        assert len(found) == 2 and found.find("id-2") == given(2)
        found.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_full_disk_refuses_and_takes_answers_again(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PROBE_AFTER_S", 0.0)
    for room in range(0, 200, 7):
        files = FailingFiles(room, number)
        journal = Journal(tmp_path / f"{number}-{room}", files=files)
        kept = []
        for n in range(9):
            try:
                journal.append([given(n)])
                kept.append(n)
            except ServiceRefusal as refusal:
                assert refusal.kind == "disk full" and os.strerror(number) in str(refusal)
        assert journal.refusal
        with pytest.raises(ServiceRefusal):
            journal.check_room()
        files.room = 1 << 30
        journal.check_room()
        assert not journal.refusal
        journal.append([given(100)])
        journal.close()
        again = Journal(tmp_path / f"{number}-{room}")
        assert list(again.ids()) == [f"id-{n}" for n in [*kept, 100]]
        again.close()


@pytest.mark.slow
def test_a_full_disk_is_asked_again_after_a_pause_only(tmp_path: Path) -> None:
    files = FailingFiles(0)
    journal = Journal(tmp_path, files=files)
    with pytest.raises(ServiceRefusal):
        journal.append([given(0)])
    files.room = 1 << 30
    with pytest.raises(ServiceRefusal):
        journal.check_room()
    time.sleep(module._PROBE_AFTER_S)
    journal.check_room()


def test_an_answer_that_was_damaged_since_is_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([given(0), given(1)])
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert journal.find("id-0") == given(0) and journal.find("id-1") is None
    path.unlink()
    with pytest.raises(ServiceRefusal, match="No such file"):
        journal.find("id-0")


def test_it_is_bounded_and_forgets_the_oldest(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=16_384)
    for n in range(200):
        journal.append([given(n, 300)])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 16_384
    kept = [int(id.partition("-")[2]) for id in journal.ids()]
    assert kept == list(range(kept[0], 200)) and len(kept) > 25
    journal.close()
    again = Journal(tmp_path, max_bytes=16_384)
    assert [again.find(f"id-{n}") for n in kept] == [given(n, 300) for n in kept]
    again.append([given(500)])
    assert again.find("id-500") == given(500)


def test_an_answer_larger_than_a_segment_is_kept_all_the_same(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=16_384)
    for n in range(3):
        journal.append([given(n, 100_000)])
        assert journal.find(f"id-{n}") == given(n, 100_000)


def test_a_folder_has_one_service(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    with pytest.raises(StateError, match=r"used by another process.*--state"):
        Journal(tmp_path)
    first.close()
    Journal(tmp_path).close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be used"):
        Journal(tmp_path / "file" / "below")


def test_nothing_is_written_once_it_is_closed(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.close()
    with pytest.raises(ServiceRefusal, match="has ended"):
        journal.append([given(0)])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    "content",
    [b"fpgacomp journal 2\nrecords", b"Dear diary,", b"fpgacomp journal", b"\0" * 100, b"x"],
)
def test_a_file_of_another_kind_is_refused_and_stays_as_it_is(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "00000001.journal"
    path.write_bytes(content)
    if segment.HEAD.startswith(content):  # what a kill leaves of the first line
        journal = Journal(tmp_path)
        journal.append([given(0)])
        assert journal.find("id-0") == given(0)
        return
    with pytest.raises(StateError, match=r"00000001\.journal: .*its first line is not"):
        Journal(tmp_path)
    assert path.read_bytes() == content
    path.unlink()
    Journal(tmp_path).close()  # the folder is free again


@pytest.mark.parametrize("kind", ["link", "dangling", "pipe", "folder"])
def test_what_is_no_regular_file_is_refused(kind: str, tmp_path: Path) -> None:
    folder, victim = tmp_path / "answers", tmp_path / "victim"
    folder.mkdir()
    place = folder / "00000001.journal"
    journal = Journal(tmp_path / "other")
    journal.append([given(0)])
    journal.close()
    victim.write_bytes((tmp_path / "other" / place.name).read_bytes() + b"tail")
    before = victim.read_bytes()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(victim if kind == "link" else tmp_path / "new")
    with pytest.raises(StateError, match=r"is a link|is no regular file"):
        Journal(folder)
    assert victim.read_bytes() == before and not (tmp_path / "new").exists()


def test_what_takes_a_segments_place_later_is_not_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([given(0)])
    journal.close()
    (path,) = tmp_path.iterdir()
    for change in ("text", "link"):
        kept = path.read_bytes()
        journal = Journal(tmp_path)
        other = tmp_path / "other"
        other.write_bytes(b"another program's text, longer than the segment" * 10)
        before = other.read_bytes()
        path.unlink()
        other.rename(path) if change == "text" else path.symlink_to(other)
        with pytest.raises(ServiceRefusal, match=r"first line is not|is a link"):
            journal.append([given(1)])
        assert path.read_bytes() == before
        journal.close()
        path.unlink()
        path.write_bytes(kept)


def test_the_next_segment_takes_no_file_that_is_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (tmp_path / "victim").write_text("text")
    (tmp_path / "00000001.journal").symlink_to(tmp_path / "victim")
    with pytest.raises(ServiceRefusal, match="File exists"):
        journal.append([given(0)])
    assert (tmp_path / "victim").read_text() == "text"


@pytest.mark.slow
def test_a_sparse_file_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.append([given(0)])
    journal.close()
    (path,) = tmp_path.iterdir()
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(segment.RECORD.pack(3 << 30, 0))
        file.truncate(whole + 8 + (3 << 30))
    with pytest.raises(StateError, match="more than any segment"):
        Journal(tmp_path)
    assert path.stat().st_size > 3 << 30
    # Below the bound it is read in pieces, and what is behind the hole is found.
    with path.open("r+b") as file:
        file.truncate(whole + 8 + (8 << 20))
        file.seek(0, os.SEEK_END)
        file.write(segment.encode_record(given(1)))
    sizes = []
    opened = segment._opened

    def watched(place: Path) -> BinaryIO:
        file = opened(place)

        class Watched:
            def __getattr__(self, name: str) -> Any:
                return getattr(file, name)

            def __enter__(self) -> Watched:
                return self

            def __exit__(self, *rest: object) -> None:
                file.close()

            def read(self, count: int) -> bytes:
                sizes.append(count)
                return file.read(count)

        return cast("BinaryIO", Watched())

    monkeypatch.setattr(segment, "_opened", watched)
    journal = Journal(tmp_path)
    assert list(journal.ids()) == ["id-0", "id-1"] and journal.find("id-1") == given(1)
    assert max(sizes) <= segment._PIECE_BYTES + 3


def test_the_segment_after_99999999_is_found(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=16_384)
    journal.append([given(0)])
    journal.close()
    (tmp_path / "00000001.journal").rename(tmp_path / "99999999.journal")
    journal = Journal(tmp_path, max_bytes=16_384)
    for n in range(1, 30):
        journal.append([given(n, 300)])
    journal.close()
    assert (tmp_path / "100000001.journal").is_file()
    again = Journal(tmp_path, max_bytes=16_384)
    assert list(again.ids()) == [f"id-{n}" for n in range(30)]
    again.append([given(50)])
    assert set(contents(tmp_path)) <= {"99999999.journal", "100000000.journal",
                                       "100000001.journal", "100000002.journal"}  # fmt: skip


@pytest.mark.parametrize("byte", range(8))
def test_damage_in_the_middle_loses_one_answer_alone(
    byte: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path)
    journal.append([given(n) for n in range(20)])
    journal.close()
    (path,) = tmp_path.iterdir()
    damaged = bytearray(path.read_bytes())
    place = len(segment.HEAD) + 10 * len(segment.encode_record(given(1)))
    damaged[place + byte] ^= 0x41
    path.write_bytes(damaged)
    for round in range(2):
        caplog.clear()
        again = Journal(tmp_path)
        assert "are damaged; the answers behind them are kept" in caplog.text
        assert len(again) == 19 + round
        again.append([given(100)])
        again.close()
        assert path.read_bytes().startswith(damaged)


def test_answers_over_the_bound_are_refused_before_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WRITE_BYTES", 1000)
    journal = Journal(tmp_path)
    with pytest.raises(ServiceRefusal, match="send fewer samples") as refused:
        journal.append([given(0, 600), given(1, 600)])
    assert refused.value.kind == "too large" and len(journal) == 0 and not journal.refusal
    journal.append([given(0, 600)])
