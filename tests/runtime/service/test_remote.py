"""A device in a process of its own answers as one in this process, and may be killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.deploy.oracle import OracleTransport, open_transport
from fpgacomp.runtime import accelerator as runtime
from fpgacomp.runtime.accelerator import Accelerator
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.errors import DescriptionError, DeviceError, DeviceTimeout, TransferError
from fpgacomp.runtime.service.remote import RemoteDevice
from fpgacomp.runtime.transports import UnknownTransport, connect
from tests.support.services import ORACLE

SAMPLES = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
HERE = "tests.runtime.service.test_remote"


def open_timid(deployment: Deployment) -> OracleTransport:
    """A device that raises what a driver raises."""

    class Timid(OracleTransport):
        def start(self, frames: Sequence[np.ndarray[Any, Any]]) -> int:
            if len(frames[0]) == 2:
                raise TransferError("DMA 0", "stopped.", "reset it.")
            if len(frames[0]) == 3:
                raise RuntimeError("a fault of the driver")
            return super().start(frames)

        def finish(self, token: int, timeout_s: float) -> list[np.ndarray[Any, Any]]:
            raise DeviceTimeout("DMA 0", f"no answer within {timeout_s} s.", "reset it.")

    return Timid(deployment, open_transport(deployment).graph)


@pytest.mark.slow
def test_answers_are_those_of_the_device(deployment: Deployment, oracle: Accelerator) -> None:
    transport = RemoteDevice(ORACLE, deployment.folder)
    with runtime.open(deployment, transport) as accelerator:
        np.testing.assert_array_equal(accelerator.predict(SAMPLES), oracle.predict(SAMPLES))
        assert accelerator.self_test().passed
        accelerator.reset()
        assert accelerator.statistics()["frames"] > 40
        process = transport.process_id
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.slow
def test_a_killed_process_is_an_error_of_the_transfer(deployment: Deployment) -> None:
    transport = RemoteDevice(ORACLE, deployment.folder)
    accelerator = runtime.open(deployment, transport)
    os.kill(transport.process_id, signal.SIGKILL)
    with pytest.raises(TransferError, match="has ended by signal 9"):
        accelerator.predict(SAMPLES)
    accelerator.close()


@pytest.mark.slow
def test_a_stopped_process_is_ended_after_its_time(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = RemoteDevice(ORACLE, deployment.folder)
    os.kill(transport.process_id, signal.SIGSTOP)
    monkeypatch.setattr("fpgacomp.runtime.service.remote._GRACE_S", 0.1)
    with pytest.raises(DeviceTimeout, match="did not answer"):
        transport.finish(1, 0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(transport.process_id, 0)


@pytest.mark.slow
def test_errors_keep_their_class_and_their_words(deployment: Deployment) -> None:
    transport = RemoteDevice(f"{HERE}:open_timid", deployment.folder)
    frames = [np.zeros((5, port.size), port.dtype) for port in deployment.inputs]
    token = transport.start(frames)
    with pytest.raises(DeviceTimeout, match=r"DMA 0: no answer within 2\.5 s\. Fix: reset it"):
        transport.finish(token, 2.5)
    with pytest.raises(TransferError, match="DMA 0: stopped"):
        transport.start([array[:2] for array in frames])
    with pytest.raises(TransferError, match="has ended"):
        transport.start([array[:3] for array in frames])
    transport.close()


@pytest.mark.slow
def test_a_device_that_cannot_be_opened(deployment: Deployment, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="cannot be read"):
        RemoteDevice(ORACLE, tmp_path)
    with pytest.raises(DeviceError, match="cannot be imported"):
        RemoteDevice("fpgacomp.nothing:open", deployment.folder)
    with pytest.raises(DescriptionError, match="holds no integer graph"):
        (tmp_path / "software").mkdir()
        content = (deployment.folder / "deployment.json").read_bytes()
        (tmp_path / "software" / "deployment.json").write_bytes(content)
        open_transport(Deployment.read(tmp_path / "software"))


@pytest.mark.parametrize("name", ["open", "fpgacomp.nothing:open", "json:nothing", ":open", ""])
def test_names_that_are_no_function(name: str, deployment: Deployment) -> None:
    with pytest.raises(UnknownTransport, match="MODULE:FUNCTION"):
        connect(name, deployment, deployment.folder)
