"""A device in a process of its own, which may crash or be killed without taking the service along.

    python -m fpgacomp_runtime.service.remote NAME FOLDER DESCRIPTOR

is that process: it opens the way to the device of this name and answers its parent on a
socket. A message is a length, a JSON object, and the bytes of the arrays that the object lists.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import numpy as np

from ..deployment import Deployment
from ..errors import DescriptionError, DeviceError, DeviceTimeout, NotInstalled, TransferError
from ..transport import Transport
from ..transports import UnknownTransport, connect

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
_LENGTH = struct.Struct("<I")
# Both ends are ours; the bound keeps a confused stream from taking any memory.
_MAX_HEADER = 1 << 20
# What the process may take beyond the time-out that it keeps by itself, and for calls without one.
_GRACE_S = 5.0
# For starting and for a reset: Python, numpy and a bitstream are loaded.
_START_S = 60.0
# Errors that keep their class on the way from the process.
_ERRORS = {
    kind.__name__: kind
    for kind in (DescriptionError, DeviceTimeout, NotInstalled, TransferError, UnknownTransport)
}


class RemoteDevice:
    """The way to a device in a process of its own; see `transport.Transport` for the methods.

    Args:
        name: of the way to the device there; see `transports`.
        folder: of deployment.json.

    Raises:
        TransferError: the process does not begin.
        DeviceError: what opening the device raised.
    """

    def __init__(self, name: str, folder: Path) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", __name__, name, str(folder), str(theirs.fileno())]
        # The process finds the modules that this one does.
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path or "." for path in sys.path))
        try:
            # Ctrl-C on a terminal is for the service, which ends its device.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=environment,
                start_new_session=True,
            )  # fmt: skip
        except OSError as problem:
            ours.close()
            why, remedy = f"does not begin: {problem.strerror}.", "check this machine's memory."
            raise TransferError("the device's process", why, remedy) from None
        finally:
            theirs.close()
        self._socket = ours
        try:
            self._call("begin", within_s=_START_S)
        except DeviceError:
            self.kill()
            raise

    @property
    def process_id(self) -> int:
        """Of the device's process."""
        return self._process.pid

    def identity(self) -> str:
        found, _ = self._call("identity")
        return str(found)

    def start(self, frames: Sequence[Array]) -> int:
        found, _ = self._call("start", arrays=frames)
        return int(found)

    def finish(self, token: int, timeout_s: float) -> list[Array]:
        _, arrays = self._call("finish", token, timeout_s, within_s=timeout_s + _GRACE_S)
        return arrays

    def reset(self) -> None:
        self._call("reset", within_s=_START_S)

    def statistics(self) -> dict[str, float]:
        found, _ = self._call("statistics")
        return {str(name): float(value) for name, value in found.items()}

    def close(self) -> None:
        """End the process: it closes the device when its socket ends."""
        self._socket.close()
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._socket.close()

    def _call(
        self,
        name: str,
        *arguments: Any,
        arrays: Sequence[Array] = (),
        within_s: float = _GRACE_S,
    ) -> tuple[Any, list[Array]]:
        try:
            self._socket.settimeout(within_s)
            _send(self._socket, {"call": name, "arguments": arguments}, arrays)
            told, found = _receive(self._socket, within_s)
        except socket.timeout:
            self.kill()
            raise DeviceTimeout("the device's process", f"did not answer within {within_s:g} s.",
                                "it was ended; open the device again.") from None  # fmt: skip
        except (OSError, ValueError, EOFError):
            raise TransferError("the device's process", f"has ended{self._how()}.",
                                "open the device again.") from None  # fmt: skip
        if "error" in told:
            raise _error(told["error"])
        return told["result"], found

    def _how(self) -> str:
        # The socket ends a moment before the process does.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        code = self._process.returncode
        if code is None:
            return ""
        return f" by signal {-code}" if code < 0 else f" with exit code {code}"


def answer(transport: Transport, line: socket.socket) -> None:
    """Answer a parent's calls until its socket ends."""
    while True:
        try:
            told, arrays = _receive(line, None)
        except EOFError:
            return
        reply: dict[str, Any] = {}
        found: Sequence[Array] = ()
        try:
            reply["result"], found = _called(transport, told, arrays)
        except DeviceError as error:
            reply["error"] = _told(error)
        _send(line, reply, found)


def _called(
    transport: Transport, told: Mapping[str, Any], arrays: Sequence[Array]
) -> tuple[Any, Sequence[Array]]:
    name, arguments = told["call"], told["arguments"]
    if name == "identity":
        return transport.identity(), ()
    if name == "start":
        return transport.start(arrays), ()
    if name == "finish":
        return None, transport.finish(*arguments)
    if name == "reset":
        transport.reset()
        return None, ()
    if name == "statistics":
        return transport.statistics(), ()
    raise TransferError("the device's process", f"has no call {name!r}.", "install one version.")


def _told(error: DeviceError) -> dict[str, str]:
    kind = next((k.__name__ for k in type(error).__mro__ if k.__name__ in _ERRORS), "DeviceError")
    return {"kind": kind, "where": error.where, "why": error.why, "remedy": error.remedy}


def _error(told: Mapping[str, str]) -> DeviceError:
    kind = _ERRORS.get(told["kind"], DeviceError)
    return kind(told["where"], told["why"], told["remedy"])


def _send(line: socket.socket, header: Mapping[str, Any], arrays: Sequence[Array]) -> None:
    listed = [{"dtype": array.dtype.str, "shape": array.shape} for array in arrays]
    text = json.dumps(dict(header, arrays=listed)).encode()
    line.sendall(_LENGTH.pack(len(text)) + text)
    for array in arrays:
        line.sendall(np.ascontiguousarray(array).tobytes())


def _receive(line: socket.socket, within_s: float | None) -> tuple[dict[str, Any], list[Array]]:
    until = None if within_s is None else time.monotonic() + within_s
    (length,) = _LENGTH.unpack(_exactly(line, _LENGTH.size, until))
    if length > _MAX_HEADER:
        raise ValueError("a header is too long")
    header = json.loads(_exactly(line, length, until).decode())
    arrays = []
    for one in header.pop("arrays"):
        kind, shape = np.dtype(one["dtype"]), tuple(one["shape"])
        size = kind.itemsize
        for count in shape:
            size *= count
        arrays.append(np.frombuffer(_exactly(line, size, until), kind).reshape(shape))
    return header, arrays


def _exactly(line: socket.socket, size: int, until: float | None) -> bytearray:
    found = bytearray(size)
    view = memoryview(found)
    while view:
        if until is not None:
            line.settimeout(max(until - time.monotonic(), 1e-3))
        count = line.recv_into(view)
        if count == 0:
            raise EOFError
        view = view[count:]
    return found


def main(arguments: Sequence[str]) -> int:
    """Be the device's process."""
    name, folder, descriptor = arguments
    line = socket.socket(fileno=int(descriptor))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told, _ = _receive(line, None)
    assert told["call"] == "begin"
    try:
        deployment = Deployment.read(folder)
        transport = connect(name, deployment, deployment.folder.parent)
    except DeviceError as error:
        _send(line, {"error": _told(error)}, ())
        return 1
    try:
        _send(line, {"result": None}, ())
        answer(transport, line)
    finally:
        transport.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
