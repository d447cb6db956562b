"""The platform of PYNQ, on a module that has what PYNQ 2.7 and 3 have, before an emulated board."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fpgacomp.runtime import pynq as platform_module
from fpgacomp.runtime.axi import AxiTransport
from fpgacomp.runtime.emulated import EmulatedPlatform
from fpgacomp.runtime.errors import DeviceError, NotInstalled, TransferError
from fpgacomp.runtime.pynq import PynqPlatform
from tests.support.emulators import IN0, IN1, MAP, OUT0, answers, device, frames_library


class FakeBuffer(np.ndarray):  # type: ignore[type-arg]
    """What pynq.allocate returns: an array with a physical address and methods of the cache."""

    of: Any

    @property
    def device_address(self) -> int:
        return int(self.of.address)

    def flush(self) -> None:
        self.of.array[:] = self
        self.of.flush()

    def invalidate(self) -> None:
        self.of.invalidate()
        self[:] = self.of.array

    def freebuffer(self) -> None:
        self.of.close()


class FakePynq(ModuleType):
    """The parts of pynq that the runtime uses, as its documentation has them."""

    def __init__(self, board: EmulatedPlatform) -> None:
        super().__init__("pynq")
        self.board, self.loaded, self.freed = board, list[str](), 0
        fake = self

        class MMIO:
            def __init__(self, base_addr: int, length: int = 4) -> None:
                self.base, self.length = base_addr, length

            def read(self, offset: int = 0, length: int = 4) -> int:
                assert length == 4 and 0 <= offset < self.length
                return board.read32(self.base + offset)

            def write(self, offset: int, data: int) -> None:
                assert 0 <= offset < self.length and isinstance(data, int)
                board.write32(self.base + offset, data)

        class Overlay:
            def __init__(self, bitfile_name: str) -> None:
                if "broken" in bitfile_name:
                    raise RuntimeError("Unable to parse bitstream header")
                fake.loaded.append(bitfile_name)

            def free(self) -> None:
                fake.freed += 1

        def allocate(shape: tuple[int, ...], dtype: str) -> FakeBuffer:
            try:
                buffer = board.allocate(shape[0])
            except DeviceError as error:
                raise RuntimeError("Failed to allocate Memory!") from error
            made = np.zeros(shape, dtype).view(FakeBuffer)
            made.of = buffer
            return made

        self.MMIO, self.Overlay, self.allocate = MMIO, Overlay, allocate


@pytest.fixture
def pynq(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePynq]:
    with device(frames_library()) as board:
        fake = FakePynq(board)
        monkeypatch.setitem(sys.modules, "pynq", fake)
        yield fake


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the place of /dev/mem."""
    place = tmp_path / "mem"
    place.touch()
    monkeypatch.setattr(platform_module, "_MEMORY", place)
    return place


def test_one_program_at_a_time_has_the_boards_logic(
    bitstream: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is loaded over what another one uses; a bitstream that fails holds nothing."""
    loaded: list[str] = []

    def overlay(path: str) -> object:
        loaded.append(path)
        if "broken" in path:
            raise RuntimeError("no bitstream")
        return object()

    fake = SimpleNamespace(Overlay=overlay, MMIO=lambda base, size: None)
    monkeypatch.setitem(sys.modules, "pynq", fake)
    first = PynqPlatform(bitstream, MAP, 1)
    with pytest.raises(DeviceError, match=r"in use by another program.*end that one first"):
        PynqPlatform(bitstream, MAP, 1)
    assert loaded == [str(bitstream)]
    first.close()
    for ending in ("bit", "hwh"):
        bitstream.with_name(f"broken.{ending}").touch()
    with pytest.raises(DeviceError, match="no bitstream"):
        PynqPlatform(bitstream.with_name("broken.bit"), MAP, 1)
    PynqPlatform(bitstream, MAP, 1).close()
    memory.unlink()
    PynqPlatform(bitstream, MAP, 1).close()


@pytest.fixture
def bitstream(tmp_path: Path) -> Path:
    for ending in ("bit", "hwh"):
        (tmp_path / f"digits.{ending}").touch()
    return tmp_path / "digits.bit"


@pytest.mark.slow
def test_answers_through_pynq(pynq: FakePynq, bitstream: Path) -> None:
    platform = PynqPlatform(bitstream, MAP, 2)
    assert pynq.loaded == [str(bitstream)]
    transport = AxiTransport(platform, (IN0, IN1), (OUT0,), MAP)
    rng = np.random.default_rng(0)
    given = [rng.integers(0, 256, (6, size)).astype(np.uint8) for size in (5, 10)]
    (found,) = transport.finish(transport.start(given), 5.0)
    assert (found == answers(*given)).all()
    with pytest.raises(TransferError, match="address 0x40420000: is no register of this design"):
        platform.read32(MAP.dma + 2 * MAP.stride)
    with pytest.raises(DeviceError, match="PYNQ cannot allocate 2097152 bytes: Failed to alloc"):
        platform.allocate(1 << 21)
    transport.close()
    assert pynq.freed == 1 and len(pynq.board._free) == 1
    with pytest.raises(TransferError, match="is no register"):
        platform.write32(MAP.control, 0)


@pytest.mark.slow
def test_a_bitstream_that_cannot_be_loaded(pynq: FakePynq, tmp_path: Path) -> None:
    bit = tmp_path / "broken.bit"
    for needed in (bit, bit.with_suffix(".hwh")):
        with pytest.raises(DeviceError, match=f"{needed.name}: is missing.*side by side"):
            PynqPlatform(bit, MAP, 1)
        needed.touch()
    with pytest.raises(DeviceError, match=r"Unable to parse bitstream header.*run as root"):
        PynqPlatform(bit, MAP, 1)


def test_without_pynq_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, bitstream: Path) -> None:
    monkeypatch.setitem(sys.modules, "pynq", None)
    with pytest.raises(NotInstalled, match=r"pynq: is not installed for this Python.*PYNQ image"):
        platform_module.PynqPlatform(bitstream, MAP, 1)
