"""The service on an MQTT broker.

    PREFIX/predict     requests, QoS 1
    PREFIX/reply/...   replies, QoS 1, on the topic that the request names
    PREFIX/status      retained: {"state": "online"}, or "offline", which is also the last will

With MQTT 5 a request has a response topic and correlation data; with 3.1.1 its member `reply_to`.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Hashable

from ..errors import NotInstalled
from .core import PredictionService
from .messages import encode_error, read_envelope
from .packet_limit import PacketLimit, packet_bytes
from .refusal import ServiceRefusal, SettingsError
from .sparse_log import Occurrences

_log = logging.getLogger("fpgacomp.service")
# Pauses between attempts to reach the broker: the first, doubled up to the last.
_FIRST_PAUSE_S, _LAST_PAUSE_S = 1, 30
# Replies that wait for the broker; beyond them a client asks again, and the journal answers.
_MAX_WAITING_REPLIES = 10_000
# Messages that are not acknowledged yet: paho heeds no Receive Maximum, and Mosquitto's is 20.
_MAX_IN_FLIGHT = 20
# What no topic of a message may hold: wildcards, control characters, halves of a character.
_NO_TOPIC = re.compile(r"[#+\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MAX_TOPIC_BYTES = 65535


@dataclass(frozen=True)
class BrokerSettings:
    """How a broker is reached; the client library takes the same.

    Args:
        host, port: of the broker.
        version: "5" or "3.1.1".
        client_id: "" lets the broker choose one.
        user, password_file: of an account; the file holds the password and nothing else.
        tls: whether the connection is encrypted, and the broker's certificate checked.
        ca_file: certificates that are trusted; None takes those of the system.
        certificate_file, key_file: of the client, where the broker asks for them.
        keepalive_s: after how long a broken connection is noticed.
    """

    host: str
    port: int
    version: str = "5"
    client_id: str = ""
    user: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = 30


def topic_prefix(name: str) -> str:
    """The topics of a network: its name, in characters that every broker takes."""
    return "fpgacomp/{}".format(re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "_")


def checked_prefix(prefix: str) -> str:
    """The prefix of topics that a user chose.

    Raises:
        SettingsError: topics that begin with it are none that messages are sent to.
    """
    if prefix.startswith("$") or not is_topic(f"{prefix}/predict"):
        raise SettingsError(
            ascii(prefix)[:100], "is no prefix of topics.",
            "give one without +, #, control characters and a $ in front, as site/fpgacomp.",
        )  # fmt: skip
    return prefix


def is_topic(topic: str) -> bool:
    """Whether a message may be sent there: no wildcards, and no text that MQTT does not have."""
    return not _NO_TOPIC.search(topic) and len(topic.encode()) <= _MAX_TOPIC_BYTES


def make_client(settings: BrokerSettings) -> Any:
    """A client of paho-mqtt that is not connected yet.

    Raises:
        NotInstalled: paho-mqtt 2 is not installed.
        SettingsError: a file of the settings cannot be used, or host or port are none.
    """
    if not 0 < settings.port < 1 << 16:
        raise SettingsError(f"{settings.host}:{settings.port}", "has no port of a broker.",
                            "give a port from 1 to 65535.")  # fmt: skip
    try:
        settings.host.encode("idna")
    except UnicodeError:  # in paho's thread it would end the thread
        raise SettingsError(settings.host[:100], "is no name of a host.",
                          "name the broker's host or its address.") from None  # fmt: skip
    try:
        from paho.mqtt import client as paho

        api = paho.CallbackAPIVersion.VERSION2
    except (ImportError, AttributeError):
        raise NotInstalled("paho-mqtt", "version 2 is not installed.",
                           "pip install 'paho-mqtt>=2.1'.") from None  # fmt: skip
    if settings.version == "5":
        client = paho.Client(api, client_id=settings.client_id, protocol=paho.MQTTv5)
    else:
        client = paho.Client(api, client_id=settings.client_id, protocol=paho.MQTTv311)
    if settings.user is not None:
        client.username_pw_set(settings.user, _password(settings.password_file))
    if settings.tls:
        _use_tls(client, settings)
    client.reconnect_delay_set(_FIRST_PAUSE_S, _LAST_PAUSE_S)
    client.max_inflight_messages_set(_MAX_IN_FLIGHT)
    client.max_queued_messages_set(_MAX_WAITING_REPLIES)
    return client


def begin(client: Any, settings: BrokerSettings) -> None:
    """Connect, and connect again whenever the connection is lost, in a thread of paho's own."""
    client.connect_async(settings.host, settings.port, keepalive=settings.keepalive_s)
    client.loop_start()


def end(client: Any, patience_s: float) -> None:
    """Disconnect; a broker that does not answer is not waited for."""
    client.disconnect()
    # The thread may be in an attempt to connect, which nobody can interrupt.
    joined = threading.Thread(target=client.loop_stop, daemon=True)
    joined.start()
    joined.join(patience_s)


def message_properties(kind: str, **values: Any) -> Any:
    """Properties of an MQTT 5 packet, by their names in paho."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    found = Properties(getattr(PacketTypes, kind))
    for name, value in values.items():
        setattr(found, name, value)
    return found


class Failures:
    """Tells why a broker is not reached: at the first failure, and more and more rarely then.

    Args:
        settings: of the broker.
        log: takes the warnings.
    """

    def __init__(self, settings: BrokerSettings, log: logging.Logger = _log) -> None:
        self.where = f"{settings.host}:{settings.port}"
        self._log = log
        self._failures = Occurrences()

    def note(self, why: str) -> None:
        """Count a failure; it is logged where it is the 1st, 2nd, 4th, 8th ... of its reason."""
        count = self._failures.note(why)
        if count:
            self._log.warning("MQTT: %s is not reached (failures so far: %d): %s; it is tried "
                              "again", self.where, count, why)  # fmt: skip

    def end(self) -> None:
        """The broker is reached: the next failure is a first one."""
        self._failures.forget()

    def on_connect_fail(self, client: Any, data: Any) -> None:
        """Take paho's word that no connection was made; the reason is the error it handles."""
        problem = sys.exc_info()[1]
        told = "no connection is made" if problem is None else str(problem) or repr(problem)
        hint = ""
        if isinstance(problem, ssl.SSLError):
            hint = " (check the CA file, the client's certificate, and that the port speaks TLS)"
        self.note(told + hint)


class MqttFront:
    """The service's connection to a broker.

    Args:
        service: answers.
        settings: how the broker is reached.
        prefix: of the topics.
    """

    def __init__(self, service: PredictionService, settings: BrokerSettings, prefix: str) -> None:
        self._service, self._settings = service, settings
        self._prefix = checked_prefix(prefix)
        self._connected = self._ending = False
        self._failures, self._dropped = Failures(settings), Occurrences()
        self._refused = Occurrences()
        self._limit = PacketLimit()
        self._client = self._new_client()

    def _new_client(self) -> Any:
        """A client of paho-mqtt that calls this object, and has nothing to send."""
        client = make_client(self._settings)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._failures.on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.will_set(self._status_topic, _status("offline"), qos=1, retain=True)
        return client

    def is_connected(self) -> bool:
        """Whether requests reach the service through the broker at this moment."""
        return self._connected

    @property
    def _status_topic(self) -> str:
        return f"{self._prefix}/status"

    def start(self) -> None:
        """Connect, and take requests; a broker that is not there is waited for."""
        begin(self._client, self._settings)

    def refuse_more(self) -> None:
        """Take no more requests."""
        if self._connected:
            self._client.unsubscribe(f"{self._prefix}/predict")

    def stop(self, patience_s: float) -> None:
        """Say that the service is offline, and disconnect."""
        began = time.monotonic()
        self._ending = True
        if self._connected:
            told = self._client.publish(self._status_topic, _status("offline"), 1, retain=True)
            try:
                # Packets keep their order: with this one the replies have gone out, too.
                told.wait_for_publish(patience_s)
            except (RuntimeError, ValueError) as problem:
                _log.warning("the broker was not told that the service ends: %s", problem)
        end(self._client, max(0.1, patience_s - (time.monotonic() - began)))

    def send(self, id: str | None, topic: str, reply: bytes, correlation: bytes | None) -> None:
        """Publish a reply, or why it cannot be: the broker would end the connection over it."""
        properties = None
        if self._settings.version == "5":
            values: dict[str, Any] = {"ContentType": "application/json"}
            if correlation is not None:
                values["CorrelationData"] = correlation
            properties = message_properties("PUBLISH", **values)
        size = packet_bytes(topic, reply, properties)
        refusal = self._limit.refusal("the answer", size)
        if refusal is not None:
            self._service.metrics.count("errors_total", refusal.kind)
            reply = encode_error(id, refusal)
            size = packet_bytes(topic, reply, properties)
            if self._limit.refusal("the answer", size) is not None:  # a long topic, or correlation
                self._service.metrics.count("unanswerable_total", "room in a packet")
                return
        told = self._client.publish(topic, reply, qos=1, properties=properties)
        self._limit.sent(told.mid, size)

    def _on_publish(self, client: Any, data: Any, number: int, code: Any, properties: Any) -> None:
        self._limit.acknowledged(number)
        if code.is_failure:
            count = self._refused.note(str(code))
            if count:
                _log.warning("MQTT: the broker refuses a reply (so far: %d): %s", count, code)

    def _on_connect(self, client: Any, data: Any, flags: Any, code: Any, properties: Any) -> None:
        if code.is_failure:
            self._failures.note(f"it refuses the connection: {code}")
            return
        self._limit.connected(properties)
        client.subscribe(f"{self._prefix}/predict", qos=1)

    def _on_subscribe(self, client: Any, data: Any, number: int, codes: Any, more: Any) -> None:
        if any(code.is_failure for code in codes):
            self._failures.note(f"it refuses the topic of requests: {codes[0]}")
            return
        client.publish(self._status_topic, _status("online"), qos=1, retain=True)
        self._connected = True
        self._failures.end()
        _log.info("MQTT: connected to %s", self._failures.where)

    def _on_disconnect(
        self, client: Any, data: Any, flags: Any, code: Any, properties: Any
    ) -> None:
        if self._connected:
            _log.warning("the connection to the broker ended: %s", code)
        elif code.is_failure:  # a refusal is told of by _on_connect
            self._failures.note(f"the connection ended before it was of use: {code}")
        self._connected = False
        too_large = None if self._ending else self._limit.ended(code.value)
        if too_large is not None:
            _log.warning("MQTT: the broker ends each connection over what it is sent again, of up "
                         "to %d bytes: that is given up; clients ask again", too_large)  # fmt: skip
            client.loop_stop()  # this is its thread, which ends with this call
            self._client = self._new_client()
            begin(self._client, self._settings)

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        try:
            self._take(message)
        except Exception:  # one request must not end the thread that takes all of them
            _log.exception("a request was lost to a fault of the service")

    def _take(self, message: Any) -> None:
        envelope = read_envelope(message.payload, self._service.limits.request_bytes)
        given = message.properties
        topic = getattr(given, "ResponseTopic", None) or envelope.reply_to
        correlation = getattr(given, "CorrelationData", None)
        if topic is None:
            self._drop("a topic", "name one in the response topic (MQTT 5) or in reply_to (3.1.1)")
        elif not self._is_for_replies(topic):
            self._drop("a topic for replies", f"name one below {self._prefix}/reply/", topic)
        elif envelope.id is None and correlation is None:
            self._drop("an id", "give one, or correlation data (MQTT 5)", topic)
        else:
            self._service.submit(envelope, "mqtt", _Topic(self, envelope.id, topic, correlation))

    def _drop(self, lacks: str, fix: str, topic: str = "") -> None:
        """Count a request to which no reply can be sent; the log tells of the first ones."""
        self._service.metrics.count("requests_total", "mqtt")
        self._service.metrics.count("unanswerable_total", lacks)
        count = self._dropped.note(lacks)
        if count:
            named = f" and names {ascii(topic)[:100]}" if topic else ""
            _log.warning("MQTT: a request is dropped (so far: %d): it lacks %s%s; its client is to "
                         "%s", count, lacks, named, fix)  # fmt: skip

    def _is_for_replies(self, topic: str) -> bool:
        """Whether a reply may go there: a request must not make the service talk elsewhere."""
        begins = topic.startswith(f"{self._prefix}/reply/")
        return begins and is_topic(topic)


class _Topic:
    """The topic and correlation data of the reply to an id."""

    def __init__(
        self, front: MqttFront, id: str | None, topic: str, correlation: bytes | None
    ) -> None:
        self._front, self._id = front, id
        self._topic, self._correlation = topic, correlation

    @property
    def key(self) -> Hashable:
        return self._topic

    def send(self, reply: bytes, refusal: ServiceRefusal | None) -> None:
        self._front.send(self._id, self._topic, reply, self._correlation)


def _status(state: str) -> bytes:
    return json.dumps({"state": state}).encode()


def _password(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as problem:
        raise SettingsError(str(path), f"cannot be read: {problem}.",
                          "name a file that holds the password.") from None  # fmt: skip


def _use_tls(client: Any, settings: BrokerSettings) -> None:
    names = (settings.ca_file, settings.certificate_file, settings.key_file)
    paths = [None if name is None else str(name) for name in names]
    try:
        client.tls_set(ca_certs=paths[0], certfile=paths[1], keyfile=paths[2])
    except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
        files = ", ".join(path for path in paths if path) or "the system's certificates"
        remedy = "name PEM files: of the authority, and of the client with its key."
        raise SettingsError(files, f"cannot be used for TLS: {problem}.", remedy) from None
