"""The service and its clients on real brokers: replies, status, TLS, what cannot be answered."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fpgacomp.deploy.oracle import OracleTransport, open_transport
from fpgacomp.runtime.accelerator import Accelerator
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.errors import DeviceTimeout
from fpgacomp.runtime.service.client import PredictionClient
from fpgacomp.runtime.service.mqtt import (
    BrokerSettings,
    Failures,
    begin,
    end,
    make_client,
    message_properties,
    topic_prefix,
)
from fpgacomp.runtime.service.refusal import ServiceRefusal, SettingsError
from fpgacomp.runtime.service.run import ServiceSettings, run_service
from tests.support import services
from tests.support.services import Broker, wait_for

SAMPLES = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
KINDS = [
    pytest.param(
        kind, version,
        marks=pytest.mark.skipif(version not in services.BROKERS[kind], reason=reason),
    )
    for kind, version, reason in (
        ("mosquitto", "5", services.NO_MOSQUITTO),
        ("mosquitto", "3.1.1", services.NO_MOSQUITTO),
        ("amqtt", "3.1.1", services.NO_AMQTT),
    )
]  # fmt: skip
needs_mosquitto = pytest.mark.skipif(
    not services.BROKERS["mosquitto"], reason=services.NO_MOSQUITTO
)


class Listener:
    """A client of its own that keeps every message of a topic."""

    def __init__(self, settings: BrokerSettings, topic: str) -> None:
        self.messages: list[Any] = []
        self.client = make_client(settings)
        self.client.on_connect = lambda client, *rest: client.subscribe(topic, qos=1)
        self.client.on_message = lambda client, data, message: self.messages.append(message)
        ready = threading.Event()
        self.client.on_subscribe = lambda *rest: ready.set()
        begin(self.client, settings)
        assert ready.wait(60)

    def texts(self) -> list[Any]:
        return [json.loads(message.payload) for message in self.messages]

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *rest: object) -> None:
        end(self.client, 1.0)


@contextmanager
def serving(deployment: Deployment, folder: Path, broker: BrokerSettings) -> Iterator[str]:
    """A service in this process; gives the prefix of its topics."""
    stop, ready = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def factory() -> OracleTransport:
        return open_transport(deployment)

    def serve() -> None:
        try:
            settings = ServiceSettings(folder / "state", broker=broker)
            run_service(deployment, factory, settings, stop, lambda line: ready.set())
        except BaseException as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert ready.wait(60) and not failed, failed
        prefix = topic_prefix(deployment.name)
        with Listener(broker, f"{prefix}/status") as status:
            # What is asked before is lost, unless somebody asks again.
            wait_for(lambda: {"state": "online"} in status.texts(), "it does not subscribe")
        yield prefix
    finally:
        stop.set()
        thread.join(60)
    assert not failed, failed


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    with services.broker("mosquitto", tmp_path) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "version"), KINDS)
def test_predictions_come_over_every_broker(
    kind: str, version: str, deployment: Deployment, oracle: Accelerator, tmp_path: Path
) -> None:
    with services.broker(kind, tmp_path) as broker:
        settings = BrokerSettings("127.0.0.1", broker.port, version=version)
        with (
            serving(deployment, tmp_path, settings),
            PredictionClient(settings, deployment.name) as client,
        ):
            np.testing.assert_array_equal(client.predict(x=SAMPLES), oracle.predict(SAMPLES))
            pending = [client.submit({"x": SAMPLES[k : k + 1]}) for k in range(40)]
            found = np.concatenate([one.result(60)["m"] for one in pending])
            np.testing.assert_array_equal(found, oracle.predict(SAMPLES))
            beyond = client.submit({"x": SAMPLES[:1] + 1000})
            beyond.result(60)
            assert (beyond.clipped, pending[0].clipped) == (4, 0)
            with pytest.raises(ServiceRefusal, match=r"give \[N, 4\]") as refused:
                client.predict(x=SAMPLES.T)
            assert refused.value.kind == "samples"
            # The same id again: the answer that was given, whatever became of the first.
            again = client.submit({"x": SAMPLES[:1]}, id=pending[0].id).result(60)
            np.testing.assert_array_equal(again["m"], found[:1])
            with pytest.raises(ServiceRefusal, match="used with other inputs"):
                client.submit({"x": SAMPLES[1:2]}, id=pending[0].id).result(60)


@needs_mosquitto
def test_replies_carry_the_id_and_the_correlation_data(
    deployment: Deployment, mosquitto: Broker, tmp_path: Path
) -> None:
    with serving(deployment, tmp_path, mosquitto.settings) as prefix:
        topic = f"{prefix}/reply/me"
        with Listener(mosquitto.settings, topic) as listener:

            def ask(payload: Any, **properties: Any) -> None:
                content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                given = message_properties("PUBLISH", **properties)
                listener.client.publish(f"{prefix}/predict", content, 1, properties=given)

            ask({"id": "a", "inputs": {"x": SAMPLES[:1].tolist()}}, ResponseTopic=topic,
                CorrelationData=b"\x00\xff")  # fmt: skip
            ask(b"no JSON", ResponseTopic=topic, CorrelationData=b"b")
            ask({"id": "c", "inputs": {}, "reply_to": topic})
            # None of these can be answered, or may be: they are counted.
            ask(b"no JSON", ResponseTopic=topic)
            ask({"id": "d", "inputs": {}})
            ask({"id": "e", "inputs": {}}, ResponseTopic=f"{prefix}/status")
            ask({"id": "f", "inputs": {}}, ResponseTopic=f"{prefix}/reply/../x+")
            ask({"id": "g", "inputs": {}}, ResponseTopic=topic, CorrelationData=b"g")
            wait_for(lambda: len(listener.messages) >= 4, "replies are missing")
            by_id = {reply["id"]: reply for reply in listener.texts()}
            correlations = [
                getattr(message.properties, "CorrelationData", None)
                for message in listener.messages
            ]  # fmt: skip
    assert len(listener.messages) == 4 and set(by_id) == {"a", None, "c", "g"}
    assert "outputs" in by_id["a"] and by_id["a"]["design"] == deployment.identity
    assert by_id[None]["error"]["kind"] == "malformed"
    assert sorted(correlations, key=str) == sorted([b"\x00\xff", b"b", None, b"g"], key=str)


@pytest.mark.slow
@needs_mosquitto
def test_the_status_is_retained_and_the_last_will(
    build: Path, deployment: Deployment, mosquitto: Broker, tmp_path: Path
) -> None:
    options = ("--mqtt", f"127.0.0.1:{mosquitto.port}")
    topic = f"{topic_prefix(deployment.name)}/status"
    with (
        services.service(build, tmp_path / "state", *options) as service,
        Listener(mosquitto.settings, topic) as listener,
    ):

        def states() -> list[str]:
            return [text["state"] for text in listener.texts()]

        wait_for(lambda: states() == ["online"], "it is not online")
        service.kill()
        wait_for(lambda: states() == ["online", "offline"], "there is no last will")
        service.start()
        wait_for(lambda: len(states()) == 3, "it is not online again")
        service.stop()
        wait_for(lambda: len(states()) == 4, "it does not say that it ends")
        assert service.process.returncode == 0
        with Listener(mosquitto.settings, topic) as late:
            wait_for(lambda: late.messages, "the status is not retained")
            assert late.messages[0].retain and late.texts() == [{"state": "offline"}]
    assert states() == ["online", "offline", "online", "offline"]


@pytest.mark.slow
@needs_mosquitto
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_tls_checks_the_broker_and_shows_a_certificate(
    deployment: Deployment, oracle: Accelerator, tmp_path: Path
) -> None:
    mine, others = tmp_path / "mine", tmp_path / "others"
    for folder in (mine, others):
        folder.mkdir()
    certificates = services.make_certificates(mine)
    stranger = services.make_certificates(others)
    with services.broker("mosquitto", tmp_path, certificates=certificates) as broker:

        def settings(ca: Path, pair: tuple[Path, Path]) -> BrokerSettings:
            return BrokerSettings("127.0.0.1", broker.port, tls=True, ca_file=ca,
                                  certificate_file=pair[0], key_file=pair[1])  # fmt: skip

        good = settings(certificates.ca, certificates.client)
        with serving(deployment, tmp_path, good):
            with PredictionClient(good, deployment.name) as client:
                np.testing.assert_array_equal(client.predict(x=SAMPLES), oracle.predict(SAMPLES))
            for bad in (settings(stranger.ca, certificates.client),
                        settings(certificates.ca, stranger.client)):  # fmt: skip
                with (
                    PredictionClient(bad, deployment.name) as client,
                    pytest.raises(DeviceTimeout, match="no answer within"),
                ):
                    client.predict(x=SAMPLES, timeout_s=0.5)


def test_files_of_tls_that_cannot_be_used(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    for path in (wrong, tmp_path / "missing.pem"):
        with pytest.raises(SettingsError, match=r"\.pem: cannot be used for TLS"):
            make_client(BrokerSettings("127.0.0.1", 1, tls=True, ca_file=path))
    with pytest.raises(SettingsError, match="cannot be read"):
        make_client(BrokerSettings("127.0.0.1", 1, user="me", password_file=tmp_path / "none"))


@pytest.mark.slow
@needs_mosquitto
def test_a_client_asks_until_the_service_is_there(
    deployment: Deployment, oracle: Accelerator, mosquitto: Broker, tmp_path: Path
) -> None:
    with PredictionClient(mosquitto.settings, deployment.name) as client:
        with pytest.raises(DeviceTimeout, match="ask again"):
            client.predict(x=SAMPLES, timeout_s=0.2)
        pending = client.submit({"x": SAMPLES})
        wait_for(lambda: pending.attempts, "nothing is sent")
        with serving(deployment, tmp_path, mosquitto.settings):
            np.testing.assert_array_equal(pending.result(60)["m"], oracle.predict(SAMPLES))
        assert pending.attempts > 1


@pytest.mark.slow
@needs_mosquitto
@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_an_answer_that_the_broker_finds_too_large_keeps_no_other_from_its_client(
    version: str, deployment: Deployment, oracle: Accelerator, tmp_path: Path
) -> None:
    """Without an end to it, the broker would close each connection over what is sent again."""
    with services.broker("mosquitto", tmp_path, packet_bytes=1500) as broker:
        settings = BrokerSettings("127.0.0.1", broker.port, version=version)
        with (
            serving(deployment, tmp_path, settings) as prefix,
            Listener(settings, f"{prefix}/reply/#") as replies,
            PredictionClient(settings, deployment.name) as client,
        ):
            zeros = [[0, 0, 0, 0]] * 90
            large = {"id": "large", "inputs": {"x": zeros}, "reply_to": f"{prefix}/reply/a"}
            question = json.dumps(large, separators=(",", ":"))
            assert len(question) < 1500

            def refused() -> bool:
                return any(one["id"] == "large" for one in replies.texts())

            for _ in range(30):  # over 3.1.1 the first ones are what shows the bound
                replies.client.publish(f"{prefix}/predict", question, 1).wait_for_publish(60)
                with contextlib.suppress(AssertionError):
                    services.wait_for(refused, "", seconds=2)
                    break
            (told,) = {json.dumps(one) for one in replies.texts() if one["id"] == "large"}
            assert '"too large"' in told and "the broker takes" in told
            found = client.predict(60, x=SAMPLES[:5])
            np.testing.assert_array_equal(found, oracle.predict(SAMPLES[:5]))
            # A question of its own that is too large is refused, and no other one waits for it.
            pending = client.submit({"x": np.repeat(SAMPLES, 3, axis=0)})
            with pytest.raises(ServiceRefusal, match="in MQTT, and the broker takes"):
                pending.result(60)
            found = client.predict(60, x=SAMPLES[5:9])
            np.testing.assert_array_equal(found, oracle.predict(SAMPLES[5:9]))


@needs_mosquitto
def test_a_question_that_the_service_does_not_read_is_refused_at_once(
    mosquitto: Broker, deployment: Deployment, tmp_path: Path
) -> None:
    """Such a refusal has no id; the correlation data of MQTT 5 tells which question it is of."""
    with (
        serving(deployment, tmp_path, mosquitto.settings),
        PredictionClient(mosquitto.settings, deployment.name) as client,
    ):
        pending = client.submit({"x": np.zeros((50_000, 4), np.float64)})
        with pytest.raises(ServiceRefusal, match="at most 1048576 are taken"):
            pending.result(60)
        assert client.strangers == 0 and pending.attempts == 1


@pytest.mark.parametrize("name", ["digits", "a/b", "a+b", "a#", "ä b", ""])
def test_topics_are_such_that_every_broker_takes_them(name: str) -> None:
    prefix = topic_prefix(name)
    assert prefix.startswith("fpgacomp/") and prefix.count("/") == 1 and prefix.isascii()
    assert not set(prefix) & set("+#\0 ") and len(prefix) > len("fpgacomp/")


def fails(settings: BrokerSettings, folder: Path, deployment: Deployment, log: Any) -> list[str]:
    """Serve until a failure of the broker was logged twice; the lines that the service told."""
    stop, told = threading.Event(), list[str]()
    thread = threading.Thread(
        target=run_service,
        args=(deployment, lambda: open_transport(deployment),
              ServiceSettings(folder / "state", broker=settings), stop, told.append),
    )  # fmt: skip
    thread.start()
    try:
        wait_for(lambda: "is not reached (failures so far: 2)" in log.text, "nothing is logged")
    finally:
        stop.set()
        thread.join(60)
    return told


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["port", "host", "tls"])
def test_a_broker_that_is_not_reached_is_told_of(
    kind: str, deployment: Deployment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = listening.accept()
                    line.recv(1)
                    line.sendall(b"HTTP/1.1 400 no TLS here\r\n\r\n")
                    line.close()

        threading.Thread(target=hang_up, daemon=True).start()
        settings, why = {
            "port": (BrokerSettings("127.0.0.1", services.free_port()), "refused"),
            "host": (BrokerSettings("broker.invalid", 1883), ""),
            "tls": (BrokerSettings("127.0.0.1", port, tls=True), "port speaks TLS"),
        }[kind]
        told = fails(settings, tmp_path, deployment, caplog)
        listening.shutdown(socket.SHUT_RDWR)
    assert f"MQTT: connecting to {settings.host}:{settings.port}" in told
    assert not any("/predict on" in line for line in told)
    first = next(one for one in caplog.records if "is not reached" in one.getMessage())
    assert first.levelname == "WARNING" and why in first.getMessage()
    assert "(failures so far: 1)" in first.getMessage()


def test_failures_are_told_of_at_a_falling_rate(caplog: pytest.LogCaptureFixture) -> None:
    failures = Failures(BrokerSettings("broker", 1883))
    for _ in range(1000):
        failures.note("no route")
        failures.note("refused")
    assert len(caplog.records) == 2 * 10
    failures.end()
    failures.note("no route")
    assert len(caplog.records) == 21 and "so far: 1" in caplog.records[-1].getMessage()


def test_a_host_that_is_none_is_refused() -> None:
    for host in ("a" * 64 + ".local", "a..b"):
        with pytest.raises(SettingsError, match="is no name of a host"):
            make_client(BrokerSettings(host, 1883))


@pytest.mark.parametrize("port", [0, -1, 1 << 16])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(SettingsError, match="has no port of a broker"):
        make_client(BrokerSettings("127.0.0.1", port))


PREFIXES = ["a/+", "#", "$SYS/a", "a\0b", "\ud800", "x" * 65_530]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_that_no_message_can_have_is_refused(
    prefix: str, deployment: Deployment, tmp_path: Path
) -> None:
    """With a wildcard the service took other networks' requests, and its status ended a thread."""
    broker = BrokerSettings("127.0.0.1", services.free_port())
    settings = ServiceSettings(tmp_path / "state", broker=broker, prefix=prefix)
    stop = threading.Event()
    stop.set()
    with pytest.raises(SettingsError, match="is no prefix of topics") as caught:
        run_service(deployment, lambda: open_transport(deployment), settings, stop, print)
    assert str(caught.value).isascii()
    with pytest.raises(SettingsError, match="is no prefix of topics"):
        PredictionClient(broker, "n", prefix)


BAD_REPLIES = [
    b"", b"\xff", b"[]", b"{}", b"[" * 100_000, b'{"id":[]}', b'{"id":{}}', b'{"id":7}',
    b'{"id":"a"}', b'{"id":"a","outputs":7}', b'{"id":"a","outputs":{"m":{}}}',
    b'{"id":"a","outputs":{"m":{"dtype":"O","shape":[1],"data":"AAAAAAAAAAA="}}}',
    b'{"id":"a","outputs":{"m":{"dtype":"float32","shape":[9],"data":"AAAA"}}}',
    b'{"id":"a","outputs":' + b'{"m":' * 50_000 + b"1" + b"}" * 50_001,
    b'{"id":"a","outputs":{"m":[[1]]},"clipped":"many"}',
    b'{"id":"a","error":7}', b'{"id":"a","error":{"kind":[]}}', b'{"id":"a","error":{}}',
    b'{"id":"a","error":{"kind":"busy","where":[],"why":"","fix":""}}',
    b'{"id":null,"error":{"kind":"busy","where":"w","why":"w","fix":"f"}}',
    b'{"id":"a","outputs":{"m":[[1.0]]},"design":7}',
    b'{"id":"a","outputs":{"m":[[1.0]]},"design":"%s"}' % (b"d" * 101),
]  # fmt: skip


def _answer(design: str, value: float) -> SimpleNamespace:
    reply = {"id": "a", "outputs": {"m": [[value]]}, "design": design}
    return SimpleNamespace(payload=json.dumps(reply).encode())


@pytest.mark.slow
def test_a_client_that_names_its_design_takes_no_others_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Two networks whose services share a topic would both answer its questions."""
    broker = BrokerSettings("127.0.0.1", services.free_port())
    client = PredictionClient(broker, "n", design="ours")
    try:
        pending = client.submit({"x": SAMPLES}, id="a")
        client._on_message(None, None, _answer("theirs", 7.0))
        with pytest.raises(DeviceTimeout):
            pending.result(0)
        assert client.strangers == 1
        assert "of design theirs, not of ours, and is not taken" in caplog.text
        client._on_message(None, None, _answer("ours", 1.5))
        assert pending.result(0)["m"].tolist() == [[1.5]]
    finally:
        client.close()


@pytest.mark.slow
def test_a_question_that_two_designs_answer_is_told(caplog: pytest.LogCaptureFixture) -> None:
    client = PredictionClient(BrokerSettings("127.0.0.1", services.free_port()), "n")
    try:
        pending = client.submit({"x": SAMPLES}, id="a")
        for design in ("ours", "ours"):
            client._on_message(None, None, _answer(design, 1.5))
        assert (pending.result(0)["m"].tolist(), client.repeats) == ([[1.5]], 1)
        assert "design" not in caplog.text
        client._on_message(None, None, _answer("theirs", 7.0))
        assert client.repeats == 2
        assert "of design theirs, and the question was answered by ours" in caplog.text
        assert "--mqtt-prefix" in caplog.text
    finally:
        client.close()


@pytest.fixture(scope="module")
def without_broker() -> Iterator[PredictionClient]:
    """One client for all, as closing it takes a second."""
    client = PredictionClient(BrokerSettings("127.0.0.1", services.free_port()), "n")
    yield client
    client.close()


@pytest.mark.slow
@pytest.mark.parametrize("payload", BAD_REPLIES)
def test_no_reply_ends_the_clients_thread(payload: bytes, without_broker: PredictionClient) -> None:
    client = without_broker
    pending = client.submit({"x": SAMPLES}, id="a")
    client._on_message(None, None, SimpleNamespace(payload=payload))
    with pytest.raises(DeviceTimeout, match=r"prints the topic fpgacomp/n/predict"):
        pending.result(0)
    good = json.dumps({"id": "a", "outputs": {"m": [[1.5]]}}).encode()
    client._on_message(None, None, SimpleNamespace(payload=good))
    assert pending.result(0)["m"].tolist() == [[1.5]]
