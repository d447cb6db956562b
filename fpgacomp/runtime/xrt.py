"""An Alveo card under XRT: data movers carry frames between its memory and the accelerator.

What a vendor build links (`link.cfg`) is `fpgacomp_mm2s_BITS:{mm2s_N_IDENTITY}` for each input and
`fpgacomp_s2mm_BITS:{s2mm_N_IDENTITY}` for each output. One run of a mover carries as many frames as
the host tells it, out of a buffer in the memory bank that it is linked to.

What is checked when the card is opened: it runs the .xclbin of this package, by the UUID that the
driver tells; this .xclbin was linked for this very network, as its movers have the network's
identity in their names; and every mover takes a run. What is not: pyxrt reads no registers of a
kernel that the host does not start, so MAGIC, counters and error flags of the accelerator stay
unread. Other logic under the same names is not noticed, nor are frames that a killed process left
in the accelerator. The self-test compares integers, and finds both.

A mover waits until all its frames have come, and nothing stops it; XRT does not load an .xclbin
anew that the card already has. Where frames in flight do not come to their end, `reset` therefore
asks for a reset of the card, and goes on when the card has no .xclbin any more.

Names are those of pyxrt.cpp in sources of XRT from 2021 to 2026. `run.wait(milliseconds)`
may never return there (xrt_kernel.h says so), so `run.state()` is asked until the run has ended.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Sequence

import numpy as np

from .deployment import Deployment, FramePort
from .errors import DeviceError, DeviceTimeout, NotInstalled, TransferError, WrongDesign
from .movers import BUFFERS, CardMover, mover_name, row_bytes
from .platform import wait_until
from .transport import count_frames

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

# Bytes of the largest buffer. Chosen by hand: nobody has measured it on a card yet.
_RUN_BYTES = 4 << 20
# Seconds in which movers end whose frames have all come, and in which one takes an empty run.
_DRAIN_S = 1.0
# What std::exception and its kinds become in pybind11.
_OF_XRT = (RuntimeError, ValueError, IndexError, MemoryError, OSError)
_ENDED = ("COMPLETED", "ERROR", "ABORT", "TIMEOUT", "NORESPONSE")
_RESET = "call reset(), and send the frames again."
_CARD_RESET = (
    "end what else uses the card, type `xbutil reset --device BDF`, and call reset() or open the "
    "device again."
)


@contextmanager
def _told(where: str, remedy: str, kind: type[DeviceError] = DeviceError) -> Iterator[None]:
    """Tell what XRT says as an error of the runtime."""
    try:
        yield
    except _OF_XRT as problem:
        # Its frames would keep kernels that are to be given up.
        problem.__traceback__ = None
        raise kind(where, f"XRT says: {str(problem).strip()}.", remedy) from None


class _Job:
    """Frames that were started together.

    Args:
        frames: for each input, [N, size].
        answers: for each output, [N, size], filled as they come.
    """

    def __init__(self, frames: Sequence[Array], answers: list[Array]) -> None:
        self.frames, self.answers = frames, answers
        self.count = self.missing = len(frames[0])


class _Part:
    """Frames of a job that go with one run of each mover.

    Args:
        job: that they are of.
        first, count: which of its frames they are.
        slot: the buffers that hold them, once they have some.
    """

    def __init__(self, job: _Job, first: int, count: int) -> None:
        self.job, self.first, self.count = job, first, count
        self.slot = 0
        self.runs: list[Any] = []


class XrtTransport:
    """An accelerator on an Alveo card; see `transport.Transport` for the methods.

    Args:
        deployment: the design that is expected there.
        xclbin: what `fpgacomp build` linked of it.
        card: number of the card, as `xbutil examine` lists them.

    Raises:
        NotInstalled: this Python has no pyxrt.
        WrongDesign: the .xclbin was linked for another network, or the card runs another one.
        DeviceError: XRT cannot open the card, load the file, or give memory.
    """

    def __init__(self, deployment: Deployment, xclbin: str | Path, card: int = 0) -> None:
        try:
            import pyxrt  # type: ignore[import-not-found]
        except ImportError:
            raise NotInstalled(
                "pyxrt", "is not installed for this Python.",
                "source /opt/xilinx/xrt/setup.sh, and run the Python that XRT was built for.",
            ) from None  # fmt: skip
        self._pyxrt: Any = pyxrt
        self._deployment, self._path, self._card = deployment, Path(xclbin), card
        states = pyxrt.ert_cmd_state
        self._ended = {getattr(states, f"ERT_CMD_STATE_{name}") for name in _ENDED}
        ports = (*deployment.inputs, *deployment.outputs)
        self._rows = max(1, _RUN_BYTES // max(row_bytes(port) for port in ports))
        self._senders: list[CardMover] = []
        self._receivers: list[CardMover] = []
        self._jobs: dict[int, _Job] = {}
        self._waiting: deque[_Part] = deque()
        self._running: deque[_Part] = deque()
        self._slots = list(range(BUFFERS))
        self._tokens = self._frames = self._errors = self._runs = self._pending = 0
        self._lost = ""  # why nothing can be sent before a reset
        self._closed = False
        self._stuck = False  # frames are in the accelerator, or a mover waits for some
        self._busy_s = 0.0
        self._since_s: float | None = None  # when time was last added, while answers are awaited
        self._load()

    def identity(self) -> str:
        """The network that the .xclbin was linked for; see the top of this file."""
        return self._deployment.identity

    def start(self, frames: Sequence[Array]) -> int:
        """Begin to send frames; the arrays must not change until their answers are there."""
        self._usable()
        count = count_frames(frames, self._deployment.inputs)
        answers = [np.empty((count, port.size), port.dtype) for port in self._deployment.outputs]
        job = _Job(frames, answers)
        self._tokens += 1
        self._jobs[self._tokens] = job
        if count and not self._pending:
            self._since_s = time.monotonic()
        self._pending += count
        for first in range(0, count, self._rows):
            self._waiting.append(_Part(job, first, min(self._rows, count - first)))
        with self._losing():
            self._launch()
        return self._tokens

    def finish(self, token: int, timeout_s: float) -> list[Array]:
        self._usable()
        job = self._jobs.get(token)
        if job is None:
            why = "these frames were answered already, or lost in a reset."
            raise TransferError("the accelerator", why, "send the frames again.")
        deadline = time.monotonic() + timeout_s
        with self._losing():
            while job.missing:
                part = self._running[0]
                if not self._over(part, deadline):
                    raise DeviceTimeout(
                        f"card {self._card}",
                        f"{job.missing} of {job.count} answers did not come in {timeout_s:g} s.",
                        f"give more time; {_RESET}",
                    )
                self._take(part)
                self._launch()
        del self._jobs[token]
        self._pending -= job.count
        self._frames += job.count
        self._count_time()
        return job.answers

    def reset(self) -> None:
        """Let what the movers carry come to its end; where it does not, load a card that was reset.

        Raises:
            DeviceTimeout: it did not come to a good end, and the card was not reset since.
            DeviceError: the card cannot be opened again.
        """
        if self._closed:
            self._usable()
        self._drop("were lost in a reset.")
        if not self._drained():
            self._stuck = True
        if self._stuck:
            self._load()
        self._lost = ""

    def close(self) -> None:
        """Give the card up, once nothing writes to its memory any more."""
        if self._closed:
            return
        self._drop("were lost: the device was closed.")
        self._closed = True
        try:
            self._drained()
        finally:
            self._release()

    def statistics(self) -> dict[str, float]:
        """Frames, errors, runs of each mover, and the seconds in which answers were awaited."""
        self._count_time()
        return {
            "frames": float(self._frames),
            "errors": float(self._errors),
            "runs": float(self._runs),
            "seconds": self._busy_s,
            "frames_per_second": self._frames / self._busy_s if self._busy_s else 0.0,
        }

    def _load(self) -> None:
        """Load the card anew, and see that its movers take runs; give it up where they do not."""
        self._release()
        try:
            self._open()
            self._try_movers()
        except DeviceError as error:
            self._release()
            # The frames below have kernels, too; the next attempt needs them while this is held.
            raise error.with_traceback(None) from None
        self._stuck = False

    def _open(self) -> None:
        """Load the card, and open the movers with their buffers."""
        pyxrt, path = self._pyxrt, str(self._path)
        if not self._path.is_file():
            raise DeviceError(path, "is missing.", "run `fpgacomp build`, and package it again.")
        where = f"card {self._card}"
        with _told(where, "name a card that `xbutil examine` lists, for instance xrt:0."):
            device = pyxrt.device(self._card)
        with _told(path, "install the package again: XRT does not read this file."):
            xclbin = pyxrt.xclbin(path)
            wanted, before = xclbin.get_uuid(), device.get_xclbin_uuid()
        if self._stuck and before.to_string() == wanted.to_string():
            raise DeviceTimeout(
                where, "frames in flight did not come to a good end, and the card was not reset.",
                _CARD_RESET,
            )  # fmt: skip
        with _told(path, "name an .xclbin for this card's platform, on a card that is free."):
            device.load_xclbin(xclbin)
            found = device.get_xclbin_uuid()
        if found.to_string() != wanted.to_string():
            raise WrongDesign(
                where, f"runs {found.to_string()} instead of {wanted.to_string()}, the .xclbin of "
                "this package.", "end what else uses the card, and open it again.",
            )  # fmt: skip
        for movers, ports, sends in (
            (self._senders, self._deployment.inputs, True),
            (self._receivers, self._deployment.outputs, False),
        ):
            for number, port in enumerate(ports):
                name = mover_name(port, number, self._deployment.identity, sends=sends)
                movers.append(self._open_mover(device, wanted, name, port, sends=sends))

    def _open_mover(
        self, device: Any, uuid: Any, name: str, port: FramePort, *, sends: bool
    ) -> CardMover:
        """A mover with its buffers.

        Raises:
            WrongDesign: the .xclbin has none of this name, or another process uses it.
            DeviceError: the card has no memory for its buffers.
        """
        remedy = (
            "install the package of this network with the .xclbin that its own `fpgacomp build` "
            "linked, and end what else uses the card."
        )
        with _told(f"{self._path}: {name}", remedy, WrongDesign):
            # Frames of two processes would mix in the streams.
            mode = self._pyxrt.kernel.cu_access_mode.exclusive
            kernel = self._pyxrt.kernel(device, uuid, name, mode)
        with _told(f"the memory of card {self._card}", "end what else uses the card."):
            return CardMover(self._pyxrt, device, kernel, port, sends=sends, rows=self._rows)

    def _launch(self) -> None:
        """Start what waits, as long as there are buffers."""
        while self._waiting and self._slots:
            part = self._waiting.popleft()
            part.slot = self._slots.pop()
            self._running.append(part)
            last = part.first + part.count
            for mover, frames in zip(self._senders, part.job.frames):
                mover.fill(part.slot, frames[part.first : last])
            # Answers have their place before the first frame goes.
            for mover in (*self._receivers, *self._senders):
                part.runs.append(mover.start(part.slot, part.count))
            self._runs += 1

    def _take(self, part: _Part) -> None:
        """The answers of runs that have ended; their buffers are free then.

        Raises:
            TransferError: a run did not end well.
        """
        states = [run.wait(1) for run in part.runs]
        for mover, state in zip((*self._receivers, *self._senders), states):
            if state != self._pyxrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED:
                raise TransferError(mover.port.port, f"its data mover ended in {state}.", _RESET)
        for mover, answers in zip(self._receivers, part.job.answers):
            mover.empty(part.slot, answers[part.first : part.first + part.count])
        self._running.popleft()
        self._slots.append(part.slot)
        part.job.missing -= part.count

    def _over(self, part: _Part, deadline: float) -> bool:
        """Whether every run of a part ends before the deadline."""
        return all(self._ends(run, deadline - time.monotonic()) for run in part.runs)

    def _ends(self, run: Any, timeout_s: float) -> bool:
        return wait_until(lambda: run.state() in self._ended, timeout_s)

    def _drained(self) -> bool:
        """Whether all that was started has come to a good end."""
        deadline = time.monotonic() + _DRAIN_S
        complete = self._pyxrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED
        movers = len(self._senders) + len(self._receivers)
        good = True
        with _told(f"card {self._card}", _CARD_RESET):
            for part in self._running:
                over = len(part.runs) in (0, movers) and self._over(part, deadline)
                good = good and over and all(run.wait(1) == complete for run in part.runs)
        self._forget_runs()
        return good

    def _forget_runs(self) -> None:
        """Give runs up, each of which holds its kernel; an error may still hold their part."""
        while self._running:
            self._running.pop().runs.clear()
        self._slots = list(range(BUFFERS))

    def _try_movers(self) -> None:
        """See that every mover takes a run, of no frames: one that still waits takes none."""
        for mover in (*self._senders, *self._receivers):
            with _told(mover.port.port, _CARD_RESET):
                ends = self._ends(mover.start(0, 0), _DRAIN_S)
            if not ends:
                raise DeviceTimeout(
                    mover.port.port, "its data mover takes no run: it still waits for frames.",
                    _CARD_RESET,
                )  # fmt: skip

    def _usable(self) -> None:
        """
        Raises:
            TransferError: the device was closed, or must be reset first.
        """
        if self._closed:
            raise TransferError("the accelerator", "was closed.", "open the device again.")
        if self._lost:
            raise TransferError("the accelerator", self._lost, _RESET)

    @contextmanager
    def _losing(self) -> Iterator[None]:
        """After an error nothing is known of what is in flight."""
        try:
            with _told(f"card {self._card}", _RESET, TransferError):
                yield
        except DeviceError as error:
            self._errors += 1
            self._drop(f"were lost: {error.where}: {error.why}")
            raise

    def _drop(self, why: str) -> None:
        self._count_time()
        self._lost = f"the frames in flight {why}"
        self._jobs.clear()
        self._waiting.clear()
        self._pending = 0
        self._since_s = None

    def _count_time(self) -> None:
        """Add the seconds since the last time to those in which answers were awaited."""
        now = time.monotonic()
        if self._since_s is not None:
            self._busy_s += now - self._since_s
        self._since_s = now if self._pending else None

    def _release(self) -> None:
        """Give up runs, buffers and kernels, and the device with the last of them."""
        self._forget_runs()
        for mover in (*self._senders, *self._receivers):
            mover.close()
        self._senders, self._receivers = [], []
