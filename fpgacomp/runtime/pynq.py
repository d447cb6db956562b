"""A Zynq board under PYNQ 2.7 or 3: overlay, registers and memory for the drivers."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .address_map import MAPS, AddressMap
from .axi import AxiTransport
from .deployment import Deployment
from .errors import DeviceError, NotInstalled, TransferError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# What PYNQ reaches registers through: whoever holds a lock on it has the board's logic.
_MEMORY = Path("/dev/mem")
_DMA_SIZE = 0x1000
_CONTROL_SIZE = 0x1000


def connect(
    deployment: Deployment, bitstream: str | Path, address_map: AddressMap = MAPS["zynq-7000"]
) -> AxiTransport:
    """Load a bitstream, and the way to its accelerator; see `PynqPlatform`."""
    inputs, outputs = deployment.inputs, deployment.outputs
    platform = PynqPlatform(bitstream, address_map, max(len(inputs), len(outputs)))
    try:
        return AxiTransport(platform, inputs, outputs, address_map)
    except DeviceError:
        platform.close()
        raise


class PynqPlatform:
    """A board whose logic is loaded through PYNQ.

    Args:
        bitstream: the .bit file; its .hwh lies beside it.
        address_map: of its block design.
        dmas: how many DMAs it has.

    Raises:
        NotInstalled: this Python has no pynq.
        DeviceError: the bitstream cannot be loaded, or another program has the board's logic.
    """

    def __init__(self, bitstream: str | Path, address_map: AddressMap, dmas: int) -> None:
        try:
            import pynq  # type: ignore[import-not-found]
        except ImportError:
            raise NotInstalled(
                "pynq", "is not installed for this Python.",
                "run on the board's PYNQ image, with the Python of /usr/local/share/pynq-venv.",
            ) from None  # fmt: skip
        self._pynq: Any = pynq
        path = Path(bitstream)
        for needed in (path, path.with_suffix(".hwh")):
            if not needed.is_file():
                raise DeviceError(str(needed), "is missing.", "copy .bit and .hwh side by side.")
        self._lock = _locked()
        try:
            self._overlay = pynq.Overlay(str(path))
        except (OSError, RuntimeError, ValueError) as problem:
            self._unlock()
            raise DeviceError(
                str(path), f"PYNQ cannot load it: {problem}.",
                "run as root, and name a bitstream that was built for this board.",
            ) from None  # fmt: skip
        self._ranges = [(address_map.control, _CONTROL_SIZE)]
        self._ranges += [
            (address_map.dma + number * address_map.stride, _DMA_SIZE) for number in range(dmas)
        ]
        try:
            self._windows = [pynq.MMIO(base, size) for base, size in self._ranges]
        except BaseException:
            self._unlock()
            raise

    @property
    def bus(self) -> PynqPlatform:
        """The platform itself, which has both methods."""
        return self

    def read32(self, address: int) -> int:
        window, offset = self._window(address)
        return int(window.read(offset))

    def write32(self, address: int, value: int) -> None:
        window, offset = self._window(address)
        window.write(offset, value)

    def allocate(self, size: int) -> PynqBuffer:
        try:
            return PynqBuffer(self._pynq.allocate(shape=(size,), dtype="u1"))
        except (RuntimeError, MemoryError) as problem:
            raise DeviceError(
                "contiguous memory", f"PYNQ cannot allocate {size} bytes: {problem}.",
                "close what is not used any more, or enlarge CMA at boot.",
            ) from None  # fmt: skip

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        """Let go of the overlay; the design stays in the logic until another is loaded."""
        self._windows = []
        free = getattr(self._overlay, "free", None)
        try:
            if free is not None:
                free()
        finally:
            self._unlock()

    def _unlock(self) -> None:
        """Let another program have the board's logic."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def _window(self, address: int) -> tuple[Any, int]:
        """What reaches the address, and its place there; outside, the bus would stop the process.

        Raises:
            TransferError: the address is in no window, or the platform was closed.
        """
        for (base, size), window in zip(self._ranges, self._windows):
            if 0 <= address - base < size:
                return window, address - base
        raise TransferError(f"address {address:#x}", "is no register of this design.",
                            "open the device, with the address map of its bitstream.")  # fmt: skip


def _locked() -> int:
    """A file whose lock keeps other programs from the board's logic; -1 where there is none.

    Two would start each other's transfers, and take each other's answers. The lock ends with the
    process.

    Raises:
        DeviceError: another program has it.
    """
    import fcntl

    try:
        handle = os.open(str(_MEMORY), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1  # PYNQ says what it needs
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise DeviceError(
            "the board's logic", "is in use by another program, and each would get the other's "
            "answers.",
            "end that one first: a service, for instance, by systemctl stop fpgacomp@NAME.",
        ) from None  # fmt: skip
    return handle


class PynqBuffer:
    """A buffer of `pynq.allocate`."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer

    @property
    def array(self) -> npt.NDArray[np.uint8]:
        found: npt.NDArray[np.uint8] = self._buffer
        return found

    @property
    def address(self) -> int:
        return int(self._buffer.device_address)

    def flush(self) -> None:
        self._buffer.flush()

    def invalidate(self) -> None:
        self._buffer.invalidate()

    def close(self) -> None:
        if self._buffer is not None:
            self._buffer.freebuffer()
            self._buffer = None
