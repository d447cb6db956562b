"""The data movers of an Alveo card, as `link.cfg` and `movers.cpp` of a vendor build have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .deployment import FramePort

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

# Buffers of a port: a mover works on one while the host fills or empties the other.
BUFFERS = 2


def row_bytes(port: FramePort) -> int:
    """Bytes that a frame takes in the card's memory: it begins with a beat."""
    return port.beats * port.lanes * port.container_bits // 8


def mover_name(port: FramePort, number: int, identity: str, *, sends: bool) -> str:
    """Kernel and compute unit of a port's data mover, as `link.cfg` of a vendor build has them."""
    way, bits = "mm2s" if sends else "s2mm", port.lanes * port.container_bits
    return f"fpgacomp_{way}_{bits}:{{{way}_{number}_{identity}}}"


class CardMover:
    """The data mover of one port, with its buffers in the card's memory and on the host.

    Args:
        pyxrt: the module.
        device: the card.
        kernel: the mover's compute unit.
        port: that it serves.
        sends: whether it brings frames to the accelerator.
        rows: frames of a buffer.
    """

    def __init__(
        self, pyxrt: Any, device: Any, kernel: Any, port: FramePort, *, sends: bool, rows: int
    ) -> None:
        self.port, self._pyxrt, self._kernel = port, pyxrt, kernel
        self._argument = 0 if sends else 1  # place of `memory` among those of movers.cpp
        ways = pyxrt.xclBOSyncDirection
        self._way = ways.XCL_BO_SYNC_BO_TO_DEVICE if sends else ways.XCL_BO_SYNC_BO_FROM_DEVICE
        self._row = row_bytes(port)
        group = kernel.group_id(self._argument)
        self._buffers = [
            pyxrt.bo(device, rows * self._row, pyxrt.bo.flags.normal, group) for _ in range(BUFFERS)
        ]
        self._rows = [
            np.frombuffer(buffer.map(), np.uint8).reshape(rows, self._row)
            for buffer in self._buffers
        ]

    def fill(self, slot: int, frames: Array) -> None:
        """Put frames into the card's memory."""
        count, used = len(frames), self.port.frame_bytes
        self._rows[slot][:count, :used] = frames.view(np.uint8)
        self._buffers[slot].sync(self._way, count * self._row, 0)

    def empty(self, slot: int, answers: Array) -> None:
        """Take frames out of the card's memory."""
        count, used = len(answers), self.port.frame_bytes
        self._buffers[slot].sync(self._way, count * self._row, 0)
        answers.view(np.uint8)[:] = self._rows[slot][:count, :used]

    def start(self, slot: int, count: int) -> Any:
        """Let the mover carry `count` frames; its run. XRT leaves the stream's argument alone."""
        run = self._pyxrt.run(self._kernel)
        run.set_arg(self._argument, self._buffers[slot])
        run.set_arg(2, self.port.beats)
        run.set_arg(3, count)
        run.start()
        return run

    def close(self) -> None:
        """Give up the buffers and the kernel."""
        self._rows, self._buffers, self._kernel = [], [], None
