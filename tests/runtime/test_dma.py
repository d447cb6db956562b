"""The driver of AXI DMA: every way a transfer can fail is told with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.runtime.dma import AxiDma
from fpgacomp.runtime.emulated import EmulatedBuffer, EmulatedPlatform
from fpgacomp.runtime.errors import TransferError
from fpgacomp.runtime.platform import wait_until
from tests.support.emulators import MAP, device, frames_library

pytestmark = pytest.mark.slow

FIRST, SECOND = bytes([1, 2, 3, 4, 5]), bytes(range(10))


@pytest.fixture
def library() -> Path:
    return frames_library()


class Dmas:
    """Both DMAs of the design of frames.cpp, and a buffer for each of its ports."""

    def __init__(self, platform: EmulatedPlatform) -> None:
        self.platform = platform
        zero = AxiDma(platform, MAP.dma, "DMA 0")
        one = AxiDma(platform, MAP.dma + MAP.stride, "DMA 1", receives=False)
        assert zero.sender and zero.receiver and one.sender and not one.receiver
        self.zero, self.one = zero, one
        self.in0, self.in1, self.out = zero.sender, one.sender, zero.receiver
        self.buffers = {name: platform.allocate(64) for name in ("in0", "in1", "out")}
        self.reset()

    def reset(self) -> None:
        self.zero.reset()
        self.one.reset()

    def filled(self, name: str, content: bytes) -> EmulatedBuffer:
        self.buffers[name].array[: len(content)] = np.frombuffer(content, np.uint8)
        return self.buffers[name]

    def send(self, first: bytes = FIRST, second: bytes = SECOND) -> None:
        self.in0.start(self.filled("in0", first), len(first))
        self.in1.start(self.filled("in1", second), len(second))

    def ended(self) -> bool:
        return wait_until(self.out.done, 1e-3, self.platform.now, self.platform.sleep)


@pytest.fixture
def dmas(library: Path) -> Iterator[Dmas]:
    with device(library, patience_cycles=5000) as platform:
        yield Dmas(platform)


def test_a_frame_goes_there_and_its_answer_comes_back(dmas: Dmas) -> None:
    for _ in range(3):
        dmas.out.start(dmas.buffers["out"], 10)
        dmas.send()
        assert dmas.ended() and dmas.in0.done() and dmas.in1.done()
        assert dmas.buffers["out"].array[:11].tolist() == [*range(15, 25), 0]
    assert dmas.platform.get("misused_transfers") == 0


def test_the_caches_are_heeded(dmas: Dmas, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without flush or invalidate the emulated buffers show stale bytes, as a board's would."""
    for method, wanted in (("flush", [0] * 10), ("invalidate", [9] * 10)):
        with monkeypatch.context() as patch:
            patch.setattr(EmulatedBuffer, method, lambda self: None)
            dmas.buffers["out"].array[:] = 9
            dmas.out.start(dmas.buffers["out"], 10)
            dmas.send()
            assert dmas.ended() and dmas.in0.done() and dmas.in1.done()
            assert dmas.buffers["out"].array[:10].tolist() == wanted


def test_an_answer_that_ends_early(dmas: Dmas) -> None:
    dmas.out.start(dmas.buffers["out"], 12)
    dmas.send()
    with pytest.raises(TransferError, match="DMA 0, S2MM: the answer ended after 10 of 12 bytes"):
        dmas.ended()


def test_an_answer_that_is_too_long(dmas: Dmas) -> None:
    dmas.out.start(dmas.buffers["out"], 8)
    dmas.send()
    with pytest.raises(TransferError, match=r"more than 8 bytes, or no TLAST \(internal error\)"):
        dmas.ended()


def test_a_missing_end_is_late_then_an_internal_error(dmas: Dmas) -> None:
    dmas.platform.set("fault_missing_tlast", 1)
    dmas.out.start(dmas.buffers["out"], 10)
    dmas.send()
    assert not dmas.ended()
    assert dmas.in0.done() and dmas.in1.done()
    dmas.send()
    with pytest.raises(TransferError, match="internal error"):
        dmas.ended()


class Elsewhere(EmulatedBuffer):
    """A buffer that says of itself that it lies somewhere else."""

    place = 0

    @property
    def address(self) -> int:
        return self.place


@pytest.mark.parametrize(
    ("place", "told"),
    [(0x100, "nothing answers at address 0x100 .decode error.*the address map"),
     (0x1_1000_0000, "nothing answers at address 0x110000000 .decode"),
     (0x1000_4000, "the memory at 0x10004000 refused the access .slave error")],
)  # fmt: skip
def test_memory_that_does_not_answer(dmas: Dmas, place: int, told: str) -> None:
    dmas.platform.set("fault_slave_error_at", 0x1000_4000)
    buffer = dmas.filled("in0", FIRST)
    buffer.__class__ = Elsewhere
    assert isinstance(buffer, Elsewhere)
    buffer.place = place
    dmas.in0.start(buffer, 5)
    with pytest.raises(TransferError, match=f"DMA 0, MM2S: {told}"):
        wait_until(dmas.in0.done, 1e-3, dmas.platform.now, dmas.platform.sleep)
    dmas.reset()
    buffer.place = 0x1000_0000
    dmas.in0.start(buffer, 5)
    assert wait_until(dmas.in0.done, 1e-3, dmas.platform.now, dmas.platform.sleep)


def test_what_the_hardware_would_not_tell_is_refused(dmas: Dmas) -> None:
    buffer = dmas.filled("in0", FIRST)
    for count in (0, -1, 65, 1 << 26):
        with pytest.raises(TransferError, match=f"cannot carry {count} bytes.*1 to 67108863"):
            dmas.in0.start(buffer, count)
    with pytest.raises(TransferError, match="has no transfer"):
        dmas.in0.done()
    buffer.__class__ = Elsewhere
    assert isinstance(buffer, Elsewhere)
    buffer.place = 0x1000_0004
    with pytest.raises(TransferError, match=r"cannot reach a buffer at 0x10000004.*align"):
        dmas.in0.start(buffer, 5)
    dmas.in1.start(dmas.buffers["in1"], 10)
    with pytest.raises(TransferError, match="is still busy with a frame"):
        dmas.in1.start(dmas.buffers["in1"], 10)


def test_a_halt_by_somebody_else(dmas: Dmas) -> None:
    dmas.out.start(dmas.buffers["out"], 10)
    dmas.platform.write32(MAP.dma, 4)
    with pytest.raises(TransferError, match="was halted or reset during a transfer"):
        dmas.out.done()


def test_a_dma_that_is_not_there(dmas: Dmas, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = AxiDma(dmas.platform, MAP.dma + 2 * MAP.stride, "DMA 2")
    with pytest.raises(TransferError, match="nothing is there for a write at 0x40420000"):
        absent.reset()
    # What a bus answers whose other side has no clock, and what a DMA of another kind does.
    for value, told in (
        (0xFFFFFFFF, "DMA 0: does not come out of reset.*clock"),
        (0x1, "DMA 0, MM2S: stays halted although it was told to run"),
        (0x8, "DMA 0, MM2S: was built with scatter-gather"),
    ):

        def read32(self: EmulatedPlatform, address: int, value: int = value) -> int:
            self.sleep(1e-5)
            return value

        with monkeypatch.context() as patch:
            patch.setattr(EmulatedPlatform, "read32", read32)
            with pytest.raises(TransferError, match=told):
                dmas.zero.reset()


def test_waiting_asks_once_more_when_time_is_over() -> None:
    """A process that stood still past the deadline finds what came meanwhile."""
    times, asked = iter([0.0, 99.0]), iter([False, True])
    assert wait_until(lambda: next(asked), 1.0, lambda: next(times), lambda _: None)


def test_pauses_grow_and_end_with_the_deadline() -> None:
    clock, pauses = [0.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds

    def asked() -> bool:
        clock[0] += 1e-5
        return False

    assert not wait_until(asked, 0.05, lambda: clock[0], sleep)
    assert pauses[0] < 2e-5 and max(pauses) == 1e-3 and sum(pauses) < 0.051
