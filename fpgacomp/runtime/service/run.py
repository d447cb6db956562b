"""Runs the service from its start to its end: journal, device, broker, HTTP, systemd."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator

from ..deployment import Deployment
from ..errors import DeviceError
from .core import PredictionService, ServiceLimits
from .journal import MAX_BYTES, Journal
from .mqtt import BrokerSettings, MqttFront, topic_prefix
from .refusal import SettingsError
from .systemd import Notifier
from .web import WebFront, WebSettings

if TYPE_CHECKING:
    from .worker import TransportFactory
# Parts of the 2 s in which the service ends: for the batch that is computed, for connections that
# get their answers, and for the broker.
_BATCH_S, _ANSWERS_S, _BROKER_S = 1.0, 0.2, 0.5
_BEAT_S = 1.0


@dataclass(frozen=True)
class ServiceSettings:
    """What the service is told.

    Args:
        state: folder of the journal; it is made where it does not exist.
        broker: how the broker is reached; None serves no MQTT.
        web: where HTTP listens; None serves none.
        prefix: of the topics; "" takes the network's name.
        limits: bounds of requests and work.
        journal_bytes: of all answers that are kept.
        transport: what computes, as people are told.
    """

    state: Path
    broker: BrokerSettings | None = None
    web: WebSettings | None = None
    prefix: str = ""
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    journal_bytes: int = MAX_BYTES
    transport: str = ""


def run_service(
    deployment: Deployment,
    factory: TransportFactory,
    settings: ServiceSettings,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Serve until `stop` is set; it takes at most 2 s then.

    Args:
        factory: gives a new way to the device, each time it is called.
        stop: ends the service; see `stop_on_signals`.
        tell: takes lines for whoever started it, once it serves.

    Returns:
        What was counted, by name.

    Raises:
        SettingsError: neither MQTT nor HTTP is to be served.
        StateError: the folder cannot be used.
        DeviceError: it cannot begin, or the thread that owns the accelerator hangs.
    """
    if settings.broker is None and settings.web is None:
        raise SettingsError("the service", "would be reached in no way.",
                          "give --mqtt HOST:PORT, --http PORT, or both.")  # fmt: skip
    journal = Journal(settings.state / "answers", settings.journal_bytes)
    broker = web = reached = None
    try:
        service = PredictionService(
            deployment, factory, journal, settings.limits, settings.transport
        )
        prefix = settings.prefix or topic_prefix(deployment.name)
        if settings.broker is not None:
            broker = MqttFront(service, settings.broker, prefix)
            reached = functools.partial(MqttFront.is_connected, broker)
        if settings.web is not None:
            web = WebFront(service, settings.web, reached)
        service.start()
    except BaseException:
        journal.close()
        if web is not None:
            web.close()
        raise
    notifier = Notifier()
    if broker is not None:
        broker.start()
    if web is not None:
        web.start()
    try:
        for line in _places(deployment, settings, web):
            tell(line)
        notifier.tell("READY=1")
        _wait(service, stop, notifier, _connections(settings, prefix, broker, tell))
    finally:
        notifier.tell("STOPPING=1")
        _end(service, broker, web)
    return {name: service.metrics.total(f"{name}_total")
            for name in ("requests", "answers", "repeats", "errors", "device_faults")}  # fmt: skip


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set())
              for number in (signal.SIGTERM, signal.SIGINT)}  # fmt: skip
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(
    service: PredictionService, stop: threading.Event, notifier: Notifier, more: Iterator[None]
) -> None:
    """Watch the service until it is to stop.

    Args:
        more: what else is done at each beat.
    """
    beat_s = min(_BEAT_S, notifier.watchdog_s) if notifier.watchdog_s else _BEAT_S
    while not stop.wait(beat_s):
        if not service.alive:
            raise DeviceError("the accelerator", "its thread hangs or has ended.",
                              "start the service again; its supervisor does.")  # fmt: skip
        if notifier.watchdog_s:
            notifier.tell("WATCHDOG=1")
        next(more, None)


def _end(service: PredictionService, broker: MqttFront | None, web: WebFront | None) -> None:
    if broker is not None:
        broker.refuse_more()
    if web is not None:
        web.refuse_more()
    service.stop(_BATCH_S)
    if web is not None:
        web.stop(_ANSWERS_S)
    if broker is not None:
        broker.stop(_BROKER_S)


def _connections(
    settings: ServiceSettings, prefix: str, broker: MqttFront | None, tell: Callable[[str], None]
) -> Iterator[None]:
    """Tell once that the broker is reached; the log tells why it is not."""
    if broker is None or settings.broker is None:
        return
    while not broker.is_connected():
        yield
    tell(f"MQTT: {prefix}/predict on {settings.broker.host}:{settings.broker.port}")


def _places(
    deployment: Deployment, settings: ServiceSettings, web: WebFront | None
) -> Iterator[str]:
    by = f", computed by: {settings.transport}" if settings.transport else ""
    yield f"serving {deployment.name} (design {deployment.identity}){by}"
    if settings.broker is not None:
        where = f"{settings.broker.host}:{settings.broker.port}"
        yield f"MQTT: connecting to {where}"  # _connections says when it is connected
    if settings.web is not None and web is not None:
        yield f"HTTP: http://{settings.web.place(web.port)}/"
