"""The HTTP server: one thread and one request for each connection, within bounds of time and room.

It is the standard library's, which has neither bound: it would wait for every single byte anew, and
take any number of headers. What no application sees (a request that is none, or comes too slowly)
is refused here, in the same form as everything else.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import socket
import time
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import IO, Any, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from . import page
from .connections import ConnectionLimits, Connections, OpenConnection, made_room
from .messages import encode_error
from .metrics import Metrics
from .refusal import ServiceRefusal

_log = logging.getLogger("fpgacomp.service")
# Keys of the WSGI environment: what the application may know of its connection.
CONNECTION, BODY = "fpgacomp.connection", "fpgacomp.body"
# Bytes of a request's first line and headers.
_MAX_HEAD_BYTES = 64 << 10
# What is read ahead of the head does not count against it.
_READ_AHEAD_BYTES = 8 << 10
# How long a client may take to close after its answer, and what it may send until then.
_LINGER_S, _LINGER_BYTES = 2.0, 16 << 20


class RequestReader(io.RawIOBase):
    """Reads a request, which must come whole within a time and may have so many bytes.

    Args:
        connection: what is read.
        limits: bounds.
    """

    def __init__(self, connection: OpenConnection, limits: ConnectionLimits) -> None:
        super().__init__()
        self._connection, self._limits = connection, limits
        self._until = time.monotonic() + limits.patience_s
        self._room: float = _MAX_HEAD_BYTES + _READ_AHEAD_BYTES
        self.has_begun = False

    def readable(self) -> bool:
        """It is."""
        return True

    def expect_body(self, length: int) -> None:
        """Let a body of so many bytes come behind the head."""
        self._room = math.inf
        self._until += length / self._limits.body_bytes_per_s

    def readinto(self, buffer: Any) -> int:
        """Read what has come; 0 at the end.

        Raises:
            ServiceRefusal: the request came too slowly, or is too large, or its connection made
                room for another one.
        """
        line = self._connection.line
        try:
            line.settimeout(max(self._until - time.monotonic(), 1e-3))
            count = line.recv_into(buffer)
        except socket.timeout:
            raise ServiceRefusal(
                "too slow", "the request", f"did not come whole within {self._limits.patience_s:g} "
                "s.", "send it at once, and again.",
            ) from None  # fmt: skip
        finally:
            line.settimeout(self._limits.patience_s)  # for the answer
        if count and not self.has_begun:
            self.has_begun = True
            self._until = time.monotonic() + self._limits.patience_s
        # What had come before is read all the same: its client is told why it is ended.
        if self._connection.made_room:
            raise made_room()
        self._room -= count
        if self._room < 0:
            raise ServiceRefusal("malformed", "the headers", f"have over {_MAX_HEAD_BYTES} bytes.",
                                 "send fewer headers.")  # fmt: skip
        return count


class HttpServer(ThreadingMixIn, WSGIServer):
    """A thread for each connection.

    Args:
        address: host and port; port 0 takes a free one.
        application: by WSGI.
        limits: bounds of the connections.
        metrics: counts the connections that were ended.

    Raises:
        OSError, OverflowError: the address cannot be used.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(
        self, address: tuple[str, int], application: Any, limits: ConnectionLimits, metrics: Metrics
    ) -> None:
        self.connections, self.metrics = Connections(limits), metrics
        self.address_family, place = _resolved(*address)
        super().__init__(place, RequestHandler)
        self.set_app(application)

    def server_bind(self) -> None:
        """Bind without asking the name service for the machine's own name, which may take long."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.address_family == socket.AF_INET6:  # `::` takes IPv4, too, whatever the system does
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        connection = self.connections.admit(request, str(client_address[0]))
        if connection is None:
            self.metrics.count("connections_ended_total", "too many")
            self.close_request(request)
            return
        try:
            opened: Any = connection  # what the socket is to the classes above
            super().process_request(opened, client_address)
        except RuntimeError as problem:
            _log.warning("a connection is not answered: no thread can be started: %s", problem)
            self.connections.remove(connection)
            self.close_request(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        RequestHandler(request, client_address, self)

    def shutdown_request(self, request: Any) -> None:
        """End a connection such that its client gets the answer.

        A socket that is closed with unread bytes takes back what was sent: the client of a body
        that was refused unread, or of a second request behind the first, would get nothing.
        """
        line = request.line
        self.connections.answered(request)
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_WR)
            until, room = time.monotonic() + _LINGER_S, _LINGER_BYTES
            while room > 0 and not request.made_room:
                line.settimeout(max(until - time.monotonic(), 1e-3))
                count = len(line.recv(64 << 10))
                if count == 0:
                    break
                room -= count
        self.connections.remove(request)
        self.close_request(line)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is no error of the service."""
        _log.debug("a connection of %s ended early", client_address, exc_info=True)


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Family and address of a place to listen at; of a name that has both, IPv4.

    Raises:
        OSError: the host is no address of a kind that this machine has.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:
        raise OSError("it is no name of a host") from None
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address


class RequestHandler(WSGIRequestHandler):
    """Reads a request, has the application answer it, and logs where the service logs."""

    server: HttpServer
    raw_requestline: bytes

    def __init__(self, connection: OpenConnection, client_address: Any, server: Any) -> None:
        self._connection = connection
        super().__init__(connection.line, client_address, server)

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._reader = RequestReader(self._connection, self.server.connections.limits)
        self.rfile = io.BufferedReader(self._reader, _READ_AHEAD_BYTES)

    def handle(self) -> None:
        self.command, self.requestline, self.request_version = "", "", "HTTP/1.0"
        try:
            self.raw_requestline = self.rfile.readline(_MAX_HEAD_BYTES + 1)
            if self.raw_requestline and not self.raw_requestline.strip():
                self.send_error(400, "its first line is empty")
                return
            if not self.raw_requestline or not self.parse_request():
                return
        except ServiceRefusal as refusal:
            # A client that sent nothing asked nothing.
            if self._reader.has_begun:
                self.refuse(refusal, 431 if refusal.kind == "malformed" else refusal.status)
            self.note_end(refusal)
            return
        self._connection.is_read = self.command != "POST"
        answer = cast("IO[bytes]", self.wfile)
        handler: Any = ServerHandler(
            self.rfile, answer, self.get_stderr(), self.get_environ(), multithread=True
        )
        handler.request_handler = self
        handler.run(self.server.get_app())

    def get_environ(self) -> dict[str, Any]:
        found: dict[str, Any] = super().get_environ()
        lengths = set(self.headers.get_all("Content-Length", []))
        if len(lengths) > 1:  # a proxy in front may have taken another one for the length
            found["CONTENT_LENGTH"] = ", ".join(sorted(lengths))
        found[CONNECTION], found[BODY] = self._connection, self
        return found

    def read_body(self, length: int) -> bytes:
        """The body, or what the client sent of it before it ended.

        Raises:
            ServiceRefusal: see `RequestReader.readinto`.
        """
        self._reader.expect_body(length)
        try:
            return bytes(self.rfile.read(length))
        except ServiceRefusal as refusal:
            self.note_end(refusal)
            raise

    def note_end(self, refusal: ServiceRefusal) -> None:
        """Count a connection that was ended before its request was there."""
        if refusal.kind == "too slow":
            why = "made room" if self._connection.made_room else "too slow"
            self.server.metrics.count("connections_ended_total", why)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what the standard library takes for no request."""
        told = explain if code == 431 and explain else message or HTTPStatus(code).phrase
        self.refuse(ServiceRefusal(
            "malformed", "the request", f"is none of HTTP: {told[:200]}.",
            "send HTTP/1.0 or HTTP/1.1, without TLS.",
        ), code)  # fmt: skip

    def refuse(self, refusal: ServiceRefusal, status: int) -> None:
        """Answer without the application."""
        body = encode_error(None, refusal)
        headers = {
            **page.HEADERS, "Content-Type": "application/json", "Content-Length": str(len(body)),
            "Connection": "close",
        }  # fmt: skip
        if refusal.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, round(refusal.retry_after_s)))
        lines = [f"HTTP/1.0 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._connection.is_read = True
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    def log_message(self, format: str, *arguments: Any) -> None:
        _log.debug("%s %s", self.client_address[0], format % arguments)
