"""How frames reach an accelerator: what every way there has in common."""

from __future__ import annotations

from typing import Any, Protocol, Sequence

import numpy as np

from .deployment import FramePort
from .errors import SampleError


class Transport(Protocol):
    """A way to an accelerator and back, for frames of whole numbers."""

    def identity(self) -> str:
        """32 hexadecimal digits that the design answers with.

        Raises:
            TransferError: it does not answer, or not as a design of fpgacomp.
        """

    def start(self, frames: Sequence[np.ndarray[Any, Any]]) -> int:
        """Send frames, without waiting for their answers.

        Args:
            frames: for each input port, in order, an array [N, size] of its `dtype`, C-contiguous.

        Returns:
            What `finish` asks for. Answers come in the order in which frames were started.

        Raises:
            TransferError: the device did not take them.
        """

    def finish(self, token: int, timeout_s: float) -> list[np.ndarray[Any, Any]]:
        """Wait for the answers to what `start` sent.

        Returns:
            For each output port, in order, an array [N, size] of its `dtype`.

        Raises:
            DeviceTimeout: they did not come in time. What was in flight is lost; `reset` first.
            TransferError: a frame was too short or too long, or the bus reported an error.
        """

    def reset(self) -> None:
        """Lose everything in flight; the frame that is started next is answered right."""

    def close(self) -> None:
        """Give up the device; nothing else may be called then."""

    def statistics(self) -> dict[str, float]:
        """Figures of what passed so far, by name: frames, errors, seconds or cycles."""


def count_frames(frames: Sequence[np.ndarray[Any, Any]], ports: Sequence[FramePort]) -> int:
    """How many frames are to be sent to input ports.

    Raises:
        SampleError: an array is missing, or of another type or shape than `Transport.start` says.
    """
    if len(frames) != len(ports):
        raise SampleError("the frames", f"{len(frames)} arrays were given for "
                          f"{len(ports)} inputs.", "give one for each.")  # fmt: skip
    count = len(frames[0])
    for port, array in zip(ports, frames):
        same = array.dtype == port.dtype and array.flags.c_contiguous
        if not same or array.shape != (count, port.size):
            raise SampleError(
                port.port, f"got {array.dtype} {list(array.shape)}, expected contiguous "
                f"{port.dtype} [{count}, {port.size}].", "pack the frames first.",
            )  # fmt: skip
    return count
