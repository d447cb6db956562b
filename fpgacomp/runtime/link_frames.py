"""What a host keeps of the frames that it sends over a UART link, until they are answered."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from .deployment import FramePort


class LinkJob:
    """The frames of one call of `start`."""

    def __init__(self, frames: int, outputs: Sequence[FramePort]) -> None:
        self.missing = frames
        self.results = [np.empty((frames, port.size), port.dtype) for port in outputs]


class LinkFrame:
    """One frame, from `start` to its last result.

    Args:
        job: that it belongs to.
        index: its number in that job.
        bodies: its bytes for each input port.
    """

    def __init__(self, job: LinkJob, index: int, bodies: list[bytes]) -> None:
        self.job = job
        self.index = index
        self.bodies = bodies
        self.results: dict[int, bytes] = {}
