"""A service over HTTP in the test's own process, and raw sockets that talk to it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fpgacomp.deploy.oracle import OracleTransport, open_transport
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.errors import TransferError
from fpgacomp.runtime.service.connections import ConnectionLimits
from fpgacomp.runtime.service.core import PredictionService, ServiceLimits
from fpgacomp.runtime.service.journal import Journal
from fpgacomp.runtime.service.web import WebFront, WebSettings
from fpgacomp.runtime.service.worker import WorkerLimits
from tests.support.services import fetch


class Web:
    """A service over HTTP in this process, on a device that waits where it is told to."""

    def __init__(
        self,
        deployment: Deployment,
        folder: Path,
        wait_s: float = 30.0,
        connections: ConnectionLimits | None = None,
        queue: int = 1,
        connected: Callable[[], bool] | None = None,
    ) -> None:
        self.go = threading.Event()
        self.go.set()
        self.broken = False
        outer = self

        class Device(OracleTransport):
            def start(self, frames: Any) -> int:
                assert outer.go.wait(60)
                if outer.broken:
                    raise TransferError("DMA 0", "stopped.", "reset it.")
                return super().start(frames)

        graph = open_transport(deployment).graph
        limits = ServiceLimits(100_000, WorkerLimits(queue=queue, retries=0))
        self.service = PredictionService(
            deployment, lambda: Device(deployment, graph), Journal(folder / "answers"), limits,
            "a model <b>",
        )  # fmt: skip
        settings = WebSettings("127.0.0.1", 0, wait_s, connections or ConnectionLimits())
        self.front = WebFront(self.service, settings, connected)
        self.service.start()
        self.front.start()

    def get(self, path: str) -> tuple[int, Any, Any]:
        status, headers, body = fetch(self.front.port, path)
        return status, headers, body.decode()

    def post(self, body: Any, **headers: str) -> tuple[int, Any, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, found, answer = fetch(self.front.port, "/predict", content, **headers)
        return status, found, json.loads(answer)

    def stop(self) -> None:
        self.go.set()
        self.front.refuse_more()
        self.service.stop(5.0)

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """A connection from an address of loopback, of which there are many."""
        return socket.create_connection(
            ("127.0.0.1", self.front.port), timeout=60, source_address=(source, 0)
        )

    def send(self, content: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to these bytes, which may be no request."""
        with self.connect() as line:
            line.sendall(content)
            return read_answer(line)


def read_answer(line: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of all that comes until the end."""
    answer = b"".join(iter(lambda: line.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(one.split(": ", 1) for one in lines)
    assert len(body) == int(headers["Content-Length"]), "more than one answer came, or less"
    return int(first.split()[1]), headers, body
