"""The service over HTTP: predictions, health, metrics, its OpenAPI document, and a web page.

bottle routes, and the server of the standard library answers each connection in a thread. There is
no encryption and no login: listen on loopback, or behind a proxy that has both.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Hashable, Mapping

from ..errors import NotInstalled
from . import openapi, page
from .connections import ConnectionLimits
from .core import PredictionService
from .description import describe
from .http_server import BODY, CONNECTION, HttpServer
from .messages import Envelope, encode_error, read_envelope
from .metrics import CONTENT_TYPE
from .refusal import ServiceRefusal, SettingsError

_JSON = "application/json"
_LENGTH = re.compile(r"[0-9]{1,18}\Z", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}\Z")
# Status -> why and remedy of what no route takes.
_REFUSED_ROUTES = {
    404: ("names a path that is none.", "see /openapi.json for those that are."),
    405: ("has a method that its path does not take.", "take the method in the header Allow."),
    500: ("has a fault.", "see its log."),
}


@dataclass(frozen=True)
class WebSettings:
    """Where HTTP listens.

    Args:
        host: address; 127.0.0.1 is reached from this machine alone.
        port: 0 takes a free one.
        wait_s: how long a request waits for its answer; its client may ask again then.
        connections: bounds of them.
    """

    host: str
    port: int
    wait_s: float = 30.0
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)

    def place(self, port: int) -> str:
        """HOST:PORT, as it stands in a URL: an address of IPv6 has brackets."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"


class WebFront:
    """The HTTP server of a service.

    Args:
        service: answers.
        settings: where it listens.
        connected: whether the broker is reached; None where there is none.

    Raises:
        NotInstalled: bottle is not installed.
        SettingsError: the address cannot be used.
    """

    def __init__(
        self,
        service: PredictionService,
        settings: WebSettings,
        connected: Callable[[], bool] | None = None,
    ) -> None:
        self._service, self._settings, self._connected = service, settings, connected
        self._document = openapi.document(service.deployment)
        self._description = describe(service.deployment, service.transport)
        application = _application(self)
        try:
            self._server = HttpServer(
                (settings.host, settings.port), application, settings.connections, service.metrics
            )
        except (OSError, OverflowError) as problem:
            raise SettingsError(
                settings.place(settings.port), f"HTTP cannot listen there: {problem}.",
                "name a free port, and an address of this machine.",
            ) from None  # fmt: skip
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="http", daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Take requests."""
        self._thread.start()

    def refuse_more(self) -> None:
        """Take no more connections; those that wait get their answers."""
        self._server.shutdown()
        self.close()

    def close(self) -> None:
        """Give the address back."""
        self._server.server_close()

    def stop(self, patience_s: float) -> None:
        """Wait until the last answers have gone out."""
        until = time.monotonic() + patience_s
        while self._server.connections.busy and time.monotonic() < until:
            time.sleep(0.01)

    def predict(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the answer to `POST /predict`."""
        envelope = read_envelope(body, self._service.limits.request_bytes)
        if envelope.id is None and envelope.refusal is None:
            envelope = replace(envelope, id=uuid.uuid4().hex)
        target = _Waiting()
        self._service.submit(envelope, "http", target)
        if not target.done.wait(self._settings.wait_s):
            self._service.withdraw(envelope.id, target)
            return _refused(envelope, ServiceRefusal(
                "not answered", "the answer", "did not come in time.", "ask again with this id."
            ))  # fmt: skip
        if target.refusal is not None:
            return target.refusal.status, _headers(target.refusal), target.reply
        return 200, {"Content-Type": _JSON}, target.reply

    def health(self) -> tuple[int, Mapping[str, str], bytes]:
        """Of `GET /healthz`: whether the service goes on; a supervisor restarts it otherwise."""
        problems = [] if self._service.alive else ["the thread of the accelerator hangs."]
        return _stated(problems, 500)

    def readiness(self) -> tuple[int, Mapping[str, str], bytes]:
        """Of `GET /readyz`: whether predictions over HTTP are answered at this moment."""
        return _stated(self._service.problems(), 503)

    def mqtt_readiness(self) -> tuple[int, Mapping[str, str], bytes]:
        """Of `GET /readyz/mqtt`: whether those over MQTT are, too."""
        return _stated([*self._service.problems(), *self._broker_problems()], 503)

    def metrics(self) -> bytes:
        """Of `GET /metrics`."""
        gauges = self._service.gauges()
        if self._connected is not None:
            told = "Whether the broker is reached."
            gauges["mqtt_connected"] = (told, {"": float(self._connected())})
        return self._service.metrics.text(gauges).encode()

    def state(self) -> Mapping[str, Any]:
        """Of `GET /live`: what the web page shows."""
        state = self._service.state()
        broker = "none" if self._connected is None else (
            "connected" if self._connected() else "not reached"
        )  # fmt: skip
        # Where there is a broker, somebody waits for it: the page shows that HTTP is ready, and
        # what MQTT lacks.
        problems = [] if self._connected is None else self._broker_problems()
        return dict(state, problems=[*state["problems"], *problems], broker=broker)

    def openapi(self) -> Mapping[str, Any]:
        """Of `GET /openapi.json`."""
        return self._document

    def description(self) -> Mapping[str, Any]:
        """Of `GET /description`."""
        return self._description

    def count(self, refusal: ServiceRefusal) -> None:
        """Count a question that is refused before it is read."""
        self._service.metrics.count("requests_total", "http")
        self._service.metrics.count("errors_total", refusal.kind)

    def waiting(self, connection: Any) -> Any:
        """What a connection does in this block is to wait for a prediction."""
        return self._server.connections.waiting(connection)

    def curl(self, host: str) -> str:
        """A command that asks; `host` is where its client found the service."""
        if not _HOST.match(host):
            host = self._settings.place(self.port)
        return f"curl -H 'Content-Type: {_JSON}' -d @request.json http://{host}/predict"

    @property
    def max_bytes(self) -> int:
        """Of a request."""
        return self._service.limits.request_bytes

    def _broker_problems(self) -> list[str]:
        """What MQTT needs beyond what HTTP does."""
        if self._connected is None:
            return ["MQTT is not served: start the service with --mqtt."]
        return [] if self._connected() else ["the broker is not reached."]


def _application(front: WebFront) -> Any:
    """The routes."""
    try:
        import bottle
    except ImportError:
        raise NotInstalled("bottle", "is not installed.", "pip install 'bottle>=0.13'.") from None
    application = bottle.Bottle(autojson=False)

    def answer(status: int, headers: Mapping[str, str], body: bytes) -> Any:
        return bottle.HTTPResponse(body, status, **{**page.HEADERS, **headers})

    def plain(kind: str, body: bytes) -> Any:
        return answer(200, {"Content-Type": kind}, body)

    @application.post("/predict")  # type: ignore[untyped-decorator]
    def predict() -> Any:
        environment = bottle.request.environ
        try:
            body = _read_body(environment, front)
            with front.waiting(environment[CONNECTION]):
                return answer(*front.predict(body))
        except _RefusedHead as refused:
            front.count(refused.refusal)
            return answer(*_refused(None, refused.refusal, refused.status))
        except ServiceRefusal as refusal:
            front.count(refusal)
            return answer(*_refused(None, refusal))

    def failed(error: Any) -> bytes:
        """The body of what bottle refuses by itself, in the form of every other refusal."""
        kind, where = ("malformed", "the request") if error.status_code < 500 else (
            "fault", "the service"
        )  # fmt: skip
        why, fix = _REFUSED_ROUTES.get(
            error.status_code, (f"gets status {error.status_code}.", "see /openapi.json.")
        )
        for name, value in {**page.HEADERS, "Content-Type": _JSON}.items():
            bottle.response.set_header(name, value)
        return encode_error(None, ServiceRefusal(kind, where, why, fix))

    application.default_error_handler = failed
    application.get("/healthz", callback=lambda: answer(*front.health()))
    application.get("/readyz", callback=lambda: answer(*front.readiness()))
    application.get("/readyz/mqtt", callback=lambda: answer(*front.mqtt_readiness()))
    application.get("/metrics", callback=lambda: plain(CONTENT_TYPE, front.metrics()))
    for path, document in (
        ("/openapi.json", front.openapi), ("/description", front.description),
        ("/live", front.state),
    ):  # fmt: skip
        application.get(
            path, callback=lambda of=document: plain(_JSON, json.dumps(of()).encode())
        )  # fmt: skip
    for path, (name, kind) in page.FILES.items():
        application.get(
            path, callback=lambda name=name, kind=kind: plain(kind, page.content(name, front.state))
        )  # fmt: skip
    return application


class _RefusedHead(Exception):
    """A request whose body is not read, for the status that its refusal gets."""

    def __init__(self, status: int, where: str, why: str, fix: str) -> None:
        super().__init__(why)
        self.status, self.refusal = status, ServiceRefusal("malformed", where, why, fix)


def _read_body(environment: Mapping[str, Any], front: WebFront) -> bytes:
    """The body of a request, whose head is looked at first.

    Raises:
        _RefusedHead: the head is not one of a question.
        ServiceRefusal: the body does not come.
    """
    kind = environment.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        # A page of another site can send any other type without asking.
        raise _RefusedHead(415, "Content-Type", f"is {kind[:100]!r} instead of {_JSON}.",
                           f"send the header Content-Type: {_JSON}; with curl: "
                           f"{front.curl(environment.get('HTTP_HOST', ''))}")  # fmt: skip
    stated = environment.get("CONTENT_LENGTH") or ""
    if environment.get("HTTP_TRANSFER_ENCODING"):
        raise _RefusedHead(411, "Transfer-Encoding", "is not taken.",
                           "send the body as it is, with its Content-Length.")  # fmt: skip
    if not stated:
        raise _RefusedHead(411, "Content-Length", "is missing.", "state the length of the body.")
    if not _LENGTH.match(stated):
        raise _RefusedHead(400, "Content-Length", "is no number of bytes.",
                           "state the length of the body in decimal digits.")  # fmt: skip
    length = int(stated)
    if length > front.max_bytes:
        raise ServiceRefusal(
            "too large",
            "the request",
            f"has {length} bytes; at most {front.max_bytes} are taken.",
            "send fewer samples at once.",
        )
    body: bytes = environment[BODY].read_body(length)
    if len(body) < length:
        raise _RefusedHead(400, "the body", f"has {len(body)} bytes where Content-Length states "
                           f"{length}.", "send all of it.")  # fmt: skip
    return body


class _Waiting:
    """A connection that waits for its reply."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.reply = b""
        self.refusal: ServiceRefusal | None = None

    @property
    def key(self) -> Hashable:
        return id(self)

    def send(self, reply: bytes, refusal: ServiceRefusal | None) -> None:
        self.reply, self.refusal = reply, refusal
        self.done.set()


def _stated(problems: list[str], failing: int) -> tuple[int, Mapping[str, str], bytes]:
    body = json.dumps({"ok": not problems, "problems": problems}).encode()
    return failing if problems else 200, {"Content-Type": _JSON}, body


def _refused(
    envelope: Envelope | None, refusal: ServiceRefusal, status: int | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    id = None if envelope is None else envelope.id
    return status or refusal.status, _headers(refusal), encode_error(id, refusal)


def _headers(refusal: ServiceRefusal) -> Mapping[str, str]:
    if refusal.retry_after_s is None:
        return {"Content-Type": _JSON}
    # HTTP states whole seconds.
    return {"Content-Type": _JSON, "Retry-After": str(max(1, round(refusal.retry_after_s)))}
