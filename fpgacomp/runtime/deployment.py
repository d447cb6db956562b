"""deployment.json: everything that software must know of an accelerator, read back and checked.

The file comes from a build directory or a package, so it is data from strangers: sizes are bounded,
every field has its type, and nothing in it is run.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from .errors import DescriptionError
from .program import HostProgram, parse_program
from .strict_json import read_json

FILE = "deployment.json"
FORMAT = 1
# Far above any network's software side; a stranger's file takes no memory without a bound.
MAX_BYTES = 64 << 20
# Bytes of one frame of a port: more than any on-chip design takes.
MAX_FRAME_BYTES = 256 << 20
_AGAIN = "compile the network again, or install the package again."
# A file of the self-test is called after its port: no name may lead out of its folder.
_PORT = re.compile(r"[A-Za-z0-9_]{1,128}\Z")
_IDENTITY = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True)
class FramePort:
    """One input or output of the accelerator, as an array of whole numbers.

    In memory a frame is `size` little-endian containers in row-major order, channels last, and
    nothing else. One transfer is one frame.

    Args:
        port: its name in the design.
        tensor: the integer tensor that it carries.
        shape: of one frame, channels last.
        bits: width of an element's value.
        signed: whether an element has a sign.
        bipolar: whether an element is -1 or 1.
        container_bits: width of an element in memory and on the bus: 8, 16, 32 or 64.
        lanes: elements of a beat.
        beats: of a frame; the last one carries TLAST.
        lowest, highest: the values that the network was compiled for.
    """

    port: str
    tensor: str
    shape: tuple[int, ...]
    bits: int
    signed: bool
    bipolar: bool
    container_bits: int
    lanes: int
    beats: int
    lowest: int
    highest: int

    @property
    def integers(self) -> str:
        """What the software side calls the tensor: the network may have one of the same name."""
        return f"{self.tensor}_int"

    @property
    def size(self) -> int:
        """Elements of a frame."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame in memory, which is the length of its transfer."""
        return self.size * self.container_bits // 8

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a container in memory."""
        return np.dtype("<{}{}".format("i" if self.signed else "u", self.container_bits // 8))


@dataclass(frozen=True)
class Deployment:
    """An accelerator, for the software that calls it.

    Args:
        name: of the network.
        identity: 32 hexadecimal digits that the design's registers hold.
        version: of fpgacomp, which wrote the file.
        engine: what generated the design.
        board: name of the board.
        clock_mhz: of the design.
        inputs, outputs: the accelerator's ports, in order.
        before: from the network's inputs to the integers of `inputs`; None where numpy does not
            compute it.
        after: from the integers of `outputs` to the network's outputs; None likewise.
        folder: where deployment.json lies, with the files beside it.
        digest: SHA-256 of deployment.json in hexadecimal; "" where it was read of none.
    """

    name: str
    identity: str
    version: str
    engine: str
    board: str
    clock_mhz: float
    inputs: tuple[FramePort, ...]
    outputs: tuple[FramePort, ...]
    before: HostProgram | None
    after: HostProgram | None
    folder: Path
    digest: str = ""

    @classmethod
    def read(cls, place: str | Path) -> Deployment:
        """Read the description of a build or of an installed package.

        Args:
            place: deployment.json, or the folder that holds it.

        Raises:
            DescriptionError: it is missing, damaged, or of another version.
        """
        path = Path(place)
        path = path / FILE if path.is_dir() else path
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as problem:
            raise DescriptionError(str(path), f"cannot be read: {problem.strerror}.",
                                   "name the folder software/ of a build.") from None  # fmt: skip
        if len(content) > MAX_BYTES:
            raise DescriptionError(str(path), f"has over {MAX_BYTES} bytes.", _AGAIN)
        return cls.parse(content, path.parent)

    @classmethod
    def parse(cls, content: bytes, folder: Path) -> Deployment:
        """Read the content of deployment.json; see `read`."""
        try:
            found = read_json(content)
            if not isinstance(found, dict):
                raise ValueError("it is no object")
            if found.get("format") != FORMAT:
                raise ValueError(
                    "its format is {!r} instead of {}".format(found.get("format"), FORMAT)
                )
            read = _deployment(_Fields(found, ""), folder)
            return replace(read, digest=hashlib.sha256(content).hexdigest())
        except (ValueError, RecursionError, MemoryError) as problem:
            # What is quoted from the file may be of any length.
            raise DescriptionError(FILE, f"{str(problem)[:300]}.", _AGAIN) from None


class _Fields:
    """The fields of one object of the file, each with its type."""

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, dict):
            raise ValueError("{} is no object".format(where or "it"))
        self.values = values  # type: Mapping[str, Any]
        self.where = where

    def _get(self, name: str) -> Any:
        if name not in self.values:
            raise ValueError(f"{self.where + name} is missing")
        return self.values[name]

    def text(self, name: str) -> str:
        value = self._get(name)
        if not isinstance(value, str) or len(value) > 1000:
            raise ValueError(f"{self.where + name} is no short text")
        return value

    def whole(self, name: str, low: int, high: int) -> int:
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            message = "{} is {!r} instead of a whole number from {} to {}"
            raise ValueError(message.format(self.where + name, value, low, high))
        return value

    def flag(self, name: str) -> bool:
        value = self._get(name)
        if not isinstance(value, bool):
            raise ValueError(f"{self.where + name} is neither true nor false")
        return value

    def number(self, name: str) -> float:
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
            raise ValueError(f"{self.where + name} is {value!r} instead of a number above 0")
        return float(value)

    def items(self, name: str) -> list[Any]:
        value = self._get(name)
        if not isinstance(value, list) or not 1 <= len(value) <= 1000:
            raise ValueError(f"{self.where + name} is no list")
        return value

    def optional(self, name: str) -> Any:
        return self._get(name)


def _deployment(fields: _Fields, folder: Path) -> Deployment:
    identity = fields.text("identity")
    if not _IDENTITY.match(identity):
        raise ValueError(f"identity is {identity!r} instead of 32 hexadecimal digits")
    inputs = _ports(fields.items("inputs"), "inputs")
    outputs = _ports(fields.items("outputs"), "outputs")
    software = _Fields(fields.optional("software"), "software.")
    before, after = (
        None if software.optional(side) is None else parse_program(software.optional(side), side)
        for side in ("before", "after")
    )
    if before is not None:
        _agree(before.outputs, inputs, "before")
    if after is not None:
        _agree(after.inputs, outputs, "after")
    return Deployment(
        fields.text("name"), identity, fields.text("fpgacomp"), fields.text("engine"),
        fields.text("board"), fields.number("clock_mhz"), inputs, outputs, before, after, folder,
    )  # fmt: skip


def _ports(values: Sequence[Any], side: str) -> tuple[FramePort, ...]:
    return tuple(_port(_Fields(value, f"{side}[{number}].")) for number, value in enumerate(values))


def _port(fields: _Fields) -> FramePort:
    shape = tuple(fields.items("shape"))
    if len(shape) > 8 or not all(type(n) is int and 0 < n < 1 << 31 for n in shape):
        raise ValueError(f"{fields.where}shape is {shape!r}")
    container = fields.whole("container_bits", 8, 64)
    if container not in (8, 16, 32, 64):
        raise ValueError(f"{fields.where}container_bits is {container}")
    signed = fields.flag("signed")
    low, high = (
        (-(1 << container - 1), (1 << container - 1) - 1) if signed else (0, (1 << container) - 1)
    )
    name = fields.text("port")
    if not _PORT.match(name):
        raise ValueError(f"{fields.where}port is {name!r}, which is no name of a port")
    found = FramePort(
        name, fields.text("tensor"), shape, fields.whole("bits", 1, container),
        signed, fields.flag("bipolar"), container, fields.whole("lanes", 1, 1 << 20),
        fields.whole("beats", 1, 1 << 31), fields.whole("lowest", low, high),
        fields.whole("highest", low, high),
    )  # fmt: skip
    if found.frame_bytes > MAX_FRAME_BYTES:
        raise ValueError(f"{fields.where}shape: a frame has over {MAX_FRAME_BYTES} bytes")
    if found.beats != -(-found.size // found.lanes):
        message = "{}beats is {} where {} elements in {} lanes are {}"
        raise ValueError(message.format(fields.where, found.beats, found.size, found.lanes,
                                        -(-found.size // found.lanes)))  # fmt: skip
    return found


def _agree(tensors: Mapping[str, Any], ports: Sequence[FramePort], side: str) -> None:
    """The software side has the ports' tensors, in their shapes."""
    wanted: dict[str, tuple[int, ...]] = {port.integers: port.shape for port in ports}
    found = {name: tuple(spec.shape) for name, spec in tensors.items()}
    if found != wanted:
        raise ValueError(f"software.{side} has {found!r} where the ports have {wanted!r}")
