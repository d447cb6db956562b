"""What MQTT and HTTP have in common: an id is computed once, its answer is kept, then sent."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Hashable, Mapping, Protocol, Sequence

import numpy as np

from ..deployment import Deployment
from ..errors import DescriptionError
from .journal import Journal
from .messages import Envelope, PredictionRequest, encode_answer, encode_error, read_request
from .metrics import Metrics, RecentPrediction, label_pair
from .refusal import ServiceRefusal, stopping
from .segment import GivenAnswer
from .worker import DeviceWorker, Outcome, WorkerLimits

if TYPE_CHECKING:
    from .worker import TransportFactory
_log = logging.getLogger("fpgacomp.service")
MAX_REQUEST_BYTES = 1 << 20


@dataclass(frozen=True)
class ServiceLimits:
    """Bounds of the service.

    Args:
        request_bytes: of one request.
        work: bounds of the queue and of batches.
    """

    request_bytes: int = MAX_REQUEST_BYTES
    work: WorkerLimits = field(default_factory=WorkerLimits)


class ReplyTarget(Protocol):
    """Where the reply to a request goes."""

    @property
    def key(self) -> Hashable:
        """Equal for targets of which one reply is enough."""

    def send(self, reply: bytes, refusal: ServiceRefusal | None) -> None:
        """Send the reply; `refusal` is set where it is an error."""


class _UnderWay:
    """A request that is being computed, and who waits for it."""

    def __init__(self, request: PredictionRequest, target: ReplyTarget) -> None:
        self.request = request
        self.targets = {target.key: target}
        self.since = time.monotonic()


class PredictionService:
    """Takes requests, computes each id once, and answers.

    Args:
        deployment: the design.
        factory: gives a new way to the device, each time it is called.
        journal: answers that were given, which is closed with the service.
        limits: bounds.
        transport: what computes, as people are told: a model in software is no board.
    """

    def __init__(
        self,
        deployment: Deployment,
        factory: TransportFactory,
        journal: Journal,
        limits: ServiceLimits | None = None,
        transport: str = "",
    ) -> None:
        self.deployment, self.journal = deployment, journal
        self.limits = limits or ServiceLimits()
        self.metrics, self.transport = Metrics(), transport or "not stated"
        self._design = _design_key(deployment)
        self._guard = threading.Lock()
        self._under_way: dict[str, _UnderWay] = {}
        self._stopping = False
        self._worker = DeviceWorker(
            deployment, factory, self.limits.work, self._deliver, self.metrics
        )

    def start(self) -> None:
        """Open the device; requests are taken then. See `DeviceWorker.start`."""
        self._worker.start()

    def submit(self, envelope: Envelope, via: str, target: ReplyTarget) -> None:
        """Answer a request, now or later, exactly once to this target.

        Args:
            via: "mqtt" or "http".
            target: where the reply goes. A later target of the same key takes its place while
                the request is being computed.
        """
        self.metrics.count("requests_total", via)
        try:
            known = self._admit(envelope, target)
        except ServiceRefusal as refusal:
            self.metrics.count("errors_total", refusal.kind)
            target.send(encode_error(envelope.id, refusal), refusal)
            return
        if known is not None:
            target.send(known, None)

    def withdraw(self, id: str | None, target: ReplyTarget) -> None:
        """Send nothing to a target that does not wait any more; the answer is kept all the same."""
        with self._guard:
            found = self._under_way.get(id or "")
            if found is not None:
                found.targets.pop(target.key, None)

    def stop(self, patience_s: float) -> None:
        """Answer what is computed, refuse what waits, give up the device."""
        with self._guard:
            self._stopping = True
        self._worker.stop(patience_s)
        with self._guard:
            left = list(self._under_way)
        for id in left:
            self._reply(id, encode_error(id, stopping()), stopping())
        self.journal.close()

    @property
    def alive(self) -> bool:
        """Whether the thread that owns the accelerator goes on."""
        return not self._worker.hangs

    def problems(self) -> list[str]:
        """Why predictions are refused at present, a sentence each; none where they are not."""
        found = []
        if self._worker.not_ready:
            found.append(f"the accelerator does not answer: {self._worker.not_ready}")
        if self.journal.refusal:
            found.append(f"answers cannot be kept: {self.journal.refusal}")
        if self._stopping:
            found.append("the service is being stopped.")
        return found

    def gauges(self) -> dict[str, tuple[str, Mapping[str, float]]]:
        """What is measured at this moment, for `Metrics.text`."""
        device = {label_pair("name", name): float(value)
                  for name, value in sorted(self._worker.statistics.items())}  # fmt: skip
        served = ",".join(
            label_pair(label, value)
            for label, value in (
                ("name", self.deployment.name),
                ("design", self.deployment.identity),
                ("board", self.deployment.board),
                ("transport", self.transport),
            )
        )
        return {
            "service_info": ("What is served, and what computes it.", {served: 1.0}),
            "ready": ("Whether predictions are answered.", {"": float(not self.problems())}),
            "queue_length": ("Requests that wait.", {"": float(self._worker.queue_length)}),
            "under_way": ("Requests that are not answered yet.", {"": float(len(self._under_way))}),
            "journal_answers": ("Answers that are kept.", {"": float(len(self.journal))}),
            "journal_bytes": ("Bytes that they take.", {"": float(self.journal.size)}),
            "device": ("Figures of the device, as its driver counts them.", device),
        }

    def state(self) -> dict[str, Any]:
        """Everything that the web page shows."""
        problems = self.problems()
        counted = {
            name: self.metrics.total(f"{name}_total")
            for name in ("requests", "answers", "repeats", "errors", "device_faults",
                         "clipped_values")
        }  # fmt: skip
        return {
            "name": self.deployment.name,
            "design": self.deployment.identity,
            "board": self.deployment.board,
            "transport": self.transport,
            "ready": not problems,
            "problems": problems,
            "queue": self._worker.queue_length,
            "queue_limit": self.limits.work.queue,
            "counts": counted,
            "device": dict(self._worker.statistics),
            **self.metrics.live(),
        }

    def _admit(self, envelope: Envelope, target: ReplyTarget) -> bytes | None:
        """Have a request computed; its reply where it was answered already."""
        before = self.deployment.before
        specs = None if before is None else before.inputs
        request = read_request(envelope, specs, self.limits.request_bytes)
        with self._guard:
            found = self._under_way.get(request.id)
            if found is not None:
                _check_same(request, found.request.digest)
                found.targets[target.key] = target
                self.metrics.count("repeats_total")
                return None
            given = self.journal.find(self._kept_as(request.id))
            if given is not None:
                _check_same(request, given.digest)
                self.metrics.count("repeats_total")
                return given.reply
            if self._stopping:
                raise stopping()
            self.journal.check_room()
            self._worker.put(request)
            self._under_way[request.id] = _UnderWay(request, target)
            return None

    def _deliver(self, outcomes: Sequence[tuple[PredictionRequest, Outcome]]) -> None:
        """Keep the answers of a batch, then send them; called by the worker."""
        replies, refusals = [], []
        for request, outcome in outcomes:
            if isinstance(outcome, ServiceRefusal):
                refusals.append((request.id, outcome))
                continue
            reply = encode_answer(
                request, outcome.outputs, self.deployment.identity, outcome.clipped
            )
            kept = GivenAnswer(self._kept_as(request.id), request.digest, reply)
            replies.append((request.id, kept, outcome))
        try:
            if replies:
                self.journal.append([kept for _, kept, _ in replies])
        except ServiceRefusal as full:
            refusals += [(id, full) for id, _, _ in replies]
            replies = []
        for id, kept, outcome in replies:
            self.metrics.count("answers_total")
            self.metrics.count("clipped_values_total", by=outcome.clipped or 0)
            self._reply(id, kept.reply, None, _told(outcome.outputs))
        for id, refusal in refusals:
            self._reply(id, encode_error(id, refusal), refusal)

    def _kept_as(self, id: str) -> str:
        """The id under which the journal keeps an answer: no other design's answer has it."""
        return f"{self._design} {id}"

    def _reply(self, id: str, reply: bytes, refusal: ServiceRefusal | None, told: str = "") -> None:
        with self._guard:
            found = self._under_way.pop(id, None)
        if found is None:  # it was refused when the service stopped
            return
        if refusal is None:
            latency_ms = (time.monotonic() - found.since) * 1000
            self.metrics.answered(
                RecentPrediction(time.time(), id, found.request.samples, latency_ms, told)
            )
        else:
            self.metrics.count("errors_total", refusal.kind, by=len(found.targets) or 1)
        for target in found.targets.values():
            try:
                target.send(reply, refusal)
            except Exception as problem:  # one client's connection is no other client's fault
                _log.warning("the reply to %s was not sent: %s", id, problem)


def _design_key(deployment: Deployment) -> str:
    """32 hexadecimal digits of everything that decides an answer: design and both sides of it."""
    found = hashlib.sha256(f"{deployment.identity} {deployment.digest}".encode())
    for name, program in (("before", deployment.before), ("after", deployment.after)):
        if program is None:  # ONNX Runtime computes this side, from a file beside the description
            path = deployment.folder / f"{name}.onnx"
            try:
                found.update(hashlib.sha256(path.read_bytes()).digest())
            except OSError as problem:
                raise DescriptionError(
                    str(path), f"cannot be read: {problem.strerror}.",
                    "copy the whole folder software/ again.",
                ) from None  # fmt: skip
    return found.hexdigest()[:32]


def _check_same(request: PredictionRequest, digest: bytes) -> None:
    if request.digest != digest:
        raise ServiceRefusal("conflict", "id", f"{request.id!r} was used with other inputs.",
                             "take a new id for each request.")  # fmt: skip


def _told(outputs: Mapping[str, Any]) -> str:
    """The outputs of the first sample, in few words."""
    parts = []
    for name, array in list(outputs.items())[:3]:
        values = np.asarray(array)[0].ravel()
        if values.size > 3:
            best = int(values.argmax())
            parts.append(f"{name}: largest is [{best}] = {float(values[best]):.4g}")
        else:
            told = ", ".join(f"{float(value):.4g}" for value in values)
            parts.append(f"{name}: {told}")
    return "; ".join(parts)
