"""The accelerator's registers on AXI4-Lite, as `rtl/README.md` of a build describes them."""

from __future__ import annotations

from typing import NamedTuple

from .errors import TransferError
from .platform import Bus

MAGIC = 0x46504743  # "FPGC"
FORMAT = 1  # of the map that this module knows
AT_MAGIC, AT_FORMAT, AT_PORTS, AT_CONTROL, AT_IDENTITY = 0x00, 0x04, 0x08, 0x0C, 0x10
AT_PORT, PORT_STRIDE = 0x20, 0x10
PORT_FRAMES, PORT_STALLS, PORT_ERRORS = 0x0, 0x4, 0x8
CONTROL_RESET, CONTROL_CLEAR = 1 << 0, 1 << 1
ERROR_SHORT, ERROR_LONG = 1 << 0, 1 << 1
_LOAD = "load the bitstream of this package; the address map must be that of its block design."


class Passed(NamedTuple):
    """What passed a port since the counters were set to 0, modulo 2^32.

    Args:
        frames: whole frames.
        stalls: cycles in which one side had a word and the other did not take it.
    """

    frames: int
    stalls: int


class ControlRegisters:
    """The registers of one accelerator.

    Args:
        bus: reaches them.
        base: their physical address.
        inputs, outputs: how many ports the design has.
    """

    def __init__(self, bus: Bus, base: int, inputs: int, outputs: int) -> None:
        self._bus, self._base = bus, base
        self._inputs, self._outputs = inputs, outputs

    def identity(self) -> str:
        """32 hexadecimal digits of the design's integer graph.

        Raises:
            TransferError: what answers is no accelerator of fpgacomp, or one of another form.
        """
        where = f"the registers at {self._base:#x}"
        found = self._read(AT_MAGIC)
        if found != MAGIC:
            raise TransferError(
                where, f"MAGIC reads {found:#010x} instead of {MAGIC:#010x}: no accelerator of "
                "fpgacomp answers.", _LOAD,
            )  # fmt: skip
        found = self._read(AT_FORMAT)
        if found != FORMAT:
            raise TransferError(
                where, f"the map of registers has form {found}, this software knows {FORMAT}.",
                "install the runtime of the version that made the bitstream.",
            )  # fmt: skip
        found, wanted = self._read(AT_PORTS), self._outputs << 16 | self._inputs
        if found != wanted:
            raise TransferError(
                where, f"the design has {found & 0xFFFF} inputs and {found >> 16} outputs instead "
                f"of {self._inputs} and {self._outputs}.", _LOAD,
            )  # fmt: skip
        return "".join(f"{self._read(AT_IDENTITY + 4 * word):08x}" for word in range(4))

    def reset(self) -> None:
        """Lose every frame in flight in the design, and set counters and error flags to 0.

        What still comes from a DMA is taken as a frame: stop the DMAs first.
        """
        self._write(AT_CONTROL, CONTROL_RESET | CONTROL_CLEAR)
        for port in range(self._inputs):
            self._write(self._port(port) + PORT_ERRORS, ERROR_SHORT | ERROR_LONG)

    def errors(self) -> list[tuple[int, str]]:
        """Input ports to which a frame of the wrong length came, and what was wrong with it.

        The flags are cleared by it.
        """
        found = []
        for port in range(self._inputs):
            flags = self._read(self._port(port) + PORT_ERRORS)
            if flags:
                self._write(self._port(port) + PORT_ERRORS, flags)
                short, long = bool(flags & ERROR_SHORT), bool(flags & ERROR_LONG)
                both = "too short, another too long" if short and long else "too short"
                found.append((port, both if short else "too long"))
        return found

    def passed_input(self, port: int) -> Passed:
        """What passed input `port`."""
        return self._passed(port)

    def passed_output(self, port: int) -> Passed:
        """What passed output `port`."""
        return self._passed(self._inputs + port)

    def _passed(self, port: int) -> Passed:
        at = self._port(port)
        return Passed(self._read(at + PORT_FRAMES), self._read(at + PORT_STALLS))

    @staticmethod
    def _port(port: int) -> int:
        return AT_PORT + port * PORT_STRIDE

    def _read(self, offset: int) -> int:
        return self._bus.read32(self._base + offset)

    def _write(self, offset: int, value: int) -> None:
        self._bus.write32(self._base + offset, value)
