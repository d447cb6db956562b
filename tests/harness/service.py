"""No lost answer: `python -m tests.harness.service --requests 10000 --clients 8`.

Clients ask a service over MQTT while, one after the other, the broker is killed, the device's
process is killed, the disk is full, and the service itself is killed. Every request must be
answered to its client once, with the integer graph's scores, and be in the journal once. The exit
code is 1 where one is not. The figures of the run are printed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import fpgacomp
from fpgacomp.deploy.oracle import open_transport
from fpgacomp.runtime.accelerator import Accelerator
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.service.client import PendingPrediction, PredictionClient
from fpgacomp.runtime.service.journal import Journal
from fpgacomp.runtime.service.messages import decode_array, encode_array
from tests.support import services

# Questions that a client has open at the same time.
_OPEN = 16
_PATIENCE_S = 120.0


@dataclass
class Outcome:
    """What a run came to.

    Args:
        requests: how many were asked.
        seconds: from the first question to the last answer.
        latencies_s: of each request, in any order, waiting for the broker and the rest included.
        sent: messages that the clients sent; more than `requests` where they asked again.
        repeats: answers that came twice, and were dropped by the client.
        refused: errors that the service gave, by kind, before it was killed and after.
        stop_s: from SIGTERM to the end of the service.
    """

    requests: int = 0
    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    sent: int = 0
    repeats: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    stop_s: float = 0.0

    def lines(self) -> list[str]:
        ordered = sorted(self.latencies_s)
        median, p99 = (1000 * ordered[int(part * (len(ordered) - 1))] for part in (0.5, 0.99))
        rate = self.requests / self.seconds
        return [
            f"{self.requests} requests in {self.seconds:.1f} s: {rate:.0f}/s",
            f"latency: median {median:.1f} ms, 99 % {p99:.0f} ms, longest {ordered[-1]:.2f} s",
            f"sent {self.sent} times; {self.repeats} answers came twice and were dropped",
            f"refused at first: {self.refused or 'none'}",
            f"stopped within {self.stop_s:.2f} s of SIGTERM",
        ]


class Run:
    """A broker, a service of the build, and clients.

    Args:
        build: folder of `compile`; a network with one input and one output.
        samples: that are asked for in turn, [N, *shape].
        folder: for everything that is written.
        broker: that they meet at.
        transport: what computes in the board's place.
    """

    def __init__(
        self,
        build: Path,
        samples: np.ndarray[Any, Any],
        folder: Path,
        broker: services.Broker,
        transport: str = services.ORACLE,
    ) -> None:
        self.samples, self.folder, self.broker = samples, folder, broker
        deployment = Deployment.read(build / "software")
        oracle = Accelerator(deployment, open_transport(deployment))
        self.name, (self.input,), (self.output,) = deployment.name, oracle.inputs, oracle.outputs
        self.wanted = oracle.predict(samples)
        self.outcome = Outcome()
        self.ids: list[str] = []
        self.wrong: list[str] = []
        self._asked: dict[str, int] = {}  # id -> its sample
        self._guard = threading.Lock()
        options = ("--mqtt", f"127.0.0.1:{broker.port}", "--mqtt-version", broker.version)
        self.service = services.ServiceProcess(
            build, folder / "state", *options, transport=transport
        )

    def run(self, requests: int, clients: int) -> Outcome:
        """Ask, with all four misfortunes on the way.

        Raises:
            AssertionError: an answer was lost, came wrong, or was given twice.
        """
        began = time.monotonic()
        threads = [
            threading.Thread(target=self._ask, args=(number, requests // clients))
            for number in range(clients)
        ]
        for thread in threads:
            thread.start()
        total = requests // clients * clients
        misfortunes: list[Callable[[], None]] = [
            self._kill_broker, self._kill_device, self._fill_disk, self._kill_service,
        ]  # fmt: skip
        for number, misfortune in enumerate(misfortunes):
            part = total * (number + 1) // (len(misfortunes) + 1)
            while len(self.ids) < part and any(thread.is_alive() for thread in threads):
                time.sleep(0.005)
            misfortune()
        for thread in threads:
            thread.join(_PATIENCE_S)
        self.outcome.requests = total
        self.outcome.seconds = time.monotonic() - began
        self._note_refusals()
        assert not self.wrong, self.wrong[:3]
        assert len(self.ids) == len(set(self.ids)) == total
        self._require_same_again()
        self.outcome.stop_s = self.service.stop()
        journal = Journal(self.folder / "state" / "answers")
        kept = [id.rpartition(" ")[2] for id in journal.ids()]  # design, then id
        journal.close()
        assert len(kept) == len(set(kept)) == total and set(kept) == set(self.ids)
        return self.outcome

    def close(self) -> None:
        self.service.kill()

    def _ask(self, number: int, count: int) -> None:
        """Be a client."""
        waiting: list[tuple[int, float, PendingPrediction]] = []
        sent = 0
        with PredictionClient(self.broker.settings, self.name) as client:
            for k in range(count):
                index = (number * count + k) % len(self.samples)
                inputs = {self.input: self.samples[index : index + 1]}
                waiting.append((index, time.monotonic(), client.submit(inputs)))
                if len(waiting) == _OPEN:
                    sent += self._take(*waiting.pop(0))
            while waiting:
                sent += self._take(*waiting.pop(0))
            with self._guard:
                self.outcome.repeats += client.repeats
                self.outcome.sent += sent
                if client.strangers:
                    self.wrong.append(f"{client.strangers} answers went to another client")

    def _take(self, index: int, asked: float, pending: PendingPrediction) -> int:
        """Wait for an answer, and compare it; returns how often it was asked for."""
        try:
            found = pending.result(_PATIENCE_S)[self.output][0]
            wrong = None if np.array_equal(found, self.wanted[index]) else "other scores"
        except Exception as error:
            wrong = str(error)
        with self._guard:
            self.outcome.latencies_s.append(time.monotonic() - asked)
            self.ids.append(pending.id)
            self._asked[pending.id] = index
            if wrong is not None:
                self.wrong.append(f"{pending.id}: {wrong}")
        return pending.attempts

    def _kill_broker(self) -> None:
        self.broker.kill()
        time.sleep(0.3)
        self.broker.start()

    def _kill_device(self) -> None:
        os.kill(self.service.device(), signal.SIGKILL)

    def _fill_disk(self) -> None:
        with self.service.full_disk():
            services.wait_for(
                lambda: self.service.metrics().get('fpgacomp_errors_total{kind="disk full"}'),
                "a full disk refuses nothing",
            )

    def _kill_service(self) -> None:
        self._note_refusals()
        self.service.kill()
        self.service.start()

    def _note_refusals(self) -> None:
        for name, count in self.service.metrics().items():
            if name.startswith("fpgacomp_errors_total{"):
                kind = name.partition('"')[2].rpartition('"')[0]
                self.outcome.refused[kind] = self.outcome.refused.get(kind, 0) + int(count)

    def _require_same_again(self) -> None:
        """Ids that were answered, before the kill too, get the same answer uncomputed."""
        before = self._samples_computed()
        for id in self.ids[:: max(1, len(self.ids) // 20)]:
            index = self._asked[id]
            members = {
                "id": id,
                "inputs": {self.input: encode_array(self.samples[index : index + 1])},
            }
            status, _, reply = self.service.predict(members)
            assert status == 200, reply
            again = decode_array(reply["outputs"][self.output])
            assert np.array_equal(again[0], self.wanted[index]), id
        assert self._samples_computed() == before

    def _samples_computed(self) -> float:
        found: Mapping[str, float] = self.service.metrics()
        return found["fpgacomp_samples_total"]


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness.service", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="All clients together.")
    parser.add_argument("--clients", type=int, default=8, help="That ask at the same time.")
    told = "Let the SystemVerilog compute, behind a model of AXI DMA."
    parser.add_argument("--emulated", action="store_true", help=told)
    given = parser.parse_args()
    if services.ANY_BROKER is None:
        print(services.NO_BROKER)
        return 1
    from fpgacomp.flows.compile import compile
    from fpgacomp.flows.options import Options
    from tests.support.paths import EXAMPLES

    digits = EXAMPLES / "digits_cnn"
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        folder = Path(name)
        options = Options(vectors=20, csim=False, checks="quick", backend="stream")
        report = compile(digits / "model.onnx", "pynq-z2", out=folder / "build", options=options)
        assert report.status == "ok"
        with services.broker(services.ANY_BROKER, folder) as broker:
            samples = np.load(digits / "test_inputs.npy")
            transport = services.ORACLE
            if given.emulated:
                transport = f"emulated:{fpgacomp.emulate(folder / 'build')}"
            run = Run(folder / "build", samples, folder, broker, transport)
            try:
                outcome = run.run(given.requests, given.clients)
            except AssertionError as lost:
                print(f"LOST: {lost}")
                return 1
            finally:
                run.close()
        device = "emulated" if given.emulated else "integer graph"
        who = f"{given.clients} clients, {services.ANY_BROKER}"
        print(f"digits_cnn ({device}), {who}, {os.cpu_count()} cores")
        print("\n".join(outcome.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
