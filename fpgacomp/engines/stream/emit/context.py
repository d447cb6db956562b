"""The typed context of the templates of hls_templates/stream, and the C++ names of a design."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from fpgacomp.engines.shared.names import NameSpace, top_name
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.emit.calls import Buffer, Header
from fpgacomp.engines.stream.emit.tables import Table, cpp_type
from fpgacomp.engines.stream.streams import Stream, container_bits
from fpgacomp.host.resources import data_folder
from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.types import IntType

TEMPLATES = data_folder("hls_templates") / "stream"


@dataclass(frozen=True)
class CppStream:
    """A stream inside the top function.

    Args:
        word: its C++ element type.
        depth: words that the FIFO holds.
        tensor: the tensor that the C-simulation writes down from it; "" for none.
    """

    name: str
    word: str
    depth: int
    tensor: str


@dataclass(frozen=True)
class CppPort:
    """An AXI stream of the top function.

    Args:
        type: range of an element on the bus.
        lanes: elements per beat.
        beats: per frame.
    """

    name: str
    tensor: Tensor
    type: IntType
    lanes: int
    beats: int

    @property
    def container(self) -> int:
        """Bits of an element on the bus and in files."""
        return container_bits(self.type)

    @property
    def elements(self) -> int:
        return self.tensor.size

    @property
    def word(self) -> str:
        return f"Beat<{self.container}, {self.lanes}>"

    @property
    def title(self) -> str:
        return f"{self.tensor.name} {list(self.tensor.shape)}, {self.type}"


@dataclass(frozen=True)
class Process:
    """One function of the dataflow region: what an operator's call becomes."""

    name: str
    title: str
    operator: str
    parameters: tuple[object, ...]
    arguments: tuple[str, ...]
    streams: tuple[CppStream | CppPort, ...]
    taps: tuple[CppStream, ...]
    roms: tuple[Table, ...]
    buffers: tuple[Buffer, ...]
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True)
class CppDesign:
    """Everything that the templates of the project below hls/ read."""

    name: str
    title: str
    part: str
    clock_ns: str
    inputs: tuple[CppPort, ...]
    outputs: tuple[CppPort, ...]
    streams: tuple[CppStream, ...]
    roms: tuple[Table, ...]
    processes: tuple[Process, ...]
    headers: tuple[Header, ...] = ()
    # The design runs on the streams' handshakes alone: nobody has to start it for each frame.
    control: str = "ap_ctrl_none"


@dataclass(frozen=True)
class Names:
    """C++ names of a design: none occurs twice, in upper or lower case, or in the library.

    Streams, tables, processes and ports have prefixes of their own, so that a network may
    call its tensors whatever it likes.
    """

    top: str
    used: NameSpace = field(default_factory=NameSpace)
    streams: dict[str, CppStream] = field(default_factory=dict)

    def stream(self, stream: Stream) -> CppStream:
        """The stream with its C++ name, which is chosen once."""
        if stream.name not in self.streams:
            name = self.used.unique(f"s_{stream.name}")
            word = f"Vec<{cpp_type(stream.type)}, {stream.lanes}>"
            self.streams[stream.name] = CppStream(name, word, stream.depth, stream.tensor)
        return self.streams[stream.name]


def names_of(dataflow: Dataflow) -> Names:
    """The names of a new design, of which only the top function's is chosen yet."""
    top = top_name(dataflow.name, _library_words())
    return Names(top, NameSpace(frozenset({top})))


def _library_words() -> frozenset[str]:
    """Every identifier of the library, the test bench and the C-simulation; modules of the RTL."""
    sources: Sequence[str] = [
        path.read_text(encoding="utf-8")
        for path in (*sorted(TEMPLATES.rglob("*.hpp")), *sorted(TEMPLATES.glob("*.j2")))
    ]
    code = "\n".join(re.sub(r"//.*|\{\{.*?\}\}|\{%.*?%\}", "", source) for source in sources)
    modules = {path.stem for path in (TEMPLATES.parent / "rtl" / "lib").glob("*.sv")}
    return frozenset(modules.union(re.findall(r"[A-Za-z_]\w*", code)))
