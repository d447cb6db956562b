"""The way to an accelerator through AXI DMA: a DMA for each pair of ports, a transfer a frame.

Frames overlap: the next one is sent while the answer to the last one comes. A channel has no queue
of its own, so whoever waits for answers also starts the transfers that come next.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from .address_map import LENGTH_BITS, AddressMap
from .deployment import FramePort
from .dma import AxiDma, DmaChannel
from .errors import DeviceError, DeviceTimeout, TransferError
from .platform import DmaBuffer, Platform, wait_until
from .registers import ControlRegisters
from .transport import count_frames

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_RESET = "call reset(), and send the frames again."
# One for the transfer that is on its way, one for the processor.
_BUFFERS = 2


class _Job:
    """Frames that were started together.

    Args:
        frames: for each input, [N, size].
        answers: for each output, [N, size], filled as they come.
    """

    def __init__(self, frames: Sequence[Array], answers: list[Array]) -> None:
        self.frames, self.answers = frames, answers
        self.count = len(frames[0])
        self.missing = self.count * len(answers)  # answers, over all outputs


class _Lane:
    """One channel with its buffers, and the jobs whose frames it has to carry, in order."""

    def __init__(
        self, channel: DmaChannel, number: int, port: FramePort, platform: Platform
    ) -> None:
        self.channel, self.number, self.port = channel, number, port
        self.frame_bytes = port.frame_bytes
        self.jobs: deque[_Job] = deque()
        self._next = 0  # frame of the first job
        self._turn = 0
        self._buffers = [platform.allocate(self.frame_bytes) for _ in range(_BUFFERS)]

    def clear(self) -> None:
        """Forget all that is to be carried."""
        self.jobs.clear()
        self._next = 0

    def close(self) -> None:
        """Give the memory back."""
        while self._buffers:
            self._buffers.pop().close()

    def step(self) -> bool:
        """Do what can be done now; whether that was anything.

        Raises:
            TransferError: see `DmaChannel.done`.
        """
        raise NotImplementedError

    def _following(self) -> tuple[_Job, int]:
        """The next frame to carry, which is taken from the list."""
        job, index = self.jobs[0], self._next
        self._next += 1
        if self._next == job.count:
            self.jobs.popleft()
            self._next = 0
        return job, index

    def _buffer(self) -> DmaBuffer:
        """The buffer whose turn it is."""
        self._turn = (self._turn + 1) % _BUFFERS
        return self._buffers[self._turn]


class _Sender(_Lane):
    """An input: what comes next lies in its buffer before the transfer in front of it ends."""

    _staged: DmaBuffer | None = None

    def clear(self) -> None:
        super().clear()
        self._staged = None

    def step(self) -> bool:
        moved = self.channel.busy and self.channel.done()
        if self._staged is not None and not self.channel.busy:
            self.channel.start(self._staged, self.frame_bytes)
            self._staged, moved = None, True
        if self._staged is None and self.jobs:
            job, index = self._following()
            self._staged, moved = self._buffer(), True
            self._staged.array[: self.frame_bytes] = job.frames[self.number][index].view(np.uint8)
        return moved


class _Receiver(_Lane):
    """An output: the next answer has its buffer before the last one is copied."""

    received = 0  # answers since the last reset
    _coming: tuple[_Job, int, DmaBuffer] | None = None

    def clear(self) -> None:
        super().clear()
        self._coming = None

    def step(self) -> bool:
        come, moved = None, False
        if self._coming is not None and self.channel.done():
            come, self._coming, moved = self._coming, None, True
        if self._coming is None and self.jobs:
            job, index = self._following()
            buffer = self._buffer()
            self.channel.start(buffer, self.frame_bytes)
            self._coming, moved = (job, index, buffer), True
        if come is not None:
            job, index, buffer = come
            job.answers[self.number][index] = buffer.array[: self.frame_bytes].view(self.port.dtype)
            job.missing -= 1
            self.received += 1
        return moved


class AxiTransport:
    """An accelerator behind AXI DMA; see `transport.Transport` for the methods.

    Args:
        platform: the machine, which is closed with the transport.
        inputs, outputs: the accelerator's ports, in order.
        address_map: where registers and DMAs lie.

    Raises:
        TransferError: what answers is no accelerator of fpgacomp with these numbers of ports.
        DeviceError: there is no memory for the frames.
    """

    def __init__(
        self,
        platform: Platform,
        inputs: Sequence[FramePort],
        outputs: Sequence[FramePort],
        address_map: AddressMap,
    ) -> None:
        self._platform = platform
        self._registers = ControlRegisters(
            platform.bus, address_map.control, len(inputs), len(outputs)
        )
        self._identity = self._registers.identity()
        self._dmas = [
            AxiDma(
                platform, address_map.dma + number * address_map.stride, f"DMA {number}",
                sends=number < len(inputs), receives=number < len(outputs),
                length_bits=LENGTH_BITS,
            )
            for number in range(max(len(inputs), len(outputs)))
        ]  # fmt: skip
        self._senders: list[_Sender] = []
        self._receivers: list[_Receiver] = []
        self._jobs: dict[int, _Job] = {}
        self._tokens = 0
        self._lost = ""  # why nothing can be sent before a reset
        self._frames = self._errors = self._pending = 0
        self._busy_s = 0.0
        self._since_s: float | None = None  # when time was last added, while answers are awaited
        try:
            for dma, port in zip(self._dmas, inputs):
                assert dma.sender is not None
                dma.sender.where += f" to input {port.port}"
                self._senders.append(_Sender(dma.sender, len(self._senders), port, platform))
            for dma, port in zip(self._dmas, outputs):
                assert dma.receiver is not None
                dma.receiver.where += f" from output {port.port}"
                lane = _Receiver(dma.receiver, len(self._receivers), port, platform)
                self._receivers.append(lane)
            self.reset()
        except DeviceError:
            self._give_memory_back()
            raise

    def identity(self) -> str:
        return self._identity

    def start(self, frames: Sequence[Array]) -> int:
        """Begin to send frames; the arrays must not change until their answers are there."""
        if self._lost:
            raise TransferError("the accelerator", self._lost, _RESET)
        count = count_frames(frames, [lane.port for lane in self._senders])
        answers = [np.empty((count, lane.port.size), lane.port.dtype) for lane in self._receivers]
        job = _Job(frames, answers)
        self._tokens += 1
        self._jobs[self._tokens] = job
        if count:
            if not self._pending:
                self._since_s = self._platform.now()
            self._pending += count
            for lane in (*self._receivers, *self._senders):
                lane.jobs.append(job)
            self._guarded()
        return self._tokens

    def finish(self, token: int, timeout_s: float) -> list[Array]:
        job = self._jobs.get(token)
        if job is None:
            why = self._lost or "these frames were answered already, or lost in a reset."
            raise TransferError("the accelerator", why, _RESET)
        deadline = self._platform.now() + timeout_s
        while job.missing:
            # Behind the deadline, what has come meanwhile is still taken.
            left = deadline - self._platform.now()
            if not wait_until(self._guarded, left, self._platform.now, self._platform.sleep):
                late = self._late(job, timeout_s)
                self._lose(late)
                raise late
        del self._jobs[token]
        self._pending -= job.count
        self._frames += job.count
        self._count_time()
        if wrong := self._registers.errors():
            port, what = wrong[0]
            error = TransferError(
                self._senders[port].channel.where, f"a frame arrived {what}.",
                f"load the bitstream that goes with this software; {_RESET}",
            )  # fmt: skip
            self._lose(error)
            raise error
        return job.answers

    def reset(self) -> None:
        self._drop("were lost in a reset.")
        # What a DMA still sends of an interrupted frame would be taken as a frame: it comes first.
        for dma in self._dmas:
            dma.reset()
        self._registers.reset()
        for lane in self._receivers:
            lane.received = 0
        self._lost = ""

    def close(self) -> None:
        """Stop the DMAs before their memory is given to somebody else."""
        if not self._senders:
            return
        try:
            self._drop("were lost: the device was closed.")
            for dma in self._dmas:
                dma.reset()
        finally:
            self._give_memory_back()
            self._platform.close()

    def statistics(self) -> dict[str, float]:
        """Frames, errors and seconds, and what the accelerator's own counters say.

        `seconds` are those in which answers were awaited, on the platform's clock: in emulation
        cycles of the design's clock. The counters start at 0 with each reset, modulo 2^32.
        """
        self._count_time()
        found = {
            "frames": float(self._frames),
            "errors": float(self._errors),
            "seconds": self._busy_s,
            "frames_per_second": self._frames / self._busy_s if self._busy_s else 0.0,
        }
        sides = (("input", self._senders, self._registers.passed_input),
                 ("output", self._receivers, self._registers.passed_output))  # fmt: skip
        for side, lanes, passed in sides:
            for lane in lanes:
                counts = passed(lane.number)
                found[f"{side}.{lane.port.port}.frames"] = float(counts.frames)
                found[f"{side}.{lane.port.port}.stall_cycles"] = float(counts.stalls)
        return found

    def _guarded(self) -> bool:
        """Let every channel do what it can; whether one could.

        Raises:
            DeviceError: one of them failed, and all that was in flight is lost.
        """
        try:
            steps = [lane.step() for lane in (*self._receivers, *self._senders)]
        except DeviceError as error:
            self._lose(error)
            raise
        return any(steps)

    def _late(self, job: _Job, timeout_s: float) -> DeviceTimeout:
        """What can be told of an answer that did not come."""
        where = "the accelerator"
        for lane in self._receivers:
            passed = self._registers.passed_output(lane.number).frames
            if lane.channel.busy and passed > lane.received % (1 << 32):
                where = lane.channel.where
                return DeviceTimeout(
                    where, f"an answer left the accelerator, but its end (TLAST) did not come in "
                    f"{timeout_s:g} s.", f"load the bitstream again; {_RESET}",
                )  # fmt: skip
        missing = -(-job.missing // len(self._receivers))
        return DeviceTimeout(
            where, f"{missing} of {job.count} answers did not come in {timeout_s:g} s.",
            f"give more time, or load the bitstream again; {_RESET}",
        )  # fmt: skip

    def _lose(self, error: DeviceError) -> None:
        """After an error nothing is known of what is in flight."""
        self._errors += 1
        self._drop(f"were lost: {error.where}: {error.why}")

    def _drop(self, why: str) -> None:
        self._count_time()
        self._lost = f"the frames in flight {why}"
        self._jobs.clear()
        self._pending = 0
        for lane in (*self._receivers, *self._senders):
            lane.clear()

    def _count_time(self) -> None:
        """Add the seconds since the last time to those in which answers were awaited."""
        now = self._platform.now()
        if self._since_s is not None:
            self._busy_s += now - self._since_s
        self._since_s = now if self._pending else None

    def _give_memory_back(self) -> None:
        for lane in (*self._receivers, *self._senders):
            lane.close()
        self._receivers, self._senders = [], []
