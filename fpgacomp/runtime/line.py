"""Lines of bytes to a device: a serial port, or an emulated one."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import Any, Protocol

from .environment import emulator_library
from .errors import DeviceError, NotInstalled, TransferError

_UNKNOWN = (1 << 64) - 1


class ByteLine(Protocol):
    """Bytes to a device and back, at a rate."""

    baud: int

    def now(self) -> float:
        """Seconds on the clock that the device's answers are waited for on."""

    def write(self, data: bytes) -> None:
        """Send bytes; all of them, at once or one after the other."""

    def read(self, most: int, timeout_s: float) -> bytes:
        """What has come, up to `most` bytes, as soon as there is a byte; nothing after the time."""

    def close(self) -> None:
        """Give up the line."""


class SerialLine:
    """A serial port, by pyserial.

    Args:
        device: its name, as /dev/ttyUSB0 or COM3.
        baud: as the design was built for.

    Raises:
        NotInstalled: there is no pyserial.
        TransferError: the port cannot be opened.
    """

    def __init__(self, device: str, baud: int) -> None:
        try:
            import serial  # type: ignore[import-untyped,import-not-found,unused-ignore]
        except ImportError:
            raise NotInstalled("the serial port", "pyserial is not installed.",
                               "pip install pyserial") from None  # fmt: skip
        self.baud = baud
        self._device = device
        self._errors: Any = (serial.SerialException, OSError)
        try:
            # Two programs at one board would get each other's answers, and take them for theirs.
            self._port = serial.Serial(device, baud, timeout=0, exclusive=True)
        except (*self._errors, ValueError, OverflowError) as problem:
            remedy = (
                "check its name, the cable, that you may use it, and that no other program does."
            )
            raise TransferError(device, f"it cannot be opened: {problem}.", remedy) from None

    def now(self) -> float:
        return time.monotonic()

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except self._errors as problem:
            raise self._gone(problem) from None

    def read(self, most: int, timeout_s: float) -> bytes:
        try:
            self._port.timeout = max(timeout_s, 0.0)
            first = bytes(self._port.read(1))
            waiting = min(self._port.in_waiting, most - 1) if first else 0
            return first + (bytes(self._port.read(waiting)) if waiting else b"")
        except self._errors as problem:
            raise self._gone(problem) from None

    def close(self) -> None:
        self._port.close()

    def _gone(self, problem: Any) -> TransferError:
        return TransferError(self._device, f"it failed: {problem}.",
                             "check the cable, and open the device again.")  # fmt: skip


class EmulatedLine:
    """The line to an emulated board, whose time goes on while somebody reads.

    Args:
        library: its path; None takes that of the environment variable FPGACOMP_EMULATOR.

    Raises:
        DeviceError: the library is missing, is none of a board with a UART, or is in use.
    """

    def __init__(self, library: str | Path | None = None) -> None:
        path = str(library or emulator_library())
        if not path:
            raise DeviceError("the emulator", "no library was named.",
                              "set FPGACOMP_EMULATOR to the path of one.")  # fmt: skip
        self._library = _load(path)
        if self._library.fcemu_open() != 0:
            why = self._library.fcemu_error().decode()
            raise DeviceError(
                path, f"{why}.", "close the device first, or build the emulator anew."
            )
        self.baud, self._clock_hz = self.get("baud"), self.get("clock_hz")

    def now(self) -> float:
        return self.get("cycles") / self._clock_hz

    def write(self, data: bytes) -> None:
        self._library.fcemu_uart_write(data, len(data))

    def read(self, most: int, timeout_s: float) -> bytes:
        cycles = int(max(timeout_s, 0.0) * self._clock_hz) + 1
        data = ctypes.create_string_buffer(most)
        count = self._library.fcemu_uart_read(data, 1, cycles)
        if count and most > 1:
            count += self._library.fcemu_uart_read(ctypes.byref(data, 1), most - 1, 0)
        return data.raw[:count]

    def close(self) -> None:
        self._library.fcemu_close()

    def set(self, name: str, value: int) -> None:
        """Set how often the line errs, or hold the reset button for `value` cycles.

        Raises:
            KeyError: there is no setting of this name.
        """
        if self._library.fcemu_set(name.encode(), value) != 0:
            raise KeyError(name)

    def get(self, name: str) -> int:
        """A setting, or a figure: cycles, errors, clock_hz, baud, led_busy, led_fault.

        Raises:
            DeviceError: the emulator was closed.
        """
        value = int(self._library.fcemu_get(name.encode()))
        if value == _UNKNOWN:
            raise DeviceError("the emulator", f"has no {name}.", "open the device again.")
        return value


def is_serial(library: str | Path | None = None) -> bool:
    """Whether a library emulates a board at a serial line, and not one with a processor.

    Args:
        library: its path; None takes that of the environment variable FPGACOMP_EMULATOR.
    """
    path = str(library or emulator_library())
    try:
        return bool(path) and hasattr(ctypes.CDLL(path), "fcemu_uart_read")
    except OSError:
        return False  # whoever opens it says what is wrong with it


def _load(path: str) -> ctypes.CDLL:
    """A library with the types of its functions (hls_templates/link/emulation.cpp.j2)."""
    size, whole = ctypes.c_size_t, ctypes.c_uint64
    functions = {
        "fcemu_open": (ctypes.c_int, []),
        "fcemu_close": (None, []),
        "fcemu_error": (ctypes.c_char_p, []),
        "fcemu_uart_write": (None, [ctypes.c_char_p, size]),
        "fcemu_uart_read": (size, [ctypes.c_void_p, size, whole]),
        "fcemu_set": (ctypes.c_int, [ctypes.c_char_p, whole]),
        "fcemu_get": (whole, [ctypes.c_char_p]),
    }  # type: dict[str, tuple[Any, list[Any]]]
    try:
        library = ctypes.CDLL(path)
        for name, (result, arguments) in functions.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as problem:
        raise DeviceError(path, f"is no emulator of a board with a UART: {problem}.",
                          "build the emulator again.") from None  # fmt: skip
    return library
