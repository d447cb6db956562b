"""One thread owns the device: it batches, brings a device back, and refuses in a sentence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.deploy.oracle import OracleTransport, open_transport
from fpgacomp.runtime.accelerator import Accelerator
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.errors import DeviceError, TransferError, WrongDesign
from fpgacomp.runtime.service.core import PredictionService, ServiceLimits
from fpgacomp.runtime.service.journal import Journal
from fpgacomp.runtime.service.messages import decode_array, encode_array, read_envelope
from fpgacomp.runtime.service.refusal import ServiceRefusal
from fpgacomp.runtime.service.worker import WorkerLimits
from tests.support.services import wait_for


class Target:
    """Keeps the replies that it gets."""

    def __init__(self, key: str = "target") -> None:
        self.key = key
        self.replies: list[bytes] = []
        self.refusals: list[ServiceRefusal | None] = []
        self.came = threading.Event()

    def send(self, reply: bytes, refusal: ServiceRefusal | None) -> None:
        self.replies.append(reply)
        self.refusals.append(refusal)
        self.came.set()

    def scores(self) -> np.ndarray[Any, Any]:
        import json

        assert self.came.wait(30) and self.refusals == [None]
        (outputs,) = json.loads(self.replies[0])["outputs"].values()
        return decode_array(outputs)

    def kind(self) -> str:
        assert self.came.wait(30) and self.refusals[0] is not None
        return self.refusals[0].kind


class Faulty(OracleTransport):
    """Does what the test says before each batch, once the self-test is over."""

    def __init__(self, deployment: Deployment, before: Callable[[int], None]) -> None:
        found = open_transport(deployment)
        super().__init__(deployment, found.graph)
        self._before, self.batches = before, list[int]()

    def start(self, frames: Sequence[np.ndarray[Any, Any]]) -> int:
        if self._tokens:
            self._before(len(frames[0]))
            self.batches.append(len(frames[0]))
        return super().start(frames)


def payload(samples: np.ndarray[Any, Any], id: str) -> bytes:
    import json

    return json.dumps({"id": id, "inputs": {"x": encode_array(samples)}}).encode()


def ask(service: PredictionService, samples: Any, id: str, target: Target | None = None) -> Target:
    target = target or Target()
    content = payload(np.asarray(samples, np.float32), id)
    service.submit(read_envelope(content, 1 << 20), "mqtt", target)
    return target


SAMPLES = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)


@pytest.fixture
def started(deployment: Deployment, tmp_path: Path) -> Any:
    """A function that starts a service on a transport; it is stopped behind the test."""
    running: list[PredictionService] = []

    def start(factory: Callable[[], Any], **limits: Any) -> PredictionService:
        journal = Journal(tmp_path / "answers")
        bounds = ServiceLimits(work=WorkerLimits(**limits))
        found = PredictionService(deployment, factory, journal, bounds)
        running.append(found)
        found.start()
        return found

    yield start
    for one in running:
        one.stop(5.0)


def test_what_waits_is_sent_together(
    started: Any, deployment: Deployment, oracle: Accelerator
) -> None:
    go, began = threading.Event(), threading.Event()

    def before(samples: int) -> None:
        began.set()
        assert go.wait(30)

    device = Faulty(deployment, before)
    service = started(lambda: device, batch=8)
    targets = [ask(service, SAMPLES[:1], "first")]
    assert began.wait(30)
    targets += [ask(service, SAMPLES[3 * k : 3 * k + 3], f"id-{k}") for k in range(5)]
    targets += [ask(service, SAMPLES[:20], "large")]
    go.set()
    scores = [target.scores() for target in targets]
    np.testing.assert_array_equal(scores[0], oracle.predict(SAMPLES[:1]))
    for k in range(5):
        np.testing.assert_array_equal(scores[k + 1], oracle.predict(SAMPLES[3 * k : 3 * k + 3]))
    np.testing.assert_array_equal(scores[6], oracle.predict(SAMPLES[:20]))
    assert device.batches == [1, 6, 6, 3, 20]


def test_a_full_queue_refuses_with_a_pause(started: Any, deployment: Deployment) -> None:
    go, began = threading.Event(), threading.Event()

    def before(samples: int) -> None:
        began.set()
        assert go.wait(30)

    service = started(lambda: Faulty(deployment, before), queue=2)
    first = ask(service, SAMPLES[:1], "first")
    assert began.wait(30)
    waiting = [ask(service, SAMPLES[:1], f"id-{k}") for k in range(2)]
    refused = ask(service, SAMPLES[:1], "id-2")
    assert refused.kind() == "busy" and b"retry_after_s" in refused.replies[0]
    again = ask(service, SAMPLES[:1], "id-1")  # an id that waits already takes no second place
    go.set()
    for target in (first, waiting[0], again):
        target.scores()
    assert not waiting[1].replies  # `again` has the same key, and took its place
    ask(service, SAMPLES[:1], "id-2").scores()


def test_an_id_is_computed_once_and_answered_the_same(started: Any, deployment: Deployment) -> None:
    device = Faulty(deployment, lambda samples: None)
    service = started(lambda: device)
    first = ask(service, SAMPLES[:2], "id")
    first.scores()
    again = ask(service, SAMPLES[:2], "id")
    assert again.replies == first.replies and device.batches == [2]
    assert ask(service, SAMPLES[:3], "id").kind() == "conflict"
    assert service.metrics.total("answers_total") == 1


def test_a_device_that_fails_once_is_reset(
    started: Any, deployment: Deployment, oracle: Accelerator
) -> None:
    resets = []

    def before(samples: int) -> None:
        if not resets:
            raise TransferError("DMA 0", "stopped.", "reset it.")

    device = Faulty(deployment, before)
    device.reset = lambda: resets.append(1)  # type: ignore[method-assign]
    service = started(lambda: device)
    found = ask(service, SAMPLES[:1], "id").scores()
    np.testing.assert_array_equal(found, oracle.predict(SAMPLES[:1]))
    assert resets == [1] and service.metrics.total("device_starts_total") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "error", [TransferError("DMA 0", "stopped.", "reset it."), ValueError("?")]
)
def test_a_device_that_fails_again_is_opened_anew(
    error: Exception, started: Any, deployment: Deployment
) -> None:
    devices: list[Faulty] = []

    def before(samples: int) -> None:
        if len(devices) < 3:
            raise error

    def factory() -> Faulty:
        devices.append(Faulty(deployment, before))
        return devices[-1]

    service = started(factory)
    ask(service, SAMPLES[:1], "id").scores()
    assert [device.closed for device in devices] == [True, True, False]
    assert not service.problems()


@pytest.mark.slow
def test_a_request_that_the_device_fails_at_takes_no_other_along(
    started: Any, deployment: Deployment, oracle: Accelerator
) -> None:
    go, began = threading.Event(), threading.Event()

    class Fragile(Faulty):
        def start(self, frames: Sequence[np.ndarray[Any, Any]]) -> int:
            if (frames[0] == [31, 31, -32, -32]).all(axis=1).any():
                raise TransferError("DMA 0", "stopped.", "reset it.")
            return super().start(frames)

    def before(samples: int) -> None:
        began.set()
        assert go.wait(30)

    service = started(lambda: Fragile(deployment, before))
    first = ask(service, SAMPLES[:1], "first")
    assert began.wait(30)
    good = [ask(service, SAMPLES[k : k + 1], f"good-{k}") for k in range(3)]
    poison = ask(service, [[1e6, 1e6, -1e6, -1e6]], "poison")
    go.set()
    first.scores()
    for k, target in enumerate(good):
        np.testing.assert_array_equal(target.scores(), oracle.predict(SAMPLES[k : k + 1]))
    assert poison.kind() == "device"
    wait_for(lambda: not service.problems(), "the device was not opened again")
    ask(service, SAMPLES[:1], "next").scores()


@pytest.mark.slow
def test_a_device_that_does_not_come_back_is_refused_and_then_found(
    started: Any, deployment: Deployment
) -> None:
    broken = threading.Event()

    def before(samples: int) -> None:
        broken.set()
        raise TransferError("DMA 0", "stopped.", "reset it.")

    def factory() -> Any:
        if broken.is_set():
            raise TransferError("the board", "is gone.", "plug it in.")
        return Faulty(deployment, before if not mended.is_set() else lambda samples: None)

    mended = threading.Event()
    service = started(factory, retries=2)
    assert ask(service, SAMPLES[:1], "id").kind() == "device"
    assert "the board: is gone." in service.problems()[0]
    assert ask(service, SAMPLES[:1], "id").kind() == "device"  # at once, without an attempt
    mended.set()
    broken.clear()
    wait_for(lambda: not service.problems(), "the device was not opened again")
    ask(service, SAMPLES[:1], "id").scores()
    assert service.alive


def test_a_device_that_computes_wrongly_never_serves(
    deployment: Deployment, tmp_path: Path
) -> None:
    class Wrong(OracleTransport):
        def finish(self, token: int, timeout_s: float) -> list[np.ndarray[Any, Any]]:
            return [array + 1 for array in super().finish(token, timeout_s)]

    graph = open_transport(deployment).graph
    device = Wrong(deployment, graph)
    service = PredictionService(deployment, lambda: device, Journal(tmp_path))
    with pytest.raises(DeviceError, match="12 of 12 integers are wrong"):
        service.start()
    assert device.closed
    other = OracleTransport(deployment, graph)
    other.identity = lambda: "0" * 32  # type: ignore[method-assign]
    service.journal.close()
    service = PredictionService(deployment, lambda: other, Journal(tmp_path))
    with pytest.raises(WrongDesign):
        service.start()


def test_a_request_that_the_device_refuses_spoils_no_other(
    started: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fpgacomp.runtime.errors import SampleError

    go, began = threading.Event(), threading.Event()

    def before(samples: int) -> None:
        began.set()
        assert go.wait(30)

    submit = Accelerator.submit

    def strict(self: Accelerator, samples: Any) -> Any:
        if (samples["x"] > 100).any():
            raise SampleError("x", "holds what no sensor gives.", "check the sensor.")
        return submit(self, samples)

    monkeypatch.setattr(Accelerator, "submit", strict)
    service = started(lambda: Faulty(deployment, before))
    first = ask(service, SAMPLES[:1], "first")
    assert began.wait(30)
    good, bad = ask(service, SAMPLES[:1], "good"), ask(service, SAMPLES[:1] + 1000, "bad")
    go.set()
    first.scores()
    good.scores()
    assert bad.kind() == "samples" and b"no sensor gives" in bad.replies[0]


@pytest.mark.slow
def test_a_stop_answers_what_is_computed_and_refuses_what_waits(
    started: Any, deployment: Deployment
) -> None:
    go, began = threading.Event(), threading.Event()

    def before(samples: int) -> None:
        began.set()
        assert go.wait(30)

    device = Faulty(deployment, before)
    service = started(lambda: device)
    running = ask(service, SAMPLES[:1], "running")
    assert began.wait(30)
    waiting = ask(service, SAMPLES[:1], "waiting")
    stopper = threading.Thread(target=service.stop, args=(30.0,))
    stopper.start()
    wait_for(service.problems, "the service does not stop")
    late = ask(service, SAMPLES[:1], "late")
    go.set()
    stopper.join(30)
    assert running.refusals == [None] and device.closed
    assert (waiting.kind(), late.kind()) == ("stopping", "stopping")


def test_a_stop_does_not_wait_for_a_device_that_hangs(
    deployment: Deployment, tmp_path: Path
) -> None:
    go, began = threading.Event(), threading.Event()

    def before(samples: int) -> None:
        began.set()
        go.wait(60)

    service = PredictionService(
        deployment, lambda: Faulty(deployment, before), Journal(tmp_path / "answers")
    )
    service.start()
    target = ask(service, SAMPLES[:1], "hangs")
    assert began.wait(30)
    service.stop(0.1)
    assert target.kind() == "stopping"
    go.set()  # what comes too late is neither kept nor sent
    service._worker._thread.join(30)
    assert len(target.replies) == 1
    assert len(Journal(tmp_path / "answers")) == 0
