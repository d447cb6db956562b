"""Asks a service for predictions over MQTT, again and again until it is answered.

    with PredictionClient(BrokerSettings("broker.local", 1883), "digits") as client:
        scores = client.predict(image=images)

Every question has an id of its own, which stays the same however often it is sent: the service
computes it once. A second answer to an id is counted and dropped. Services of two networks at one
topic both answer: a client that names its design takes the answers of no other.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from types import TracebackType
from typing import TYPE_CHECKING, Any, Mapping

import numpy as np

from ..errors import DeviceTimeout
from ..strict_json import read_json
from .messages import decode_array, encode_array
from .mqtt import (
    BrokerSettings,
    Failures,
    begin,
    checked_prefix,
    end,
    make_client,
    message_properties,
    topic_prefix,
)
from .packet_limit import PacketLimit, packet_bytes
from .refusal import KINDS, ServiceRefusal
from .sparse_log import Occurrences

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
_log = logging.getLogger("fpgacomp.client")
# Pauses before a question is sent again: the first, doubled up to the last.
_FIRST_PAUSE_S, _LAST_PAUSE_S = 1.0, 10.0
# Ids whose answers came, kept to tell a second answer from a stranger's.
_MAX_ANSWERED = 100_000
_MAX_DESIGN = 100  # characters of a design's identity, which has 32
_TICK_S = 0.05


class PendingPrediction:
    """A question that was sent; see `PredictionClient.submit`."""

    def __init__(self, id: str, payload: bytes, topic: str) -> None:
        self.id = id
        self._topic = topic
        self.attempts = 0
        self._payload = payload
        self._send_at = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._done = threading.Event()
        self._outputs: Mapping[str, Array] = {}
        self._clipped: int | None = None
        self._refusal: ServiceRefusal | None = None
        self._last: ServiceRefusal | None = None

    def result(self, timeout_s: float) -> Mapping[str, Array]:
        """Wait for the answer.

        Returns:
            Output name -> [N, *shape].

        Raises:
            ServiceRefusal: the service refuses this question for good.
            DeviceTimeout: no answer came in time. Asking again with the same id is right.
        """
        if not self._done.wait(timeout_s):
            told = "" if self._last is None else f"; the last reply was: {self._last}"
            raise DeviceTimeout(
                f"request {self.id}", f"got no answer within {timeout_s:g} s{told}.",
                f"check that the broker and the service run, and that the service prints the topic "
                f"{self._topic} as it starts; then ask again.",
            )  # fmt: skip
        if self._refusal is not None:
            raise self._refusal
        return self._outputs

    @property
    def clipped(self) -> int | None:
        """How many values lay beyond the range of their input, once it is answered.

        None where the service knows no range.
        """
        return self._clipped


class PredictionClient:
    """A connection to a service, for any number of questions at the same time.

    Args:
        settings: how the broker is reached.
        name: of the network, as the service prints it and `GET /description` states it: a package
            may have another one.
        prefix: of the topics; "" takes the network's name.
        design: identity of the design whose answers count, as `GET /description` states it; ""
            takes those of any, so that a service may be replaced by one of another network.

    Raises:
        NotInstalled: paho-mqtt is not installed.
        SettingsError: see `make_client` and `checked_prefix`.
    """

    def __init__(
        self, settings: BrokerSettings, name: str, prefix: str = "", design: str = ""
    ) -> None:
        self._settings, self._limit, self._design = settings, PacketLimit(), design
        self._version = settings.version
        self._prefix = checked_prefix(prefix or topic_prefix(name))
        self._topic = f"{self._prefix}/predict"
        self._reply_topic = f"{self._prefix}/reply/{uuid.uuid4().hex}"
        self._guard = threading.Lock()
        self._pending: dict[str, PendingPrediction] = {}
        self._answered: dict[str, str] = {}  # id -> the design that answered it
        self._repeats = self._strangers = 0
        self._others = Occurrences()
        self._subscribed = threading.Event()
        self._closing = threading.Event()
        self._failures = Failures(settings, _log)
        self._client = self._new_client()
        begin(self._client, settings)
        self._sender = threading.Thread(target=self._send_due, name="questions", daemon=True)
        self._sender.start()

    def _new_client(self) -> Any:
        """A client of paho-mqtt that calls this object, and has nothing to send."""
        client = make_client(self._settings)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._failures.on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    @property
    def repeats(self) -> int:
        """Answers that came for an id that was answered already, and were dropped."""
        return self._repeats

    @property
    def strangers(self) -> int:
        """Answers for an id that was never asked here or was given up, or of another design."""
        return self._strangers

    def predict(self, timeout_s: float = 30.0, **inputs: Any) -> Any:
        """Ask, and wait for the answer.

        Args:
            timeout_s: how long it may take, all attempts together.
            inputs: input name -> samples [N, *shape] in the network's own units.

        Returns:
            [N, *shape] where the network has one output, else output name -> such an array.

        Raises:
            ServiceRefusal, DeviceTimeout: see `PendingPrediction.result`.
        """
        pending = self.submit(inputs)
        try:
            outputs = pending.result(timeout_s)
        finally:
            self.forget(pending)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def submit(self, inputs: Mapping[str, Any], id: str | None = None) -> PendingPrediction:
        """Ask, without waiting for the answer.

        Args:
            inputs: see `predict`; a network's inputs may have names that are none in Python.
            id: of an earlier question that is asked again; None makes a new one.
        """
        found = id or uuid.uuid4().hex
        arrays = {name: encode_array(np.asarray(array)) for name, array in inputs.items()}
        members: dict[str, Any] = {"id": found, "inputs": arrays}
        if self._version != "5":
            members["reply_to"] = self._reply_topic
        pending = PendingPrediction(found, json.dumps(members).encode(), self._topic)
        with self._guard:
            self._pending[found] = pending
        return pending

    def forget(self, pending: PendingPrediction) -> None:
        """Ask no more for this answer."""
        with self._guard:
            self._pending.pop(pending.id, None)

    def close(self) -> None:
        """Disconnect; what is not answered stays so."""
        self._closing.set()
        self._sender.join()
        end(self._client, 1.0)

    def __enter__(self) -> PredictionClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send_due(self) -> None:
        """Send every question whose time has come, in a thread of its own."""
        while not self._closing.wait(_TICK_S):
            if not self._subscribed.is_set():
                continue
            now = time.monotonic()
            with self._guard:
                due = [one for one in self._pending.values() if one._send_at <= now]
                for one in due:
                    one.attempts += 1
                    one._send_at = now + one._pause_s
                    one._pause_s = min(2 * one._pause_s, _LAST_PAUSE_S)
            for one in due:
                self._publish(one)

    def _publish(self, pending: PendingPrediction) -> None:
        properties = None
        if self._version == "5":
            properties = message_properties(
                "PUBLISH", ResponseTopic=self._reply_topic, CorrelationData=pending.id.encode(),
                ContentType="application/json",
            )  # fmt: skip
        topic = self._topic
        size = packet_bytes(topic, pending._payload, properties)
        refusal = self._limit.refusal(f"request {pending.id}", size)
        if refusal is not None:
            self._end(pending.id, refusal=refusal)
            return
        told = self._client.publish(topic, pending._payload, qos=1, properties=properties)
        self._limit.sent(told.mid, size)

    def _on_publish(self, client: Any, data: Any, number: int, code: Any, properties: Any) -> None:
        self._limit.acknowledged(number)

    def _on_connect(self, client: Any, data: Any, flags: Any, code: Any, properties: Any) -> None:
        if code.is_failure:
            self._failures.note(f"it refuses the connection: {code}")
        else:
            self._limit.connected(properties)
            client.subscribe(self._reply_topic, qos=1)

    def _on_subscribe(self, client: Any, data: Any, number: int, codes: Any, more: Any) -> None:
        if any(code.is_failure for code in codes):
            _log.error("the broker refuses the topic of replies: %s", codes)
            return
        # What was sent before the connection was lost may be lost, and so may its answer.
        with self._guard:
            for one in self._pending.values():
                one._send_at = 0.0
        self._failures.end()
        self._subscribed.set()

    def _on_disconnect(
        self, client: Any, data: Any, flags: Any, code: Any, properties: Any
    ) -> None:
        self._subscribed.clear()
        if not self._closing.is_set() and self._limit.ended(code.value) is not None:
            # The broker ends each connection over a question: it is asked again, and refused here.
            client.loop_stop()  # this is its thread, which ends with this call
            self._client = self._new_client()
            begin(self._client, self._settings)

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        try:
            id, found, clipped, design, refusal = _read_reply(message.payload)
        except Exception as problem:
            # Whatever a reply holds: an error that leaves a callback ends paho's thread, and with
            # it every other question.
            _log.warning("a reply cannot be read: %s", str(problem)[:200] or repr(problem)[:200])
            return
        if id is None:  # of a question that was not read: MQTT 5 says which one it was
            given = getattr(message, "properties", None)
            correlation = getattr(given, "CorrelationData", None) or b""
            id = correlation.decode("ascii", "replace")
        if refusal is None and self._design not in ("", design):
            self._tell_other(design, f"not of {self._design[:16]}, and is not taken")
            with self._guard:
                self._strangers += 1
            return
        self._end(id, found, clipped, refusal, design)

    def _tell_other(self, design: str, told: str) -> None:
        """Log that an answer is of a design that is not expected, now and then."""
        count = self._others.note(design)
        if count:
            _log.warning("%s: an answer is of design %s, %s (so far: %d): give each service topics "
                         "of its own by --mqtt-prefix", self._topic, design[:16] or "unknown", told,
                         count)  # fmt: skip

    def _end(
        self,
        id: str,
        found: Mapping[str, Array] | None = None,
        clipped: int | None = None,
        refusal: ServiceRefusal | None = None,
        design: str = "",
    ) -> None:
        """Give a question its answer or its refusal, unless it is to be asked again."""
        with self._guard:
            pending = self._pending.get(id)
            if pending is None:
                first = self._answered.get(id)
                if first is None:
                    self._strangers += 1
                    return
                self._repeats += 1
                if refusal is None and first not in ("", design):
                    self._tell_other(design, f"and the question was answered by {first[:16]}")
                return
            if refusal is not None and refusal.retry_after_s is not None:
                pending._last = refusal
                pending._send_at = time.monotonic() + refusal.retry_after_s
                return
            del self._pending[id]
            self._answered[id] = design
            while len(self._answered) > _MAX_ANSWERED:
                del self._answered[next(iter(self._answered))]
        pending._outputs, pending._clipped, pending._refusal = found or {}, clipped, refusal
        pending._done.set()


def _read_reply(
    payload: bytes,
) -> tuple[Any, Mapping[str, Array], int | None, str, ServiceRefusal | None]:
    """Id, outputs, clipped values, design and refusal; a malformed reply raises anything."""
    reply = read_json(payload)
    id, error, outputs = reply["id"], reply.get("error"), reply.get("outputs")
    if not (id is None or isinstance(id, str)):
        raise ValueError("its id is no text")
    if error is not None:
        return id, {}, None, "", _refusal(error)
    if not isinstance(outputs, dict) or not outputs:
        raise ValueError("it has neither outputs nor an error")
    clipped = reply.get("clipped")
    if not (clipped is None or type(clipped) is int):
        raise ValueError("its number of clipped values is none")
    design = reply.get("design", "")
    # It is kept beside the id of every answer, so that a stranger's must not be long.
    if not (isinstance(design, str) and len(design) <= _MAX_DESIGN):
        raise ValueError("its design is no identity of one")
    values = {name: decode_array(value) for name, value in outputs.items()}
    return id, values, clipped, design, None


def _refusal(error: Mapping[str, Any]) -> ServiceRefusal:
    """The refusal that a reply carries; a kind of a newer service counts as a fault of it."""
    kind = error["kind"] if error["kind"] in KINDS else "fault"
    where, why, fix = error["where"], error["why"], error["fix"]
    if not (isinstance(where, str) and isinstance(why, str) and isinstance(fix, str)):
        raise ValueError("its error has no texts")
    return ServiceRefusal(kind, where, why, fix)
