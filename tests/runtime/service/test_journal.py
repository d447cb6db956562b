"""Answers outlive kills and full disks: what was given is found again, and nothing else is."""

from __future__ import annotations

import errno
import os
import random
import time
from pathlib import Path

import pytest

from fpgacomp.runtime.service import journal as module
from fpgacomp.runtime.service.journal import GivenAnswer, Journal, SegmentFile
from fpgacomp.runtime.service.refusal import ServiceRefusal, StateError


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
        found = Journal(folder)
        assert all(found.find(id) in (given(0), given(1)) for id in found.ids())
        assert len(found) < 2
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
    with pytest.raises(StateError, match="used by another process"):
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
