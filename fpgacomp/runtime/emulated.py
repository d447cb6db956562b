"""The emulated board: the library that `fpgacomp emulate` builds, as a platform for the drivers.

Its time is the design's clock: it goes on with each access to a register and stands still in
between, as if the processor took no time for anything else.
"""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .address_map import AddressMap
from .axi import AxiTransport
from .deployment import Deployment
from .environment import emulator_library
from .errors import DeviceError, TransferError

if TYPE_CHECKING:
    import numpy.typing as npt

_ALIGNMENT = 4096
_UNKNOWN = (1 << 64) - 1


def connect(deployment: Deployment, library: str | Path | None = None) -> AxiTransport:
    """The way to the emulated board of a build; see `EmulatedPlatform`."""
    platform = EmulatedPlatform(library)
    try:
        return AxiTransport(platform, deployment.inputs, deployment.outputs, platform.address_map)
    except DeviceError:
        platform.close()
        raise


class EmulatedPlatform:
    """A board that a shared library emulates; a process has one device of a library at a time.

    Args:
        library: its path; None takes that of the environment variable FPGACOMP_EMULATOR.

    Raises:
        DeviceError: the library is missing, is none of fpgacomp's, or is in use.
    """

    def __init__(self, library: str | Path | None = None) -> None:
        path = str(library or emulator_library())
        if not path:
            raise DeviceError(
                "the emulator", "no library was named.",
                "set FPGACOMP_EMULATOR to the path that `fpgacomp emulate DIR` prints.",
            )  # fmt: skip
        self._library = _load(path)
        self._lock = threading.Lock()
        self._open = False
        if self._library.fcemu_open() != 0:
            why = self._library.fcemu_error().decode()
            raise DeviceError(
                path, f"{why}.", "close the device first, or build the emulator anew."
            )
        self._open = True
        base, size = ctypes.c_uint64(), ctypes.c_uint64()
        first = self._library.fcemu_memory(ctypes.byref(base), ctypes.byref(size))
        whole = ctypes.cast(first, ctypes.POINTER(ctypes.c_uint8))
        self._memory: npt.NDArray[np.uint8] = np.ctypeslib.as_array(whole, (size.value,))
        self._base, self._free = base.value, [(0, size.value)]
        self._clock_hz = self.get("clock_hz")

    @property
    def bus(self) -> EmulatedPlatform:
        """The platform itself, which has both methods."""
        return self

    @property
    def address_map(self) -> AddressMap:
        """Where the library has the parts of the system."""
        return AddressMap(
            self.get("control_base"), self.get("dma_base"), self.get("dma_stride")
        )  # fmt: skip

    def read32(self, address: int) -> int:
        with self._lock:
            self._check_open()
            value = int(self._library.fcemu_read32(address))
            self._check_bus()
        return value

    def write32(self, address: int, value: int) -> None:
        with self._lock:
            self._check_open()
            self._library.fcemu_write32(address, value)
            self._check_bus()

    def allocate(self, size: int) -> EmulatedBuffer:
        """Memory from the first free range that is large enough."""
        wanted = -(-max(size, 1) // _ALIGNMENT) * _ALIGNMENT
        with self._lock:
            self._check_open()
            for number, (at, length) in enumerate(self._free):
                if length >= wanted:
                    self._free[number] = (at + wanted, length - wanted)
                    return EmulatedBuffer(self, at, size, wanted)
        raise DeviceError("the emulator", f"has no {wanted} bytes of memory left.",
                          "close buffers that are not used any more.")  # fmt: skip

    def now(self) -> float:
        return self.get("cycles") / self._clock_hz

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._check_open()
            self._library.fcemu_advance(max(1, round(seconds * self._clock_hz)))

    def get(self, name: str) -> int:
        """A parameter or counter of the emulation.

        Raises:
            KeyError: there is none of this name.
        """
        with self._lock:
            self._check_open()
            value = int(self._library.fcemu_get(name.encode()))
        if value == _UNKNOWN:
            raise KeyError(name)
        return value

    def set(self, name: str, value: int) -> None:
        """Set a parameter or fault of the emulation, as the library's README.md lists them.

        Raises:
            KeyError: there is none of this name, or it does not take the value.
        """
        with self._lock:
            self._check_open()
            if self._library.fcemu_set(name.encode(), value) != 0:
                raise KeyError(name)

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                self._memory = np.zeros(0, np.uint8)
                self._library.fcemu_close()

    def _check_open(self) -> None:
        if not self._open:
            raise DeviceError("the emulator", "was closed.", "open the device again.")

    def _check_bus(self) -> None:
        """What a board's processor would be stopped for is an error here."""
        error = self._library.fcemu_error()
        if error:
            raise TransferError(
                "the emulator's bus", f"nothing is there for a {error.decode()}.",
                "use the address map of the emulator's block design.",
            )  # fmt: skip

    def _release(self, at: int, length: int) -> None:
        """Take memory back, and join it with the free ranges beside it."""
        with self._lock:
            ranges = sorted([*self._free, (at, length)])
            joined = ranges[:1]
            for start, count in ranges[1:]:
                last, before = joined[-1]
                if last + before == start:
                    joined[-1] = (last, before + count)
                else:
                    joined.append((start, count))
            self._free = joined


class EmulatedBuffer:
    """Memory of the emulated board, seen through a cache that writes back and reads nothing anew.

    A driver that forgets `flush` or `invalidate` computes with stale bytes here, as it does on a
    board whose DMA is not coherent.
    """

    def __init__(self, platform: EmulatedPlatform, at: int, size: int, length: int) -> None:
        self._platform, self._at, self._length = platform, at, length
        self._array = np.zeros(size, np.uint8)

    @property
    def array(self) -> npt.NDArray[np.uint8]:
        return self._array

    @property
    def address(self) -> int:
        return self._platform._base + self._at

    def flush(self) -> None:
        self._bytes()[:] = self._array

    def invalidate(self) -> None:
        self._array[:] = self._bytes()

    def close(self) -> None:
        if self._length:
            self._platform._release(self._at, self._length)
            self._length = 0

    def _bytes(self) -> npt.NDArray[np.uint8]:
        self._platform._check_open()
        found: npt.NDArray[np.uint8] = self._platform._memory[self._at :][: self._array.size]
        return found


def _load(path: str) -> ctypes.CDLL:
    """The library with the types of its functions (fcemu.h)."""
    try:
        library = ctypes.CDLL(path)
        library.fcemu_error.restype = ctypes.c_char_p
        library.fcemu_read32.argtypes = [ctypes.c_uint64]
        library.fcemu_read32.restype = ctypes.c_uint32
        library.fcemu_write32.argtypes = [ctypes.c_uint64, ctypes.c_uint32]
        library.fcemu_write32.restype = None
        library.fcemu_memory.argtypes = [ctypes.POINTER(ctypes.c_uint64)] * 2
        library.fcemu_memory.restype = ctypes.c_void_p
        library.fcemu_advance.argtypes = [ctypes.c_uint64]
        library.fcemu_advance.restype = ctypes.c_uint64
        library.fcemu_set.argtypes = [ctypes.c_char_p, ctypes.c_uint64]
        library.fcemu_get.argtypes = [ctypes.c_char_p]
        library.fcemu_get.restype = ctypes.c_uint64
        library.fcemu_open.restype = ctypes.c_int
        library.fcemu_close.restype = None
    except (OSError, AttributeError) as problem:
        raise DeviceError(
            path, f"is no emulator of fpgacomp ({problem}).",
            "name the path that `fpgacomp emulate DIR` prints.",
        ) from None  # fmt: skip
    return library
