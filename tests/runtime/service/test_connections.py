"""Slow clients and long predictions keep nobody from the health of the service, nor each other."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.service.connections import ConnectionLimits, OpenConnection
from fpgacomp.runtime.service.http_server import RequestReader
from fpgacomp.runtime.service.refusal import ServiceRefusal
from tests.support.services import samples_of, wait_for
from tests.support.web_service import Web, read_answer

# Small bounds, and so much patience that no test waits for its end.
LIMITS = ConnectionLimits(total=8, of_client=6, reserved=2, patience_s=600.0)
QUESTION = json.dumps({"inputs": {"x": [[0, 1, 2, 3]]}}).encode()
HEAD = b"POST /predict HTTP/1.1\r\nContent-Type: application/json\r\n"
# What a slow client sent of its request.
STALLED = {
    "nothing": b"",
    "a first byte": b"P",
    "half of the headers": HEAD,
    "half of the body": HEAD + b"Content-Length: 100\r\n\r\n{",
}
PAGES = ("/healthz", "/readyz", "/metrics")


@pytest.fixture
def web(deployment: Deployment, tmp_path: Path) -> Iterator[Web]:
    found = Web(deployment, tmp_path, connections=LIMITS, queue=20)
    yield found
    found.stop()


def is_open(line: socket.socket) -> bool:
    """Whether the service has neither said anything nor ended the connection."""
    return not select.select([line], [], [], 0)[0]


def fetch_from(web: Web, source: str, path: str) -> int:
    with web.connect(source) as line:
        line.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return read_answer(line)[0]


@pytest.mark.slow
@pytest.mark.parametrize("sent", STALLED.values(), ids=STALLED)
def test_stalled_connections_keep_nobody_waiting(web: Web, sent: bytes) -> None:
    with ExitStack() as stack:
        lines = []
        for number in range(3 * LIMITS.total):
            line = stack.enter_context(web.connect(f"127.0.0.{2 + number % 5}"))
            line.sendall(sent)
            lines.append(line)
        for source in ("127.0.0.2", "127.0.0.9"):
            for path in PAGES:
                assert fetch_from(web, source, path) == 200
        # One connection was let in at a time: all others are as they were.
        assert sum(map(is_open, lines)) == LIMITS.total - 1
        assert web.post(QUESTION)[0] == 200
        ended = samples_of(web.get("/metrics")[2])
        if len(sent):
            assert ended['fpgacomp_connections_ended_total{why="made room"}'] > 0


def test_one_address_takes_no_more_than_its_part(web: Web) -> None:
    with ExitStack() as stack:
        greedy = [stack.enter_context(web.connect("127.0.0.2")) for _ in range(30)]
        wait_for(lambda: sum(map(is_open, greedy)) == LIMITS.of_client, "they are not ended")
        assert [is_open(line) for line in greedy[-LIMITS.of_client :]] == [True] * LIMITS.of_client
        other = stack.enter_context(web.connect("127.0.0.3"))
        greedy += [stack.enter_context(web.connect("127.0.0.2")) for _ in range(30)]
        wait_for(lambda: sum(map(is_open, greedy)) == LIMITS.of_client, "they are not ended")
        assert is_open(other)


def test_who_has_to_make_room_is_told(web: Web) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(web.connect())
        first.sendall(HEAD)
        wait_for(lambda: web.front._server.connections.busy == 1, "it is not there")
        others = [stack.enter_context(web.connect()) for _ in range(LIMITS.of_client)]
        status, headers, body = read_answer(first)
        error = json.loads(body)["error"]
        assert status == 408 and error["kind"] == "too slow" and int(headers["Retry-After"]) >= 1
        assert "needed for another client" in error["why"]
        assert all(map(is_open, others))


def test_what_had_come_before_room_was_made_is_read(web: Web) -> None:
    """Else its client would be taken for one that asked nothing, and told nothing."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = OpenConnection(ours, "127.0.0.1")
        reader = RequestReader(connection, LIMITS)
        theirs.sendall(HEAD)
        connection.made_room = True
        with pytest.raises(ServiceRefusal, match="needed for another client"):
            reader.readinto(bytearray(1000))
        assert reader.has_begun


def ask(web: Web, source: str, answers: list[int]) -> threading.Thread:
    def run() -> None:
        with web.connect(source) as line:
            line.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(QUESTION) + QUESTION)
            answers.append(read_answer(line)[0])

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_predictions_that_wait_leave_room_and_are_not_ended(web: Web) -> None:
    web.go.clear()
    answers: list[int] = []
    threads = [ask(web, "127.0.0.2", answers) for _ in range(4)]
    threads += [ask(web, "127.0.0.3", answers) for _ in range(2)]
    wait_for(lambda: web.service.gauges()["under_way"][1][""] == 6, "they do not wait")
    # Neither this address nor any other may have one more; the rest of the service answers.
    for source, told in (("127.0.0.2", "4 predictions of this address"),
                         ("127.0.0.4", "6 predictions already")):  # fmt: skip
        with web.connect(source) as line:
            line.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(QUESTION) + QUESTION)
            status, headers, body = read_answer(line)
        assert status == 429 and headers["Retry-After"] and told in json.loads(body)["error"]["why"]
    with ExitStack() as stack:
        for number in range(3 * LIMITS.total):
            line = stack.enter_context(web.connect(f"127.0.0.{2 + number % 3}"))
            line.sendall(HEAD)
        for path in PAGES:
            assert fetch_from(web, "127.0.0.2", path) == 200
        web.go.set()
        for thread in threads:
            thread.join(60)
    assert answers == [200] * 6


def test_a_client_that_does_not_read_its_answer_makes_room(web: Web) -> None:
    question = json.dumps({"inputs": {"x": [[0, 1, 2, 3]] * 6000}}).encode()
    with ExitStack() as stack:
        for _ in range(2 * LIMITS.of_client):
            line = stack.enter_context(socket.socket())
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            line.connect(("127.0.0.1", web.front.port))
            line.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(question) + question)
        wait_for(lambda: web.service.metrics.total("answers_total") >= 2, "nothing is computed")
        for path in PAGES:
            assert fetch_from(web, "127.0.0.1", path) == 200


@pytest.mark.slow
@pytest.mark.parametrize("sent", list(STALLED.values())[1:], ids=list(STALLED)[1:])
def test_a_request_has_one_deadline_for_all_of_its_bytes(
    sent: bytes, deployment: Deployment, tmp_path: Path
) -> None:
    """A byte now and then, as a slow loris sends it, does not keep the connection."""
    limits = ConnectionLimits(patience_s=0.3)
    web = Web(deployment, tmp_path, connections=limits)
    stop = threading.Event()

    def drip(line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not stop.wait(0.02):
                line.sendall(b"x")

    with web.connect() as line:
        line.sendall(sent)
        thread = threading.Thread(target=drip, args=(line,))
        thread.start()
        status, _, body = read_answer(line)
        stop.set()
        thread.join(60)
    assert (status, json.loads(body)["error"]["kind"]) == (408, "too slow")
    assert web.service.metrics.total("connections_ended_total") == 1
    web.stop()


def test_connections_are_given_back(web: Web) -> None:
    for _ in range(3 * LIMITS.total):
        assert web.get("/healthz")[0] == 200
    connections: Any = web.front._server.connections
    wait_for(lambda: not connections._open and not connections._ending, "they are kept")


def test_a_thread_that_cannot_be_started_costs_no_place(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if "process_request" in thread.name:
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        for _ in range(3 * LIMITS.total):
            with web.connect() as line:
                assert line.recv(1) == b""
    assert web.get("/healthz")[0] == 200 and not web.front._server.connections._ending
