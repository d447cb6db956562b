"""`fpgacomp serve`: the device's service on this machine, and its errors as sentences."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.cli.app import app
from fpgacomp.errors import FileSystemError, ToolError, UsageError
from fpgacomp.flows.compile import compile
from fpgacomp.flows.options import Options
from fpgacomp.flows.serve import broker_at, listening_at
from fpgacomp.flows.simulate import simulate
from fpgacomp.runtime.service.web import WebSettings
from tests.support.ordinary_networks import dense
from tests.support.services import fetch, free_port, wait_for

# Each test has a key of its own, and the folder was signed with another.
serve = partial(fpgacomp.serve, trust=True)
SAMPLES = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serve") / "build"
    options = Options(vectors=9, csim=False, checks="quick", backend="stream")
    assert compile(dense(), "pynq-z2", out=folder, options=options).status == "ok"
    return folder


@pytest.mark.slow
def test_the_verb_serves_until_it_is_told_to_stop(build: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "fpgacomp",
        "serve",
        str(build),
        "--trust",
        "--http",
        str(port),
        "--json",
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(path or "." for path in sys.path)),
    )  # fmt: skip

    def serves() -> bool:
        assert process.poll() is None, process.communicate()
        try:
            return fetch(port, "/readyz")[0] == 200
        except OSError:
            return False

    wait_for(serves, "it does not serve")
    body = json.dumps({"id": "a", "inputs": {"x": SAMPLES.tolist()}}).encode()
    (found,) = json.loads(fetch(port, "/predict", body)[2])["outputs"].values()
    (wanted,) = simulate(build, SAMPLES).outputs.values()
    np.testing.assert_array_equal(np.array(found, np.float32), wanted)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"HTTP: http://127.0.0.1:{port}/" in err
    assert json.loads(out) == {
        "requests": 1, "answers": 1, "repeats": 0, "errors": 0, "device_faults": 0
    }  # fmt: skip
    assert (tmp_path / "fpgacomp-service" / "answers").is_dir()


@pytest.mark.slow
def test_from_python_it_ends_by_an_event(build: Path, tmp_path: Path) -> None:
    stop, told = threading.Event(), list[str]()

    def tell(line: str) -> None:
        told.append(line)
        if line.startswith("HTTP"):
            stop.set()

    web = WebSettings("127.0.0.1", 0)
    counted = serve(build, web=web, state=tmp_path, stop=stop, tell=tell)
    assert counted["requests"] == 0 and "serving" in told[0]
    assert told[0].endswith("computed by: oracle")


def test_nothing_to_serve_on_is_refused(build: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="reached in no way"):
        serve(build, state=tmp_path)
    result = CliRunner().invoke(app, ["serve", str(build), "--trust", "--state", str(tmp_path)])
    assert result.exit_code == 2 and "--http PORT" in result.stderr


def test_a_changed_build_is_refused(build: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(build, copy)
    (copy / "graph.json").write_text("{}")
    with pytest.raises(UsageError):
        serve(copy, web=WebSettings("127.0.0.1", 0), state=tmp_path / "state")


@pytest.mark.slow
def test_a_build_of_somebody_else_needs_trust(build: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()  # it would end at once, if it began
    web = WebSettings("127.0.0.1", 0)
    for transport in ("oracle", "emulated"):
        with pytest.raises(UsageError, match=r"was not made by you on this machine.*--trust"):
            fpgacomp.serve(build, web=web, state=tmp_path, transport=transport, stop=stop)
    result = CliRunner().invoke(app, ["serve", str(build), "--http", "0"])
    assert result.exit_code == 2 and "--trust" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_transport_that_is_none(build: Path, tmp_path: Path) -> None:
    web = WebSettings("127.0.0.1", 0)
    with pytest.raises(UsageError, match="board: is no transport"):
        serve(build, web=web, state=tmp_path / "state", transport="board")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileSystemError, match="cannot be used"):
        serve(build, web=web, state=tmp_path / "file")


@pytest.mark.parametrize("name", ["bottle", "paho"])
def test_a_package_that_is_missing(
    name: str, build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ToolError, match=r"not installed\. Fix: pip install"):
        serve(
            build, web=WebSettings("127.0.0.1", 0), broker=broker_at("127.0.0.1"), state=tmp_path,
            stop=threading.Event(),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("broker", "broker", 1883),
        ("broker:8", "broker", 8),
        ("[::1]:7", "::1", 7),
        ("[::1]", "::1", 1883),
    ],
)
def test_addresses_of_brokers(text: str, host: str, port: int) -> None:
    found = broker_at(text, tls=False, ca_file=None)
    assert found is not None and (found.host, found.port) == (host, port)


def test_tls_has_its_own_port(tmp_path: Path) -> None:
    found = broker_at("broker", tls=False, ca_file=tmp_path / "ca.pem")
    assert found is not None and found.tls and found.port == 8883
    assert broker_at(None) is None and listening_at(None) is None


@pytest.mark.parametrize("text", ["", "broker:", "broker:x", "broker:65536", ":1883", "broker:-1"])
def test_what_is_no_broker(text: str) -> None:
    with pytest.raises(UsageError, match="--mqtt"):
        broker_at(text, tls=False, ca_file=None)


@pytest.mark.parametrize(
    ("text", "host", "port"), [("80", "127.0.0.1", 80), (":80", "127.0.0.1", 80), ("h:80", "h", 80)]
)
def test_addresses_of_http(text: str, host: str, port: int) -> None:
    assert listening_at(text) == WebSettings(host, port)


@pytest.mark.parametrize("text", ["", "x", "host:", "99999", "host:x"])
def test_what_is_no_http_address(text: str) -> None:
    with pytest.raises(UsageError, match="--http"):
        listening_at(text)
