"""What the drivers need of a machine: registers, memory that a DMA reaches, and time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Callable, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Bus(Protocol):
    """Registers of 32 bits at physical addresses."""

    def read32(self, address: int) -> int:
        """The register's value."""

    def write32(self, address: int, value: int) -> None:
        """Write the register."""


class DmaBuffer(Protocol):
    """Memory that both the processor and a DMA reach.

    The processor's caches may hold other bytes than the memory: what it wrote is there for a DMA
    after `flush`, and what a DMA wrote is there for the processor after `invalidate`.
    """

    @property
    def array(self) -> npt.NDArray[np.uint8]:
        """Its bytes, as the processor sees them."""

    @property
    def address(self) -> int:
        """Where a DMA finds them."""

    def flush(self) -> None:
        """Write the processor's caches to the memory."""

    def invalidate(self) -> None:
        """Let the processor read the memory anew."""

    def close(self) -> None:
        """Give the memory back."""


class Platform(Protocol):
    """A machine with an accelerator in it."""

    @property
    def bus(self) -> Bus:
        """Its registers."""

    def allocate(self, size: int) -> DmaBuffer:
        """Memory for a DMA, `size` bytes, aligned to at least 64.

        Raises:
            DeviceError: there is not as much.
        """

    def now(self) -> float:
        """Seconds since any point in the past."""

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""

    def close(self) -> None:
        """Give the machine up."""


# Where a device answers at once, going to sleep takes longer than its answer.
_SPIN_S = 1e-4
_LONGEST_S = 1e-3


def wait_until(
    done: Callable[[], bool], timeout_s: float, now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:  # fmt: skip
    """Ask until something is done; False where it is not in `timeout_s` seconds.

    It asks at once, then after pauses of an eighth of the time that passed, up to a millisecond:
    an answer is noticed at most so much later than it came.
    """
    started = now()
    while not done():
        passed = now() - started
        if passed >= timeout_s:
            return done()  # this process may have stood still since it asked
        if passed > _SPIN_S:
            sleep(min(passed / 8, _LONGEST_S, max(timeout_s - passed, 1e-6)))
    return True
