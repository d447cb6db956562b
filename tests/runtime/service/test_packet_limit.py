"""How large a packet a broker takes is stated by it, or learned from what connections end over."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fpgacomp.runtime.service import packet_limit
from fpgacomp.runtime.service.mqtt import message_properties
from fpgacomp.runtime.service.packet_limit import PacketLimit, packet_bytes

UNSPECIFIED, TOO_LARGE, TAKEN_OVER = 0x80, 0x95, 0x8E


def end(limit: PacketLimit, reason: int = UNSPECIFIED) -> int | None:
    """A connection that is made and ends."""
    limit.connected(None)
    return limit.ended(reason)


def test_what_the_broker_states_counts() -> None:
    limit = PacketLimit()
    assert limit.most is None and limit.refusal("the answer", 1 << 30) is None
    limit.connected(SimpleNamespace(MaximumPacketSize=100))
    assert limit.refusal("the answer", 100) is None
    refusal = limit.refusal("the answer", 101)
    assert refusal is not None and refusal.kind == "too large" and "takes 100" in refusal.why
    limit.connected(SimpleNamespace())  # another broker, without a bound
    assert limit.most is None


@pytest.mark.parametrize("reason", [UNSPECIFIED, TOO_LARGE])
def test_three_connections_that_end_over_what_is_sent_again_show_the_bound(reason: int) -> None:
    limit = PacketLimit()
    for number, size in enumerate((2000, 5000, 300)):
        limit.sent(number, size)
    assert [end(limit, reason) for _ in range(3)] == [None, None, 5000]
    assert limit.most == 4999
    # Nothing is under way any more.
    assert [end(limit) for _ in range(5)] == [None] * 5


def test_what_the_broker_takes_shows_that_it_is_not_why() -> None:
    limit = PacketLimit()
    limit.sent(1, 5000)
    for number in range(2, 20):
        limit.sent(number, 10)
        assert end(limit) is None
        limit.acknowledged(number)
    assert limit.most is None


def test_an_acknowledgement_may_come_before_its_message_is_noted() -> None:
    limit = PacketLimit()
    limit.acknowledged(7)
    limit.sent(7, 5000)
    assert [end(limit) for _ in range(9)] == [None] * 9


def test_ends_for_other_reasons_and_of_no_connection_do_not_count() -> None:
    limit = PacketLimit()
    limit.sent(1, 5000)
    assert [end(limit, TAKEN_OVER) for _ in range(9)] == [None] * 9
    assert [limit.ended(UNSPECIFIED) for _ in range(9)] == [None] * 9
    assert limit.most is None


def test_what_was_learned_is_tried_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a broker that ends so over a few bytes has another fault, which says nothing of sizes."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(packet_limit, "time", SimpleNamespace(monotonic=lambda: clock.now))
    limit = PacketLimit()
    limit.sent(1, 5000)
    assert [end(limit) for _ in range(3)][-1] == 5000 and limit.most == 4999
    clock.now = 1e4
    assert limit.most is None
    limit.sent(2, 200)
    assert [end(limit) for _ in range(3)][-1] == 200 and limit.most is None


def test_a_packet_is_never_larger_than_what_is_counted() -> None:
    """Against the bytes that paho makes, with and without MQTT 5's properties."""
    paho = pytest.importorskip("paho.mqtt.client")
    for protocol, correlation in ((paho.MQTTv5, b"c" * 40), (paho.MQTTv311, None)):
        for length in (0, 100, 20_000):
            client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=protocol)
            given = None
            if correlation is not None:
                given = message_properties("PUBLISH", CorrelationData=correlation)
            client._sock = SimpleNamespace(close=lambda: None)
            client._thread = object()  # nothing is written at once
            client._send_publish(1, "tö/b".encode(), b"x" * length, 1, False, False, None, given)
            (packet,) = client._out_packet
            size = packet_bytes("tö/b", b"x" * length, given)
            assert size - 3 <= len(packet["packet"]) <= size
            client._sock = None
