"""The service over HTTP: predictions, health, metrics, its OpenAPI document, and a web page.

bottle routes, and the server of the standard library answers each connection in a thread. There is
no encryption and no login: listen on loopback, or behind a proxy that has both.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
import uuid
from dataclasses import dataclass, replace
from socketserver import ThreadingMixIn
from typing import Any, Callable, Hashable, Mapping
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from ..errors import NotInstalled
from . import openapi, page
from .core import PredictionService
from .messages import Envelope, encode_error, read_envelope
from .metrics import CONTENT_TYPE
from .refusal import ServiceRefusal, SettingsError

_log = logging.getLogger("fpgacomp.service")
_JSON = "application/json"
_LENGTH = re.compile(r"[0-9]{1,18}\Z", re.ASCII)
# Status -> why and remedy of what no route takes.
_REFUSED_ROUTES = {
    404: ("names a path that is none.", "see /openapi.json for those that are."),
    405: ("has a method that its path does not take.", "take the method in the header Allow."),
    500: ("has a fault.", "see its log."),
}
# Connections that are answered at the same time; one more is closed at once.
_MAX_CONNECTIONS = 64
# How long a client may take for its next bytes.
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class WebSettings:
    """Where HTTP listens.

    Args:
        host: address; 127.0.0.1 is reached from this machine alone.
        port: 0 takes a free one.
        wait_s: how long a request waits for its answer; its client may ask again then.
    """

    host: str
    port: int
    wait_s: float = 30.0


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
        application = _application(self)
        try:
            self._server = make_server(settings.host, settings.port, application, _Server, _Handler)
        except (OSError, OverflowError) as problem:
            raise SettingsError(
                f"{settings.host}:{settings.port}", f"HTTP cannot listen there: {problem}.",
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
        while self._server.busy and time.monotonic() < until:
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
        """Of `GET /readyz`: whether predictions are answered at this moment."""
        return _stated(self._problems(), 503)

    def metrics(self) -> bytes:
        """Of `GET /metrics`."""
        gauges = self._service.gauges()
        if self._connected is not None:
            told = "Whether the broker is reached."
            gauges["mqtt_connected"] = (told, {"": float(self._connected())})
        return self._service.metrics.text(gauges).encode()

    def state(self) -> Mapping[str, Any]:
        """Of `GET /live`: what the web page shows."""
        problems = self._problems()
        broker = "none" if self._connected is None else (
            "connected" if self._connected() else "not reached"
        )  # fmt: skip
        return dict(self._service.state(), problems=problems, ready=not problems, broker=broker)

    def openapi(self) -> Mapping[str, Any]:
        """Of `GET /openapi.json`."""
        return openapi.document(self._service.deployment)

    @property
    def max_bytes(self) -> int:
        """Of a request."""
        return self._service.limits.request_bytes

    def _problems(self) -> list[str]:
        found = self._service.problems()
        if self._connected is not None and not self._connected():
            found.append("the broker is not reached.")
        return found


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
        request = bottle.request
        if request.content_type.partition(";")[0].strip().lower() != _JSON:
            # A page of another site can send any other type without asking.
            return answer(*_refused(None, ServiceRefusal(
                "malformed", "Content-Type", f"is not {_JSON}.", f"send Content-Type: {_JSON}."
            ), 415))  # fmt: skip
        stated = request.environ.get("CONTENT_LENGTH") or ""
        if stated and not _LENGTH.match(stated):
            return answer(*_refused(None, ServiceRefusal(
                "malformed", "Content-Length", "is no number of bytes.",
                "state the length of the body in decimal digits.",
            )))  # fmt: skip
        if not stated or request.chunked:
            return answer(*_refused(None, ServiceRefusal(
                "malformed", "Content-Length", "is missing.", "state the length of the body."
            ), 411))  # fmt: skip
        # One byte more than is taken is enough to refuse the rest unread.
        length = min(int(stated), front.max_bytes + 1)
        body = request.environ["wsgi.input"].read(length)
        return answer(*front.predict(body))

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
    application.get("/metrics", callback=lambda: plain(CONTENT_TYPE, front.metrics()))
    for path, document in (("/openapi.json", front.openapi), ("/live", front.state)):
        application.get(
            path, callback=lambda of=document: plain(_JSON, json.dumps(of()).encode())
        )  # fmt: skip
    for path, (name, kind) in page.FILES.items():
        application.get(
            path, callback=lambda name=name, kind=kind: plain(kind, page.content(name, front.state))
        )  # fmt: skip
    return application


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


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, and no more than a bounded number of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._slots = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        self.busy = 0  # connections that are being answered
        self._guard = threading.Lock()
        super().__init__(*arguments, **named)

    def server_bind(self) -> None:
        """Bind without asking the name service for the machine's own name, which may take long."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        with self._guard:
            self.busy += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self.busy -= 1
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is no error of the service."""
        _log.debug("a connection of %s ended early", client_address, exc_info=True)


class _Handler(WSGIRequestHandler):
    """Logs where the service logs."""

    timeout = _PATIENCE_S

    def log_message(self, format: str, *arguments: Any) -> None:
        _log.debug("%s %s", self.client_address[0], format % arguments)


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
