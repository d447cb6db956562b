"""The model of AXI DMA behaves as PG021 says; no driver of ours is involved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.runtime.emulated import EmulatedPlatform
from fpgacomp.runtime.errors import DeviceError, TransferError
from tests.support.emulators import MAP, device, frames_library

pytestmark = pytest.mark.slow

DMA0, DMA1 = MAP.dma, MAP.dma + MAP.stride
MM2S, S2MM = 0x00, 0x30
DMACR, DMASR, ADDRESS, LENGTH = 0x00, 0x04, 0x18, 0x28
RUN, RESET, IOC_EN, ERR_EN = 1, 1 << 2, 1 << 12, 1 << 14
HALTED, IDLE, INT_ERR, SLV_ERR, DEC_ERR, IOC, ERR = (
    1, 2, 1 << 4, 1 << 5, 1 << 6, 1 << 12, 1 << 14
)  # fmt: skip
BASE = 0x1000_0000
FROM0, FROM1, TO = BASE + 0x100, BASE + 0x200, BASE + 0x300


@pytest.fixture
def library() -> Path:
    return frames_library()


@pytest.fixture
def board(library: Path) -> Iterator[EmulatedPlatform]:
    with device(library, patience_cycles=5000) as platform:
        yield platform


def memory(board: EmulatedPlatform, address: int, count: int) -> np.ndarray:  # type: ignore[type-arg]
    return board._memory[address - BASE :][:count]


def run(board: EmulatedPlatform, channel: int, extra: int = 0) -> None:
    board.write32(channel + DMACR, RUN | extra)


def start(board: EmulatedPlatform, channel: int, address: int, length: int) -> None:
    board.write32(channel + ADDRESS, address)
    board.write32(channel + LENGTH, length)


def status(board: EmulatedPlatform, channel: int) -> int:
    return board.read32(channel + DMASR)


def wait(board: EmulatedPlatform, channel: int, most: int = 400) -> int:
    """The status when the channel is idle or halted."""
    for _ in range(most):
        found = status(board, channel)
        if found & (IDLE | HALTED):
            return found
    pytest.fail("the channel stays busy")


def send_frame(board: EmulatedPlatform) -> None:
    for channel in (DMA0, DMA1):
        run(board, channel)
    memory(board, FROM0, 5)[:] = [1, 2, 3, 4, 5]
    memory(board, FROM1, 10)[:] = range(10)
    start(board, DMA0, FROM0, 5)
    start(board, DMA1, FROM1, 10)


def test_registers_after_switching_on(board: EmulatedPlatform) -> None:
    for channel in (DMA0 + MM2S, DMA0 + S2MM, DMA1 + MM2S):
        assert board.read32(channel + DMACR) == 0x00010002
        assert status(board, channel) == HALTED
        assert board.read32(channel + LENGTH) == 0
    # DMA 1 has no channel to memory, as the design has one output.
    assert [board.read32(DMA1 + S2MM + at) for at in (DMACR, DMASR, LENGTH)] == [0, 0, 0]


def test_a_channel_runs_then_is_idle_after_its_first_transfer_only(board: EmulatedPlatform) -> None:
    start(board, DMA0, FROM0, 5)  # halted: LENGTH has no effect
    assert status(board, DMA0) == HALTED and board.read32(DMA0 + LENGTH) == 0
    run(board, DMA0)
    assert status(board, DMA0) == 0  # neither halted nor idle: a driver must not wait for idle here
    board.write32(DMA0 + LENGTH, 0)
    assert status(board, DMA0) == 0
    start(board, DMA0, FROM0, 5)
    assert wait(board, DMA0) == IDLE | IOC
    board.write32(DMA0 + DMASR, IOC)
    assert status(board, DMA0) == IDLE
    board.write32(DMA0 + DMACR, 0)
    assert status(board, DMA0) == HALTED


def test_an_answer_is_in_memory_and_length_reads_its_bytes(board: EmulatedPlatform) -> None:
    run(board, DMA0 + S2MM)
    start(board, DMA0 + S2MM, TO, 64)  # more room than the answer takes
    send_frame(board)
    assert wait(board, DMA0 + S2MM) == IDLE | IOC
    assert board.read32(DMA0 + S2MM + LENGTH) == 10
    assert memory(board, TO, 12).tolist() == [*range(15, 25), 0, 0]


def test_interrupts_are_levels_that_a_one_clears(board: EmulatedPlatform) -> None:
    interrupts = board._library.fcemu_interrupts
    run(board, DMA0, IOC_EN)
    run(board, DMA1, ERR_EN)
    assert interrupts() == 0
    start(board, DMA0, FROM0, 5)
    start(board, DMA1, 0x100, 10)
    assert wait(board, DMA0) and wait(board, DMA1)
    assert interrupts() == 0b101
    board.write32(DMA0 + DMASR, IOC)
    assert interrupts() == 0b100
    board.write32(DMA1 + DMASR, ERR)
    assert interrupts() == 0
    assert status(board, DMA1) & DEC_ERR  # an error stays until a reset


@pytest.mark.parametrize(("address", "bit"), [(0x100, DEC_ERR), (BASE + (1 << 20) - 4, DEC_ERR),
                                              (BASE + 0x2000, SLV_ERR)])  # fmt: skip
def test_errors_of_the_memory_halt_a_channel_until_a_reset(
    board: EmulatedPlatform, address: int, bit: int
) -> None:
    board.set("fault_slave_error_at", BASE + 0x2000)
    run(board, DMA0)
    start(board, DMA0, address, 5)
    assert wait(board, DMA0) == HALTED | ERR | bit
    assert not board.read32(DMA0 + DMACR) & RUN
    start(board, DMA0, FROM0, 5)
    assert status(board, DMA0) == HALTED | ERR | bit
    board.set("read_cycles", 1)
    board.write32(DMA0 + S2MM + DMACR, RESET)  # of the other channel: it resets both
    assert board.read32(DMA0 + DMACR) & RESET
    while board.read32(DMA0 + DMACR) & RESET:
        pass
    assert board.read32(DMA0 + DMACR) == 0x00010002 and status(board, DMA0) == HALTED


def test_a_frame_beyond_length_is_an_internal_error(board: EmulatedPlatform) -> None:
    run(board, DMA0 + S2MM)
    start(board, DMA0 + S2MM, TO, 8)
    send_frame(board)
    assert wait(board, DMA0 + S2MM) == HALTED | ERR | INT_ERR
    assert memory(board, TO + 8, 4).tolist() == [0] * 4


def test_without_tlast_a_transfer_does_not_end(board: EmulatedPlatform) -> None:
    board.set("fault_missing_tlast", 1)
    run(board, DMA0 + S2MM)
    start(board, DMA0 + S2MM, TO, 10)
    send_frame(board)
    board.sleep(1e-3)
    assert status(board, DMA0 + S2MM) == 0
    send_frame(board)  # the next frame goes on where it stopped, beyond LENGTH
    assert wait(board, DMA0 + S2MM) == HALTED | ERR | INT_ERR


def test_a_reset_ends_a_stream_within_its_frame(board: EmulatedPlatform) -> None:
    board.set("fault_stalled_inputs", 0b11)
    send_frame(board)
    board.sleep(1e-5)
    board.write32(DMA0 + DMACR, RESET)
    assert status(board, DMA0) == HALTED and status(board, DMA1) == 0


def test_length_has_so_many_bits(board: EmulatedPlatform) -> None:
    board.set("length_bits", 8)
    run(board, DMA0)
    start(board, DMA0, FROM0, 0x105)
    assert board.read32(DMA0 + LENGTH) == 5
    for refused in (7, 27):  # PG021: 8 to 26
        with pytest.raises(KeyError):
            board.set("length_bits", refused)


def test_time_cannot_be_made_to_stand_still(board: EmulatedPlatform) -> None:
    for name in ("read_cycles", "memory_bytes_per_cycle", "nothing_of_this_name"):
        with pytest.raises(KeyError):
            board.set(name, 0)
    with pytest.raises(KeyError):
        board.get("nothing_of_this_name")


def test_what_the_guide_leaves_undefined_is_counted(board: EmulatedPlatform) -> None:
    run(board, DMA1)
    start(board, DMA1, FROM1 + 1, 10)  # no multiple of the stream's 4 bytes
    assert board.get("misused_transfers") == 1
    board.write32(DMA1 + LENGTH, 10)  # while it is busy
    assert board.get("misused_transfers") == 2


def cycles_of_a_frame(board: EmulatedPlatform) -> int:
    """From the write of LENGTH to the cycle in which the input channel is idle."""
    board.set("read_cycles", 1)
    run(board, DMA1)
    board.write32(DMA1 + ADDRESS, FROM1)
    board.write32(DMA1 + LENGTH, 10)
    before = board.get("cycles")
    while not board.read32(DMA1 + DMASR) & IDLE:
        pass
    return board.get("cycles") - before


def test_a_transfer_takes_the_cycles_that_the_parameters_say(board: EmulatedPlatform) -> None:
    start_cycles, latency = board.get("start_cycles"), board.get("memory_latency_cycles")
    usual = cycles_of_a_frame(board)
    # Two words of 8 bytes from the memory, the second of which the third beat waits for.
    assert usual == start_cycles + latency + 1 + 3
    board.set("start_cycles", start_cycles + 5)
    board.set("memory_latency_cycles", latency + 7)
    board.write32(MAP.control + 0x0C, 1)
    assert cycles_of_a_frame(board) == usual + 12
    board.set("memory_bytes_per_cycle", 1)
    board.write32(MAP.control + 0x0C, 1)
    # Ten bytes one by one, and the last beat.
    assert cycles_of_a_frame(board) == start_cycles + 5 + latency + 7 + 10 + 1


def test_accesses_cost_stated_cycles(board: EmulatedPlatform) -> None:
    for address in (DMA0, MAP.control):
        before = board.get("cycles")
        board.read32(address)
        assert board.get("cycles") - before == board.get("read_cycles") == 20
        before = board.get("cycles")
        board.write32(address + 0x18, 0)
        assert board.get("cycles") - before == board.get("write_cycles") == 12


def test_time_passes_by_a_design_that_stands_still(board: EmulatedPlatform) -> None:
    board.sleep(3600)
    assert board.now() >= 3600
    send_frame(board)
    assert wait(board, DMA1) & IDLE


def test_an_address_where_nothing_lies_is_a_bus_fault(board: EmulatedPlatform) -> None:
    for address in (0, MAP.control + 0x1000, DMA1 + MAP.stride, DMA0 + 0x1000, DMA0 + 2):
        with pytest.raises(TransferError, match=f"nothing is there for a read at {address:#x}"):
            board.read32(address)
        with pytest.raises(TransferError, match=f"nothing is there for a write at {address:#x}"):
            board.write32(address, 1)
    assert board.get("bus_errors") == 10
    assert board.read32(DMA0 + DMASR) == HALTED


def test_a_process_has_one_device_of_a_library(board: EmulatedPlatform, library: Path) -> None:
    with pytest.raises(DeviceError, match=r"the device is open already.*close the device first"):
        EmulatedPlatform(library)
    board.close()
    with device(library) as again:
        assert again.get("cycles") == 0
    with pytest.raises(DeviceError, match="was closed"):
        board.read32(DMA0)


def test_what_is_no_emulator_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tmp_path / "emulator.so"
    wrong.write_bytes(b"no library")
    with pytest.raises(DeviceError, match="is no emulator of fpgacomp"):
        EmulatedPlatform(wrong)
    monkeypatch.delenv("FPGACOMP_EMULATOR", raising=False)
    with pytest.raises(DeviceError, match=r"no library was named.*set FPGACOMP_EMULATOR"):
        EmulatedPlatform()
    monkeypatch.setenv("FPGACOMP_EMULATOR", str(wrong))
    with pytest.raises(DeviceError, match="is no emulator of fpgacomp"):
        EmulatedPlatform()


def test_memory_is_given_back(board: EmulatedPlatform) -> None:
    half = (1 << 19) - 100
    first, second = board.allocate(half), board.allocate(half)
    with pytest.raises(DeviceError, match="has no 4096 bytes of memory left"):
        board.allocate(1)
    second.close()
    first.close()
    first.close()
    whole = board.allocate(1 << 20)
    assert whole.address == BASE


def test_libraries_of_one_process_share_nothing(board: EmulatedPlatform, tmp_path: Path) -> None:
    other = tmp_path / "other.so"
    other.write_bytes(frames_library().read_bytes())
    with device(other) as second:
        run(second, DMA0)
        assert (status(second, DMA0), status(board, DMA0)) == (0, HALTED)
        board.sleep(1e-3)
        assert second.get("cycles") < 1000 < board.get("cycles")
