"""systemd is told how the service is, and takes the unit that is shipped."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from fpgacomp.deploy.oracle import open_transport
from fpgacomp.deploy.systemd import UNIT, systemd_files, transport_of
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.service.command import main
from fpgacomp.runtime.service.run import ServiceSettings, run_service
from fpgacomp.runtime.service.systemd import Notifier
from fpgacomp.runtime.service.web import WebSettings


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_from_the_start_to_the_end(
    abstract: bool, deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"@fpgacomp-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    stop, told = threading.Event(), list[str]()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(name.replace("@", "\0", 1))
        line.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        monkeypatch.setenv("WATCHDOG_USEC", "100000")
        assert Notifier().watchdog_s == 0.05
        thread = threading.Thread(
            target=run_service,
            args=(deployment, lambda: open_transport(deployment),
                  ServiceSettings(tmp_path / "state", web=WebSettings("127.0.0.1", 0)), stop,
                  lambda line: None),
        )  # fmt: skip
        thread.start()
        while told.count("WATCHDOG=1") < 2:
            told.append(line.recv(100).decode())
        stop.set()
        while told[-1] != "STOPPING=1":
            told.append(line.recv(100).decode())
        thread.join(60)
    assert told[0] == "READY=1" and set(told) == {"READY=1", "WATCHDOG=1", "STOPPING=1"}


def test_nobody_is_told_where_there_is_no_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    found = Notifier()
    found.tell("READY=1")
    assert found.watchdog_s == 0


def test_a_socket_that_is_gone_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    Notifier().tell("READY=1")
    assert "READY=1" in caplog.text


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = systemd_files().files[f"systemd/{UNIT}"].decode()
    # The command must exist where it is checked.
    python = shutil.which("python3")
    path = tmp_path / UNIT
    path.write_text(unit.replace("/usr/bin/python3", str(python)))
    instance = tmp_path / UNIT.replace("@", "@digits")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(instance)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if UNIT.partition("@")[0] in line]
    assert done.returncode == 0 and not complaints, done.stderr
    path.write_text(unit.replace("ProtectHome=", "ProtectHomes="))
    bad = subprocess.run(
        ["systemd-analyze", "verify", str(instance)], capture_output=True, text=True, check=False
    )
    assert "ProtectHomes" in bad.stderr


def test_the_example_is_a_command_line_of_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    text = systemd_files().files["systemd/example.env"].decode()
    (line,) = [one for one in text.splitlines() if not one.startswith("#")]
    options = line.partition("=")[2].split()
    # It is read whole, and fails first where there is no package.
    assert main(["--package", "/nonexistent", *options]) == 1
    assert "/nonexistent/software: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("board", "baud", "transport"),
    [
        (("zynq-ps", "zynq-7000"), None, "pynq"),
        (("zynq-ps", "zynq-ultrascale+"), None, "pynq-ultrascale"),
        (("pcie", "virtex-ultrascale+"), None, "xrt"),
        (("none", "ecp5"), 115200.0, "uart:/dev/ttyUSB1:115200"),
        (("none", "ecp5"), None, "uart:/dev/ttyUSB1:RATE"),
    ],
)
def test_the_example_names_the_way_to_the_board(
    board: tuple[str, str], baud: float | None, transport: str
) -> None:
    assert transport_of(*board, baud) == transport
    text = systemd_files(transport).files["systemd/example.env"].decode()
    assert f"OPTIONS=--transport {transport} --http" in text
