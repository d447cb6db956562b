"""The one thread that owns the accelerator: it batches what waits, and brings the device back.

An error of the device is met with a reset, then with closing and opening it; after a few attempts
the requests get an error, the service is not ready, and opening is tried again by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Sequence, Tuple, Union

import numpy as np

from ..accelerator import Accelerator
from ..deployment import Deployment
from ..errors import DeviceError, SampleError
from ..transport import Transport
from .messages import PredictionRequest
from .metrics import Metrics
from .refusal import ServiceRefusal, stopping

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    TransportFactory = Callable[[], Transport]


class Prediction(NamedTuple):
    """What was computed for a request.

    Args:
        outputs: name -> samples along axis 0.
        clipped: values beyond the range of their input; None where no range is known.
    """

    outputs: Mapping[str, Any]
    clipped: int | None


# What became of a request: a prediction, or why there is none.
Outcome = Union[Prediction, ServiceRefusal]
Deliver = Callable[[Sequence[Tuple[PredictionRequest, Outcome]]], None]
_log = logging.getLogger("fpgacomp.service")
# How long the thread waits for requests before it shows that it is alive.
_IDLE_S = 0.25
# Without a sign for this long (a batch may take its time-out for each attempt) it hangs.
_HANGS_AFTER_S = 15.0


@dataclass(frozen=True)
class WorkerLimits:
    """Bounds of the work.

    Args:
        queue: requests that may wait.
        batch: samples that are sent together; a request with more is a batch of its own.
        retries: attempts after the first one, each behind a reset or another start of the device.
        timeout_s: seconds that the answers of a batch may take.
        longest_pause_s: between attempts to open a device that does not come back.
    """

    queue: int = 256
    batch: int = 64
    retries: int = 3
    timeout_s: float = 10.0
    longest_pause_s: float = 30.0


class DeviceWorker:
    """Computes requests in the order in which they came.

    Args:
        deployment: the design.
        factory: gives a new way to the device, each time it is called.
        limits: bounds of the work.
        deliver: takes what became of requests, in the worker's thread.
        metrics: counts.
    """

    def __init__(
        self,
        deployment: Deployment,
        factory: TransportFactory,
        limits: WorkerLimits,
        deliver: Deliver,
        metrics: Metrics,
    ) -> None:
        self._deployment, self._factory, self._limits = deployment, factory, limits
        self._deliver, self._metrics = deliver, metrics
        self._waiting: deque[PredictionRequest] = deque()
        self._change = threading.Condition()
        self._stopping = False
        self._accelerator: Accelerator | None = None
        self._transport: Transport | None = None
        self._why = "was not opened yet."
        self._pause_s, self._open_at = 0.5, 0.0
        self._alive_at = time.monotonic()
        self._statistics: Mapping[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="accelerator", daemon=True)

    @property
    def queue_length(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    @property
    def not_ready(self) -> str:
        """Why the device does not answer; "" where it does."""
        return self._why

    @property
    def hangs(self) -> bool:
        """Whether the thread showed no sign of life for longer than a batch may take."""
        patience = self._limits.timeout_s + _HANGS_AFTER_S
        return not self._thread.is_alive() or time.monotonic() - self._alive_at > patience

    @property
    def statistics(self) -> Mapping[str, float]:
        """The device's own figures, as of the last batch."""
        return self._statistics

    def start(self) -> None:
        """Open the device, let it pass its self-test, and begin.

        Raises:
            DeviceError: the device does not answer, holds another design, or computes wrongly.
        """
        try:
            self._open()
        except DeviceError:
            self._close()
            raise
        self._thread.start()

    def put(self, request: PredictionRequest) -> None:
        """Have a request computed.

        Raises:
            ServiceRefusal: the queue is full, the device is not ready, or the service stops.
        """
        with self._change:
            if self._stopping:
                raise stopping()
            if self._why:
                raise self._unready()
            if len(self._waiting) >= self._limits.queue:
                why = f"{len(self._waiting)} requests wait already."
                raise ServiceRefusal("busy", "the queue", why, "ask again a little later.")
            self._waiting.append(request)
            self._change.notify()

    def stop(self, patience_s: float) -> list[PredictionRequest]:
        """Finish the batch that is computed, and give up the device.

        Returns:
            The requests that were waiting; nobody computes them any more.
        """
        with self._change:
            self._stopping = True
            left = list(self._waiting)
            self._waiting.clear()
            self._change.notify()
        if self._thread.is_alive():
            self._thread.join(patience_s)
        if self._thread.is_alive():
            # It hangs in the device. A device that is a process of its own is ended.
            kill = getattr(self._transport, "kill", None)
            if kill is not None:
                kill()
        return left

    def _run(self) -> None:
        while not self._stopping:
            self._alive_at = time.monotonic()
            batch = self._next_batch()
            if batch:
                self._answer(batch)
                self._note_statistics()
            elif self._accelerator is None and time.monotonic() >= self._open_at:
                self._try_to_open()
        self._close()

    def _next_batch(self) -> list[PredictionRequest]:
        """The requests at the head of the queue that go together; none after a short while."""
        with self._change:
            if not self._waiting and not self._stopping:
                self._change.wait(_IDLE_S)
            if not self._waiting or self._stopping:
                return []
            batch = [self._waiting.popleft()]
            samples, form = batch[0].samples, batch[0].form
            while self._waiting and self._waiting[0].form == form:
                samples += self._waiting[0].samples
                if samples > self._limits.batch:
                    break
                batch.append(self._waiting.popleft())
            return batch

    def _answer(self, batch: Sequence[PredictionRequest]) -> None:
        error: Exception | None = None
        for attempt in range(self._limits.retries + 1):
            self._alive_at = time.monotonic()
            try:
                outputs = self._predict(self._accelerator or self._open(), batch)
            except SampleError as problem:
                self._refuse_samples(batch, problem)
                return
            except Exception as problem:  # of a driver, whose classes nobody knows here
                error = problem
                _log.warning("the device failed (attempt %d): %s", attempt + 1, problem)
                self._metrics.count("device_faults_total")
                self._recover(attempt)
                if self._stopping:
                    break
            else:
                self._deliver(list(zip(batch, outputs)))
                return
            if attempt and len(batch) > 1:
                self._answer_singly(batch)
                return
        self._give_up(error)
        refusal = self._unready()
        self._deliver([(one, refusal) for one in batch])

    def _answer_singly(self, batch: Sequence[PredictionRequest]) -> None:
        """Answer a batch that failed twice: one request may be what the device fails at."""
        for number, one in enumerate(batch):
            if self._why or self._stopping:
                refusal = self._unready() if self._why else stopping()
                self._deliver([(left, refusal) for left in batch[number:]])
                return
            self._answer([one])

    def _predict(
        self, accelerator: Accelerator, batch: Sequence[PredictionRequest]
    ) -> list[Prediction]:
        """What each request is answered."""
        together = {
            name: np.concatenate([request.inputs[name] for request in batch])
            for name in batch[0].inputs
        }
        ticket = accelerator.submit(together)
        found = accelerator.wait(ticket, self._limits.timeout_s)
        if not isinstance(found, Mapping):
            found = {accelerator.outputs[0]: found}
        self._metrics.count("batches_total")
        self._metrics.count("samples_total", by=sum(one.samples for one in batch))
        parts: list[Prediction] = []
        begin = 0
        for one in batch:
            end = begin + one.samples
            outputs = {name: np.asarray(array)[begin:end] for name, array in found.items()}
            clipped = None if ticket.clipped is None else sum(ticket.clipped[begin:end])
            parts.append(Prediction(outputs, clipped))
            begin = end
        return parts

    def _refuse_samples(self, batch: Sequence[PredictionRequest], problem: SampleError) -> None:
        """Refuse the one request that does not go with the network; the others are computed."""
        if len(batch) == 1:
            refusal = ServiceRefusal("samples", problem.where, problem.why, problem.remedy)
            self._deliver([(batch[0], refusal)])
            return
        for one in batch:
            self._answer([one])

    def _recover(self, attempt: int) -> None:
        """After an error: a reset the first time, another start of the device then."""
        if self._accelerator is not None and attempt == 0:
            try:
                self._accelerator.reset()
                self._metrics.count("device_resets_total")
                return
            except Exception as problem:
                _log.warning("the reset failed: %s", problem)
        self._close()
        with self._change:
            if attempt and not self._stopping:
                self._change.wait_for(lambda: self._stopping, 0.1 * attempt)

    def _open(self) -> Accelerator:
        self._close()
        self._metrics.count("device_starts_total")
        self._transport = self._factory()
        accelerator = Accelerator(self._deployment, self._transport)
        found = accelerator.self_test(self._limits.timeout_s)
        if not found.passed:
            raise DeviceError(
                "the self-test", f"{found.mismatches} of {found.integers} integers are wrong.",
                "load the bitstream of this package; where that does not help, the timing of the "
                "design or the board is at fault.",
            )  # fmt: skip
        self._accelerator, self._why, self._pause_s = accelerator, "", 0.5
        self._note_statistics()
        return accelerator

    def _try_to_open(self) -> None:
        try:
            self._open()
            _log.warning("the device answers again")
        except Exception as problem:
            self._give_up(problem)

    def _give_up(self, error: Exception | None) -> None:
        """Not ready until opening succeeds, which is tried again after a growing pause."""
        self._close()
        self._why = str(error) or repr(error)
        self._open_at = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._limits.longest_pause_s)
        _log.error("the device is not ready: %s", self._why)

    def _close(self) -> None:
        transport, self._transport, self._accelerator = self._transport, None, None
        if transport is not None:
            try:
                transport.close()
            except Exception as problem:
                _log.warning("closing the device failed: %s", problem)

    def _note_statistics(self) -> None:
        if self._accelerator is not None:
            try:
                self._statistics = dict(self._accelerator.statistics())
            except Exception as problem:
                _log.warning("the device has no statistics: %s", problem)

    def _unready(self) -> ServiceRefusal:
        return ServiceRefusal("device", "the accelerator", f"does not answer: {self._why[:300]}",
                              "ask again: the service goes on trying to reach it.")  # fmt: skip
