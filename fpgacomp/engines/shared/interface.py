"""What a caller must know of an emitted top function; hls/interface.json is its serialization.

The fields here are those that every engine states. An engine adds its own in a subclass:
how a port is connected, and which inner tensors its C-simulation writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from fpgacomp.errors import InputDataError
from fpgacomp.host.strict_json import read_json
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor
from fpgacomp.results.project import Project
from fpgacomp.runtime.deployment import FramePort

FILE = "interface.json"
# How an interface is read back: nothing is converted, and nothing unknown is passed over.
EXACTLY = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, kw_only=True)
class Port:
    """One input or output tensor of the top function.

    Args:
        tensor: name of the graph's tensor.
        shape: of one frame, channels last.
        size: elements of one frame.
        bits: width of an element.
        signed: whether an element has a sign.
        file: name of the file that holds the port's values, one frame after the other.
    """

    __pydantic_config__ = EXACTLY

    tensor: str
    shape: tuple[int, ...]
    size: int
    bits: int
    signed: bool
    file: str

    def for_software(self, tensor: Tensor, name: str) -> FramePort:
        """The port as software sees it: an element a beat, each in the narrowest container.

        Args:
            tensor: what it carries, of the design's graph.
            name: of the port, where the engine has none of its own on a bus.
        """
        container = next(bits for bits in (8, 16, 32, 64) if tensor.type.bits <= bits)
        return software_port(tensor, name, container, lanes=1, beats=tensor.size)


@dataclass(frozen=True, kw_only=True)
class Interface:
    """The top function of a project, for whoever calls it: testbench, simulation, drivers.

    Args:
        top: name of the function.
        io_type: how tensors pass its ports; each engine has its own names for that.
        inputs: in the order of the function's arguments.
        outputs: likewise, behind the inputs.
        aliases: tensor -> the tensor whose array or stream it shares, under another shape.
    """

    __pydantic_config__ = EXACTLY

    OPTIONAL: ClassVar[frozenset[str]] = frozenset()

    top: str
    io_type: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    aliases: Mapping[str, str]

    def to_json(self) -> bytes:
        """The content of interface.json; equal interfaces give the same bytes.

        Fields of OPTIONAL that are empty are left out.
        """
        content = {
            name: value
            for name, value in asdict(self).items()
            if value or name not in self.OPTIONAL
        }
        return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """The interface that `to_json` of the same class wrote.

        Raises:
            InputDataError: a field is missing, unknown or of another type.
        """
        try:
            found = TypeAdapter(cls).validate_json(content)
            read_json(content)  # pydantic takes the last of two keys
            return found
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise InputDataError(FILE, f"{where}: {first['msg']}.",
                                 "emit the project again with this version.") from None  # fmt: skip
        except ValueError as error:
            fix = "emit the project again with this version."
            raise InputDataError(FILE, f"cannot be used: {error}.", fix) from None

    def for_software(self, graph: Graph) -> tuple[tuple[FramePort, ...], tuple[FramePort, ...]]:
        """The inputs and the outputs as software sees them.

        Args:
            graph: what the project computes.
        """
        tensors = {layer.output.name: layer.output for layer in graph.layers}

        def side(ports: tuple[Port, ...], short: str) -> tuple[FramePort, ...]:
            return tuple(
                port.for_software(tensors[port.tensor], f"{short}{number}")
                for number, port in enumerate(ports)
            )

        return side(self.inputs, "in"), side(self.outputs, "out")

    @classmethod
    def of(cls, project: Project) -> Self:
        """The interface of an emitted project.

        Raises:
            InputDataError: the project has none, or one of another version.
        """
        content = project.files.get(f"hls/{FILE}")
        if content is None:
            raise InputDataError(f"hls/{FILE}", "is missing, so nothing was emitted here.",
                                 "compile the network again.")  # fmt: skip
        return cls.from_json(content)


def software_port(
    tensor: Tensor, name: str, container_bits: int, *, lanes: int, beats: int
) -> FramePort:
    """A port as software sees it, which carries the integers of `tensor`."""
    kind = tensor.type
    return FramePort(
        port=name, tensor=tensor.name, shape=tuple(tensor.shape), bits=kind.bits,
        signed=kind.signed, bipolar=kind.bipolar, container_bits=container_bits, lanes=lanes,
        beats=beats, lowest=kind.lo, highest=kind.hi,
    )  # fmt: skip
