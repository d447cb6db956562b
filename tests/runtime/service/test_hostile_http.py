"""Whatever comes over HTTP ends in an answer with a sentence, and the service goes on."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from fpgacomp.runtime.deployment import Deployment
from tests.support.web_service import Web

HEAD = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
QUESTION = json.dumps({"inputs": {"x": [[0, 1, 2, 3]]}}).encode()


@pytest.fixture(scope="module")
def web(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """One service for all of them: each finds what the ones before left of it."""
    found = Web(deployment, tmp_path_factory.mktemp("hostile"))
    yield found
    found.stop()


def sized(body: bytes, more: bytes = b"") -> bytes:
    return HEAD + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


# What is sent, and the status and the words of the answer.
HEADS = {
    "one long header": (HEAD + b"X: " + b"a" * 200_000 + b"\r\n\r\n", 431, "65536 bytes"),
    "headers of 100 kB": (
        HEAD + (b"X: " + b"a" * 2000 + b"\r\n") * 50 + b"\r\n", 431, "over 65536 bytes"),
    "200 headers": (HEAD + b"X: a\r\n" * 200 + b"\r\n", 431, "more than 100 headers"),
    "long first line": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n", 431, "over 65536"),
    "long path": (b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n\r\n", 404, "names a path"),
    "path that is no UTF-8": (b"GET /x\xff\xfe HTTP/1.1\r\n\r\n", 404, "names a path"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "none of HTTP"),
    "noise": (bytes(range(256)) * 4 + b"\r\n\r\n", 400, "none of HTTP"),
    "empty line": (b"\r\nGET / HTTP/1.1\r\n\r\n", 400, "first line is empty"),
    "one word": (b"GET\r\n\r\n", 400, "none of HTTP"),
    "no version": (b"POST /predict\r\n\r\n", 400, "none of HTTP"),
    "version that is none": (b"GET / HTTP/x.y\r\n\r\n", 400, "none of HTTP"),
    "HTTP 2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "none of HTTP"),
    "no colon": (b"GET /healthz HTTP/1.1\r\nnothing\r\n\r\n", 200, ""),
    "no length": (HEAD + b"\r\n" + QUESTION, 411, "is missing"),
    "chunked": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 411, "not taken"),
    "chunked and a length": (sized(QUESTION, b"Transfer-Encoding: chunked\r\n"), 411, "not taken"),
    "zipped": (sized(QUESTION, b"Transfer-Encoding: gzip\r\n"), 411, "not taken"),
    "two lengths": (sized(QUESTION, b"Content-Length: 3\r\n"), 400, "no number of bytes"),
    "the same length twice": (
        sized(QUESTION, b"Content-Length: %d\r\n" % len(QUESTION)), 200, ""),
    "length with a space": (HEAD + b"Content-Length : 3\r\n\r\n{}", 411, "is missing"),
    "body on a GET": (b"GET /healthz HTTP/1.1\r\nContent-Length: 9\r\n\r\nsomething", 200, ""),
    "far too long": (sized(b" " * 5_000_000), 413, "has 5000000 bytes; at most 100000 are taken"),
    "length alone": (HEAD + b"Content-Length: 999999999999999999\r\n\r\n" + b" " * 100_001, 413,
                     "at most 100000 are taken"),
    "pipelining": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3000, 200, ""),
    "a prediction and more": (sized(QUESTION) * 50, 200, ""),
}  # fmt: skip
LENGTHS = ("abc", "-1", "+2", "1_0", "1.5", "0x2", "9" * 5000)
HEADS.update(
    (f"length {length[:9]}", (HEAD + b"Content-Length: %s\r\n\r\n{}" % length.encode(), 400,
                              "no number of bytes"))
    for length in LENGTHS
)  # fmt: skip


@pytest.mark.parametrize(("sent", "status", "told"), HEADS.values(), ids=HEADS)
def test_a_request_that_is_none(web: Web, sent: bytes, status: int, told: str) -> None:
    found, headers, body = web.send(sent)
    assert (found, headers["Content-Type"]) == (status, "application/json")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    if status != 200:
        error = json.loads(body)["error"]
        assert error["kind"] in ("malformed", "too large") and error["fix"]
        assert told in error["why"] and len(body) < 1000
    assert web.post(QUESTION)[0] == 200


BODIES = {
    "200,000 brackets": (b"[" * 99_000, 400, "nested too deeply"),
    "200,000 braces": (b'{"a":' * 19_000, 400, "nested too deeply"),
    "an array of 900 axes": (
        b'{"inputs": {"x": ' + b"[" * 900 + b"]" * 900 + b"}}", 400, "no array of numbers"),
    "1e400": (b'{"inputs": {"x": [[1e400, 0, 0, 0]]}}', 400, "too large for float64"),
    "-1e400": (b'{"inputs": {"x": [[-1e400, 0, 0, 0]]}}', 400, "too large for float64"),
    "1e39": (b'{"inputs": {"x": [[1e39, 0, 0, 0]]}}', 422, "beyond float32"),
    "NaN": (b'{"inputs": {"x": [[NaN, 0, 0, 0]]}}', 400, "NaN is no number of JSON"),
    "the word NaN": (b'{"inputs": {"x": [["NaN", 0, 0, 0]]}}', 400, "no array of numbers"),
    "50,000 digits": (b'{"inputs": {"x": [[' + b"7" * 50_000 + b"]]}}", 400, "too many digits"),
    "an id of 90 kB": (b'{"id": "' + b"a" * 90_000 + b'", "inputs": {}}', 400, "visible ASCII"),
    "an id of 1 MB": (b'{"id": "' + b"a" * 1_000_000 + b'", "inputs": {}}', 413, "at most 100000"),
    "an id with a surrogate": (b'{"id": "\\ud800"}', 400, "visible ASCII"),
    "a surrogate as a name": (b'{"inputs": {"\\ud800": 1}}', 422, "names"),
    "a surrogate as a member": (b'{"\\ud800": 1}', 400, "is no member"),
    "an id twice": (b'{"id": "a", "id": "b", "inputs": {}}', 400, "'id' stands twice"),
    "an input twice": (
        b'{"inputs": {"x": [[0,0,0,0]], "x": [[1,1,1,1]]}}', 400, "'x' stands twice"),
    "a name of 90 kB twice": (
        b'{"%s": 1, "%s": 2}' % (b"n" * 40_000, b"n" * 40_000), 400, "stands twice"),
    "no UTF-8": (b'{"id": "\xff"}', 400, "utf-8"),
    "a byte order mark": (b"\xef\xbb\xbf" + QUESTION, 400, "BOM"),
    "UTF-16": (QUESTION.decode().encode("utf-16"), 400, "utf-8"),
    "a form": (b"inputs=1&id=2", 400, "Expecting value"),
    "nothing": (b"", 400, "Expecting value"),
    "zeros": (bytes(1000), 400, "Expecting value"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "status", "told"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_question(web: Web, body: bytes, status: int, told: str) -> None:
    found, headers, answer = web.send(sized(body))
    error = json.loads(answer)["error"]
    assert (found, headers["Content-Type"]) == (status, "application/json")
    assert told in error["why"] and error["fix"] and len(answer) < 1000
    assert web.post(QUESTION)[0] == 200


def test_a_body_that_ends_early(web: Web) -> None:
    with web.connect() as line:
        line.sendall(HEAD + b"Content-Length: 500\r\n\r\n" + QUESTION)
        line.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: line.recv(9999), b""))
    told = f"has {len(QUESTION)} bytes where Content-Length states 500"
    assert answer.split()[1] == b"400" and told in answer.decode()


@pytest.mark.slow
def test_many_ids_are_as_good_as_one(web: Web) -> None:
    for number in range(300):
        body = dict(json.loads(QUESTION), id=f"{number:0100d}")
        status, _, answer = web.post(body)
        assert status == 200 and answer["id"] == body["id"]
    assert web.service.gauges()["under_way"][1][""] == 0


def test_the_service_is_as_well_as_before(web: Web) -> None:
    assert web.get("/healthz")[0] == web.get("/readyz")[0] == 200
    assert web.service.metrics.total("device_faults_total") == 0
