"""Brokers and services as processes of their own, which tests kill, fill up and start again."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fpgacomp.runtime.service.mqtt import BrokerSettings
from tests.support.paths import REPOSITORY

ORACLE = "fpgacomp.deploy.oracle:open_transport"
# Debian installs the broker where only root looks.
_MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
_PATIENCE_S = 60.0
# MQTT's version -> brokers that speak it. amqtt, in Python, knows 3.1.1 alone.
BROKERS = {
    "mosquitto": ("5", "3.1.1") if _MOSQUITTO else (),
    "amqtt": ("3.1.1",) if find_spec("amqtt") else (),
}
ANY_BROKER = next((name for name, versions in BROKERS.items() if versions), None)
NO_BROKER = "neither Mosquitto (apt-get install mosquitto) nor amqtt (pip install amqtt) is here"
NO_MOSQUITTO = "Mosquitto is not installed (apt-get install mosquitto), and amqtt has no MQTT 5"
NO_AMQTT = "amqtt is not installed (pip install amqtt)"


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(what: Any, why: str, seconds: float = _PATIENCE_S) -> Any:
    """Ask until the answer is true, for as long as a loaded machine may take."""
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < until, why
        time.sleep(0.02)


@dataclass(frozen=True)
class Certificates:
    """Files of a small authority: its own, and those of two that it signed."""

    ca: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]


class Broker:
    """A broker on loopback.

    Args:
        kind: "mosquitto" or "amqtt".
        folder: for its configuration.
        certificates: has it speak TLS, and ask for the client's certificate; Mosquitto only.
        packet_bytes: of the largest packet that it takes; Mosquitto only.
    """

    def __init__(
        self,
        kind: str,
        folder: Path,
        *,
        certificates: Certificates | None = None,
        packet_bytes: int | None = None,
    ) -> None:
        self.kind, self.version = kind, BROKERS[kind][0]
        self.port = free_port()
        self._configuration = folder / f"{kind}-{self.port}.conf"
        bound = "" if packet_bytes is None else f"max_packet_size {packet_bytes}\n"
        self._configuration.write_text(_configuration(kind, self.port, certificates) + bound)
        self._log = (folder / f"{kind}-{self.port}.log").open("wb")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def settings(self) -> BrokerSettings:
        return BrokerSettings("127.0.0.1", self.port, version=self.version)

    def start(self) -> None:
        command = [str(_MOSQUITTO), "-c"]
        if self.kind == "amqtt":
            command = [sys.executable, "-m", "amqtt.scripts.broker_script", "-c"]
        self._process = subprocess.Popen(
            [*command, str(self._configuration)], stdout=self._log, stderr=self._log
        )
        wait_for(self._listens, f"{self.kind} does not listen")

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self._log.name
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def broker(kind: str, folder: Path, **settings: Any) -> Iterator[Broker]:
    """A broker that ends with the block."""
    found = Broker(kind, folder, **settings)
    try:
        yield found
    finally:
        found.kill()
        found._log.close()


class ServiceProcess:
    """The service of a build, whose device is a process of its own.

    Args:
        build: folder of `compile`.
        folder: of the answers that were given.
        options: of the command, --http is there already.
        transport: the way to the device; else the integer graph.
    """

    def __init__(self, build: Path, folder: Path, *options: str, transport: str = ORACLE) -> None:
        self.port = free_port()
        self._command = [
            sys.executable, "-m", "fpgacomp.runtime.service", "--package", str(build),
            "--transport", transport, "--isolate", "--state", str(folder), "--http", str(self.port),
            "--log", "error", *options,
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers, "the service does not begin")

    def kill(self) -> None:
        """kill -9; the device's process ends by itself."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> float:
        """SIGTERM; returns how long it took to end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(_PATIENCE_S)
        return time.monotonic() - began

    def device(self) -> int:
        """Id of the device's process."""
        path = Path(f"/proc/{self.process.pid}/task")
        children = [
            int(word)
            for task in path.iterdir()
            for word in (task / "children").read_text().split()
        ]  # fmt: skip
        assert len(children) == 1, children
        return children[0]

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """No file of the service can grow: the kernel refuses each write, as on a full disk."""
        before = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            yield
        finally:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, before)

    def get(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        return fetch(self.port, path)

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics."""
        return samples_of(self.get("/metrics")[2].decode())

    def predict(self, members: Mapping[str, Any]) -> tuple[int, Mapping[str, str], Any]:
        status, headers, body = fetch(self.port, "/predict", json.dumps(members).encode())
        return status, headers, json.loads(body)

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"the service ended: {' '.join(self._command)}"
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False


@contextmanager
def service(build: Path, folder: Path, *options: str) -> Iterator[ServiceProcess]:
    """A service that ends with the block, at the latest."""
    found = ServiceProcess(build, folder, *options)
    try:
        yield found
    finally:
        found.kill()


def fetch(
    port: int, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of a page on loopback."""
    given = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, given)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def samples_of(text: str) -> dict[str, float]:
    """Name with labels -> value, of a text for Prometheus."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def make_certificates(folder: Path) -> Certificates:
    """An authority, and certificates of a broker on loopback and of a client."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key",
            "-out", "ca.pem")  # fmt: skip
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    for name in ("server", "client"):
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
                f"{name}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-days", "2", "-out", f"{name}.pem")
    server, client = (
        (folder / f"{name}.pem", folder / f"{name}.key") for name in ("server", "client")
    )
    return Certificates(folder / "ca.pem", server, client)


def _configuration(kind: str, port: int, certificates: Certificates | None) -> str:
    if kind == "amqtt":
        plugin = "amqtt.plugins.authentication.AnonymousAuthPlugin"
        return (
            f"listeners:\n  default:\n    type: tcp\n    bind: 127.0.0.1:{port}\n"
            f"plugins:\n  {plugin}:\n    allow_anonymous: true\n"
        )
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "user root"]
    if certificates is not None:
        certificate, key = certificates.server
        lines += [f"cafile {certificates.ca}", f"certfile {certificate}", f"keyfile {key}",
                  "require_certificate true"]  # fmt: skip
    return "\n".join(lines) + "\n"
