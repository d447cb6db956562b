"""AMD's AXI DMA in direct register mode, register by register (PG021, AXI DMA v7.1).

A DMA has a channel from memory to a stream (MM2S) and one back (S2MM). A transfer is one frame: the
length of a frame goes into LENGTH, and TLAST ends it.
"""

from __future__ import annotations

from .errors import DeviceTimeout, TransferError
from .platform import DmaBuffer, Platform, wait_until

MM2S, S2MM = 0x00, 0x30  # where a channel's registers start
DMACR, DMASR, ADDRESS, ADDRESS_MSB, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28
CR_RUN, CR_RESET = 1 << 0, 1 << 2
SR_HALTED, SR_IDLE, SR_SCATTER_GATHER = 1 << 0, 1 << 1, 1 << 3
SR_INTERNAL, SR_SLAVE, SR_DECODE = 1 << 4, 1 << 5, 1 << 6
# The widest stream that a design has is 16 bytes; a DMA without data realignment takes addresses
# that are multiples of its stream's width.
ALIGNMENT = 16
_RESET_TIMEOUT_S = 0.1
_RESET = "call reset(), and send the frames again."


class DmaChannel:
    """One direction of a DMA; see `AxiDma`."""

    def __init__(self, platform: Platform, base: int, start: int, what: str, most: int) -> None:
        self._platform, self._bus, self._base = platform, platform.bus, base + start
        self._receives = start == S2MM
        self._most = most
        self._buffer: DmaBuffer | None = None
        self._count = 0
        self._upper = 0  # what ADDRESS_MSB holds, as after a reset
        self.where = what

    def run(self) -> None:
        """Let the channel take transfers.

        Raises:
            TransferError: it has scatter-gather, which this driver does not use.
            DeviceTimeout: it stays halted.
        """
        if self._read(DMASR) & SR_SCATTER_GATHER:
            raise TransferError(self.where, "was built with scatter-gather.",
                                "build the block design without it.")  # fmt: skip
        self._write(DMACR, CR_RUN)

        def running() -> bool:
            return not self._read(DMASR) & SR_HALTED

        if not wait_until(running, _RESET_TIMEOUT_S, self._platform.now, self._platform.sleep):
            raise DeviceTimeout(self.where, "stays halted although it was told to run.",
                                "load the bitstream again; is the DMA's clock there?")  # fmt: skip

    def start(self, buffer: DmaBuffer, count: int) -> None:
        """Start the transfer of a frame.

        Args:
            buffer: the frame's bytes, or room for it; it is left alone until `done`.
            count: bytes of the frame.

        Raises:
            TransferError: another transfer is on its way, the bytes are none or too many, or the
                buffer's address is not aligned.
        """
        if self._buffer is not None:
            raise TransferError(self.where, "is still busy with a frame.", "wait for it first.")
        if not 0 < count <= min(self._most, buffer.array.nbytes):
            raise TransferError(
                self.where, f"cannot carry {count} bytes: a transfer has 1 to {self._most}, and "
                f"the buffer has {buffer.array.nbytes}.", "send one frame a transfer.",
            )  # fmt: skip
        if buffer.address % ALIGNMENT:
            raise TransferError(
                self.where, f"cannot reach a buffer at {buffer.address:#x}.",
                f"align buffers to {ALIGNMENT} bytes.",
            )  # fmt: skip
        # Of a buffer that is to be written, too: a line that a cache writes back later would
        # replace what the DMA wrote.
        buffer.flush()
        self._buffer, self._count = buffer, count
        self._write(ADDRESS, buffer.address & 0xFFFFFFFF)
        if buffer.address >> 32 != self._upper:
            self._upper = buffer.address >> 32
            self._write(ADDRESS_MSB, self._upper)
        self._write(LENGTH, count)  # last: it starts the transfer

    def done(self) -> bool:
        """Whether the transfer that was started has ended; then its buffer may be used again.

        Raises:
            TransferError: the DMA reports an error, or the frame that came has another length.
        """
        if self._buffer is None:
            raise TransferError(self.where, "has no transfer.", "start one first.")
        status = self._read(DMASR)
        if status & (SR_INTERNAL | SR_SLAVE | SR_DECODE):
            raise self._failure(status)
        if status & SR_HALTED:
            raise TransferError(self.where, "was halted or reset during a transfer.", _RESET)
        if not status & SR_IDLE:
            return False
        buffer, self._buffer = self._buffer, None
        if self._receives:
            received = self._read(LENGTH)
            buffer.invalidate()
            if received != self._count:
                raise TransferError(
                    self.where, f"the answer ended after {received} of {self._count} bytes.",
                    f"load the bitstream that goes with this software; {_RESET}",
                )  # fmt: skip
        return True

    @property
    def busy(self) -> bool:
        """Whether a transfer was started that `done` has not reported yet."""
        return self._buffer is not None

    def forget(self) -> None:
        """Take it that the DMA was reset, and its transfer lost."""
        self._buffer = None
        self._upper = 0

    def _failure(self, status: int) -> TransferError:
        """What the error bits of DMASR say."""
        assert self._buffer is not None
        where, address = self.where, f"{self._buffer.address:#x}"
        if status & SR_DECODE:
            return TransferError(
                where, f"nothing answers at address {address} (decode error).",
                f"take buffers from this platform, and the address map of the bitstream; {_RESET}",
            )  # fmt: skip
        if status & SR_SLAVE:
            return TransferError(where, f"the memory at {address} refused the access "
                                 "(slave error).", f"check what lies there; {_RESET}")  # fmt: skip
        if self._receives:
            return TransferError(
                where, f"the answer has more than {self._count} bytes, or no TLAST (internal "
                "error).", f"load the bitstream that goes with this software; {_RESET}",
            )  # fmt: skip
        return TransferError(where, "the DMA reports an internal error.", _RESET)

    def _read(self, offset: int) -> int:
        return self._bus.read32(self._base + offset)

    def _write(self, offset: int, value: int) -> None:
        self._bus.write32(self._base + offset, value)


class AxiDma:
    """One AXI DMA.

    Args:
        platform: reaches its registers.
        base: their physical address.
        name: how messages call it.
        sends, receives: whether it has the channel.
        length_bits: width of its length register.
    """

    def __init__(
        self,
        platform: Platform,
        base: int,
        name: str = "DMA",
        *,
        sends: bool = True,
        receives: bool = True,
        length_bits: int = 26,
    ) -> None:
        most = (1 << length_bits) - 1
        self._platform, self._base, self._name = platform, base, name
        self.sender = DmaChannel(platform, base, MM2S, f"{name}, MM2S", most) if sends else None
        self.receiver = (
            DmaChannel(platform, base, S2MM, f"{name}, S2MM", most) if receives else None
        )

    def reset(self) -> None:
        """Lose what is on its way, in both directions, and let both channels run.

        Raises:
            DeviceTimeout: the DMA does not come out of reset.
        """
        channels = [channel for channel in (self.sender, self.receiver) if channel is not None]
        at = self._base + (MM2S if self.sender is not None else S2MM) + DMACR
        self._platform.bus.write32(at, CR_RESET)  # of one channel, which resets both

        def ready() -> bool:
            return not self._platform.bus.read32(at) & CR_RESET

        if not wait_until(ready, _RESET_TIMEOUT_S, self._platform.now, self._platform.sleep):
            raise DeviceTimeout(self._name, "does not come out of reset.",
                                "load the bitstream again; is the DMA's clock there?")  # fmt: skip
        for channel in channels:
            channel.forget()
            channel.run()
