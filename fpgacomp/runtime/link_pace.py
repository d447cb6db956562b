"""How long the other end of a UART link may take: what goes over the line, and a pause to think."""

from __future__ import annotations

from typing import Sequence

from .deployment import FramePort

ABOUT_BYTES = 256  # room for the answer to IDENTIFY: 16 ports on each side
_BITS = 10  # of a byte on the line
_STUFFED = 2  # bytes that a byte may take on the line


class LinkPace:
    """The times of a link.

    Args:
        baud: of the line.
        outputs: the ports whose results the device sends.
        latency_s: seconds until the device answers, besides the time on the line.
        attempts: how often a request is sent before the device is taken to be gone.
    """

    def __init__(
        self, baud: int, outputs: Sequence[FramePort], latency_s: float, attempts: int
    ) -> None:
        self._baud, self._latency_s, self._attempts = baud, latency_s, attempts
        self._results = sum(port.frame_bytes for port in outputs) + ABOUT_BYTES
        self._longest = max(port.frame_bytes for port in outputs) + ABOUT_BYTES

    def seconds(self, count: int) -> float:
        """Time of bytes on the line."""
        return count * _BITS / self._baud

    def patience_s(self, window: int) -> float:
        """How long a request may take: twice what all attempts take on a line that is quiet.

        The results of a whole window of frames may be on the line before the answer.
        """
        alone = self._attempts * (self._answer_s() + self._latency_s)
        return 2 * (alone + window * self.seconds(_STUFFED * self._results))

    def quiet_at(self, line_free: float, heard: float, pause: float) -> float:
        """When an answer should have come to what was written, with a pause to think.

        A result may be on the line before it, and every byte of that may be stuffed.

        Args:
            line_free: when the bytes that were written are on their way.
            heard: when the last whole packet came.
            pause: seconds to think.
        """
        return max(line_free, heard) + self._answer_s() + pause

    def _answer_s(self) -> float:
        """Time on the line of the longest packet, and of an answer behind it."""
        return self.seconds(_STUFFED * self._longest)
