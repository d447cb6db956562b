"""What comes over MQTT is answered, or dropped with a word: no broker is needed to see that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from fpgacomp.deploy.oracle import open_transport
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.service.core import PredictionService
from fpgacomp.runtime.service.journal import Journal
from fpgacomp.runtime.service.mqtt import BrokerSettings, MqttFront
from tests.support import services


@pytest.fixture(scope="module")
def front(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MqttFront]:
    """A front whose broker is nowhere: messages are handed to it, and it publishes into a list."""
    journal = Journal(tmp_path_factory.mktemp("front") / "answers")
    service = PredictionService(deployment, lambda: open_transport(deployment), journal)
    service.start()
    yield MqttFront(service, BrokerSettings("127.0.0.1", services.free_port()), "p")
    service.stop(5.0)


def hand(front: MqttFront, payload: Any, **properties: Any) -> list[tuple[str, Any]]:
    """The replies to one message, without waiting for a prediction."""
    published: list[tuple[str, Any]] = []

    def publish(topic: str, reply: bytes, **rest: Any) -> SimpleNamespace:
        published.append((topic, json.loads(reply)))
        return SimpleNamespace(mid=len(published))

    front._client.publish = publish
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message = SimpleNamespace(payload=content, properties=SimpleNamespace(**properties))
    front._on_message(None, None, message)
    return published


UNANSWERABLE: list[tuple[str, Any, dict[str, Any], str]] = [
    ("a topic", {"id": "a", "inputs": {}}, {}, "reply_to (3.1.1)"),
    ("a topic", b"no JSON", {}, "reply_to (3.1.1)"),
    ("a topic", {"id": "a", "reply_to": 7}, {}, "reply_to (3.1.1)"),
    ("a topic", {"id": "a", "reply_to": "p/reply/" + "x" * 5000}, {}, "reply_to (3.1.1)"),
    *(
        ("a topic for replies", {"id": "a"}, {"ResponseTopic": topic}, "below p/reply/")
        for topic in ("p/status", "p/reply/+", "p/reply/#", "p/reply/\x00", "p/reply/\n", "p/reply",
                      "p/reply/\ud800", "p/reply/" + "\N{EURO SIGN}" * 22_000)
    ),
    ("a topic for replies", {"id": "a", "reply_to": "p/reply/\ud800"}, {}, "below p/reply/"),
    ("an id", {"inputs": {}}, {"ResponseTopic": "p/reply/a"}, "correlation data"),
    ("an id", {"id": "a b"}, {"ResponseTopic": "p/reply/a"}, "correlation data"),
]  # fmt: skip


@pytest.mark.parametrize(("lacks", "payload", "properties", "told"), UNANSWERABLE)
def test_a_request_that_cannot_be_answered_is_logged_and_counted(
    lacks: str, payload: Any, properties: dict[str, Any], told: str, front: MqttFront,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    before = front._service.metrics.total("unanswerable_total")
    front._dropped.forget()
    for _ in range(100):
        assert hand(front, payload, **properties) == []
    assert len(caplog.records) == 7  # the 1st, 2nd, 4th ... 64th
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    last = caplog.messages[-1]
    assert f"so far: 64): it lacks {lacks}" in last and told in last and len(last) < 400
    assert last.isascii() and last.isprintable()
    assert front._service.metrics.total("unanswerable_total") == before + 100
    labels = front._service.metrics.text({})
    assert f'fpgacomp_unanswerable_total{{lacks="{lacks}"}}' in labels


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"[" * 200_000, "malformed"),
        (b'{"id": "' + b"a" * 1_000_000 + b'"}', "malformed"),
        (b'{"id": "' + b"a" * 2_000_000 + b'"}', "too large"),
        (b'{"id": "a", "id": "b"}', "malformed"),
        (b'{"inputs": {"x": [[1e400, 0, 0, 0]]}}', "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"", "malformed"),
    ],
)
def test_a_hostile_request_is_refused_in_a_sentence(
    payload: bytes, kind: str, front: MqttFront, caplog: pytest.LogCaptureFixture
) -> None:
    ((topic, reply),) = hand(front, payload, ResponseTopic="p/reply/a", CorrelationData=b"\xff")
    assert topic == "p/reply/a" and reply["error"]["kind"] == kind and reply["error"]["fix"]
    assert not caplog.records
