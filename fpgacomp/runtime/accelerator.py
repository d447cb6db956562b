"""The one way to use an accelerator: open it, predict, close it.

The same calls work on every board and in emulation: only the transport differs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Mapping, Union

import numpy as np

from .deployment import Deployment, FramePort
from .environment import emulator_library, wanted_transport
from .errors import DescriptionError, DeviceError, SampleError, TransferError, WrongDesign
from .input_range import InputRange, input_bounds
from .onnx_side import OnnxSide
from .program import HostProgram
from .transport import Transport
from .transports import connect

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    Samples = Union[Any, Mapping[str, Any]]
# How long an answer may take where nothing else is said: any design answers in milliseconds.
TIMEOUT_S = 10.0
_NUMBERS = itertools.count(1)
# Folder beside deployment.json with frames for each port and the integer graph's answers.
SELF_TEST = "selftest"


@dataclass(frozen=True)
class Ticket:
    """Frames that were sent; see `Accelerator.submit`.

    Args:
        token: what the transport calls them.
        samples: how many they are.
        device: number of the accelerator that they were sent to, in this process.
        clipped: of each sample, how many values lie beyond the range of their input, and were
            taken as its end; None where no range is known. See `Accelerator.ranges`.
    """

    token: int
    samples: int
    device: int
    clipped: tuple[int, ...] | None = None


@dataclass(frozen=True)
class SelfTest:
    """What the stored frames came to.

    Args:
        frames: how many were sent.
        integers: numbers that were compared.
        mismatches: how many of them differ from those of the integer graph.
    """

    frames: int
    integers: int
    mismatches: int

    @property
    def passed(self) -> bool:
        """Whether every integer was right."""
        return self.frames > 0 and self.mismatches == 0


def open(place: str | Path | Deployment, transport: str | Transport | None = None) -> Accelerator:
    """Open an accelerator.

    Args:
        place: the folder software/ of a build or of an installed package, or what was read of it.
        transport: the way to the device, or its name (see `transports`). None takes the name that
            the environment variable FPGACOMP_TRANSPORT holds, or the emulator that
            FPGACOMP_EMULATOR names, so that a program runs unchanged with and without a board.

    Raises:
        DescriptionError: deployment.json is missing or damaged.
        UnknownTransport: no transport was named, or there is none of this name.
        WrongDesign: the device holds another design.
        TransferError: the device does not answer.
    """
    deployment = place if isinstance(place, Deployment) else Deployment.read(place)
    if transport is None:
        transport = wanted_transport() or ("emulated" if emulator_library() else "")
    if isinstance(transport, str):
        transport = connect(transport, deployment, deployment.folder.parent)
    try:
        return Accelerator(deployment, transport)
    except DeviceError:
        transport.close()
        raise


class Accelerator:
    """An accelerator that was found to hold the design that it is taken for.

    One thread at a time uses it.

    Args:
        deployment: the description of the design.
        transport: the way to the device, which is closed with the accelerator.
    """

    def __init__(self, deployment: Deployment, transport: Transport) -> None:
        self.deployment = deployment
        self._transport = transport
        self._number, self._closed = next(_NUMBERS), False
        self._before = _side(deployment, "before", deployment.before)
        self._after = _side(deployment, "after", deployment.after)
        self._bounds = {} if deployment.before is None else input_bounds(deployment.before)
        self._clipped = 0
        found = transport.identity()
        if found != deployment.identity:
            raise WrongDesign(
                deployment.name,
                f"the device holds design {found} instead of {deployment.identity}.",
                "load the bitstream of this package, or name the package of that design.",
            )

    @property
    def version(self) -> str:
        """Version of fpgacomp that made the design."""
        return self.deployment.version

    @property
    def inputs(self) -> list[str]:
        """Names of the network's inputs, in order."""
        return list(self._before.inputs)

    @property
    def outputs(self) -> list[str]:
        """Names of the network's outputs, in order."""
        return list(self._after.outputs)

    @property
    def ranges(self) -> dict[str, InputRange | None]:
        """What each input takes, in the network's own units; None where it is not known.

        What lies beyond is taken as the nearer end, as in the network itself, and counted.
        """
        found = {name: self._bounds.get(name) for name in self.inputs}
        return {name: None if one is None else one.range for name, one in found.items()}

    @property
    def clipped(self) -> int:
        """How many values lay beyond the range of their input, in all samples so far."""
        return self._clipped

    def predict(self, samples: Samples, timeout_s: float = TIMEOUT_S) -> Any:
        """The network's outputs for samples in its own units.

        Args:
            samples: [N, *shape] as the network takes them, or input name -> such an array.
            timeout_s: seconds that the answers may take.

        Returns:
            [N, *shape] where the network has one output, else output name -> such an array.

        Raises:
            SampleError: the samples do not go with the network, or hold NaN or infinity.
            TransferError, DeviceTimeout: see `Transport.finish`.
        """
        seconds = _seconds(timeout_s)
        return self.wait(self.submit(samples), seconds)

    def submit(self, samples: Samples) -> Ticket:
        """Send samples, without waiting for the answers; see `predict`."""
        self._require_open()
        named = samples if isinstance(samples, Mapping) else self._only(samples)
        integers = self._before.run(named)
        frames = [to_containers(port, integers[port.integers]) for port in self.deployment.inputs]
        clipped = self._count_clipped(named)
        token = self._transport.start(frames)
        self._clipped += 0 if clipped is None else sum(clipped)
        return Ticket(token, len(frames[0]), self._number, clipped)

    def wait(self, ticket: Ticket, timeout_s: float = TIMEOUT_S) -> Any:
        """The answers to what `submit` sent; see `predict`.

        Raises:
            TransferError: they were given already, were lost, or are another accelerator's.
        """
        self._require_open()
        if ticket.device != self._number:
            raise TransferError("the ticket", "is of samples that another accelerator was sent.",
                                "wait for it where they were submitted.")  # fmt: skip
        ports = self.deployment.outputs
        found = self._transport.finish(ticket.token, _seconds(timeout_s))
        outputs = self._after.run(
            {port.integers: from_containers(port, array) for port, array in zip(ports, found)}
        )
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def reset(self) -> None:
        """Lose everything in flight; the next samples are answered right."""
        self._require_open()
        self._transport.reset()

    def statistics(self) -> dict[str, float]:
        """Figures of what passed so far, by name."""
        self._require_open()
        return self._transport.statistics()

    def self_test(self, timeout_s: float = TIMEOUT_S) -> SelfTest:
        """Send the stored frames and compare every integer with the integer graph's.

        Raises:
            DescriptionError: the stored frames are missing or damaged.
            TransferError, DeviceTimeout: see `Transport.finish`.
        """
        self._require_open()
        inputs = [stored_frames(self.deployment, port) for port in self.deployment.inputs]
        wanted = [stored_frames(self.deployment, port) for port in self.deployment.outputs]
        frames = len(inputs[0])
        if any(len(array) != frames for array in (*inputs, *wanted)):
            raise DescriptionError(SELF_TEST, "its files hold different numbers of frames.",
                                   "install the package again.")  # fmt: skip
        seconds = _seconds(timeout_s)
        found = self._transport.finish(self._transport.start(inputs), seconds)
        wrong = sum(int((a != b).sum()) for a, b in zip(found, wanted))
        return SelfTest(frames, sum(array.size for array in wanted), wrong)

    def close(self) -> None:
        """Give up the device; closing it again does nothing."""
        if not self._closed:
            self._closed = True
            self._transport.close()

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _require_open(self) -> None:
        """
        Raises:
            TransferError: the accelerator was closed.
        """
        if self._closed:
            raise TransferError("the accelerator", "was closed.", "open the device again.")

    def _count_clipped(self, samples: Mapping[str, Any]) -> tuple[int, ...] | None:
        known = [bounds.beyond(samples[name]) for name, bounds in self._bounds.items() if bounds]
        return tuple(np.sum(known, axis=0).tolist()) if known else None

    def _only(self, samples: Any) -> dict[str, Any]:
        names = self.inputs
        if len(names) != 1:
            raise SampleError("the samples", f"one array was given for {len(names)} inputs.",
                              "give a dictionary with {}.".format(", ".join(names)))  # fmt: skip
        return {names[0]: samples}


def _seconds(timeout_s: float) -> float:
    """A time-out, which a clock can be compared with.

    Raises:
        SampleError: it is no number: with NaN nobody would ever stop waiting.
    """
    whole = isinstance(timeout_s, (int, float, np.integer, np.floating))
    if not whole or timeout_s != timeout_s:
        raise SampleError("timeout_s", f"is {timeout_s!r}.", "give seconds, for instance 1.0.")
    return float(timeout_s)


def to_containers(port: FramePort, integers: Array) -> Array:
    """Integers [N, *shape] of a port as its frames in memory, [N, size].

    Raises:
        SampleError: an integer is not one that the port carries.
    """
    flat = np.ascontiguousarray(integers).reshape(len(integers), -1)
    if flat.size and (flat.min() < port.lowest or flat.max() > port.highest):
        raise SampleError(
            port.tensor,
            f"an integer lies outside {port.lowest}..{port.highest}.",
            "give what the software side in front of the accelerator computes.",
        )
    return flat.astype(port.dtype)


def from_containers(port: FramePort, frames: Array) -> Array:
    """Frames of a port in memory, [N, size], as integers [N, *shape]."""
    return frames.astype(np.int64).reshape(len(frames), *port.shape)


def _side(deployment: Deployment, name: str, program: HostProgram | None) -> HostProgram | OnnxSide:
    """One software side: in numpy, or in ONNX Runtime where numpy does not have an operator."""
    if program is not None:
        return program
    return OnnxSide(deployment.folder / f"{name}.onnx")


def stored_frames(deployment: Deployment, port: FramePort) -> Array:
    """Frames of a port for the self-test, [N, size].

    Raises:
        DescriptionError: they are missing or damaged.
    """
    path = deployment.folder / SELF_TEST / f"{port.port}.bin"
    try:
        if path.is_symlink() or path.stat().st_size > 64 * port.frame_bytes:
            raise ValueError("is no file of at most 64 frames")
        array = np.fromfile(str(path), dtype=port.dtype)
        if array.size == 0 or array.size % port.size:
            raise ValueError("does not hold whole frames")
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise DescriptionError(str(path), f"{reason}.", "install the package again.") from None
    return array.reshape(-1, port.size)
