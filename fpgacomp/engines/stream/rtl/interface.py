"""What a simulation must know of the emitted SystemVerilog: rtl/interface.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from fpgacomp.engines.shared.interface import EXACTLY, FILE
from fpgacomp.engines.stream.interface import StreamInterface
from fpgacomp.engines.stream.rtl.registers import Register
from fpgacomp.errors import InputDataError
from fpgacomp.ir.types import BIPOLAR, IntType
from fpgacomp.results.project import Project

RTL_FILE = f"rtl/{FILE}"


@dataclass(frozen=True, kw_only=True)
class RtlStream:
    """A FIFO of the top module.

    Args:
        name: its name in SystemVerilog.
        stream: the design's name of the stream.
        lanes: elements per word.
        words: words per frame.
        bits: width of an element.
        signed: whether an element has a sign.
        bipolar: whether an element is -1 or 1, stored as one bit.
        depth: words that it holds.
        tensor: the tensor that it carries in full, which a simulation writes down; "" for none.
    """

    __pydantic_config__ = EXACTLY

    name: str
    stream: str
    lanes: int
    words: int
    bits: int
    signed: bool
    bipolar: bool
    depth: int
    tensor: str

    @property
    def word_bits(self) -> int:
        """Width of a word in bits."""
        return self.lanes * self.bits

    @property
    def type(self) -> IntType:
        """The widest range that an element can have."""
        return BIPOLAR if self.bipolar else IntType.of_bits(self.bits, signed=self.signed)


@dataclass(frozen=True, kw_only=True)
class RtlInterface(StreamInterface):
    """Ports and streams of a top module.

    Args:
        streams: its FIFOs.
        taps_within: tensors inside of operators, which a simulation writes down, too.
        identity: what its registers say of the integer graph: the first 32 hexadecimal digits of
            the SHA-256 of graph.json.
        registers: on its AXI4-Lite port.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"taps_within"})

    streams: tuple[RtlStream, ...]
    identity: str
    registers: tuple[Register, ...]
    taps_within: tuple[RtlStream, ...] = ()

    @classmethod
    def of(cls, project: Project) -> Self:
        """The interface of an emitted project.

        Raises:
            InputDataError: the project has no RTL, or that of another version.
        """
        content = project.files.get(RTL_FILE)
        if content is None:
            raise InputDataError(RTL_FILE, "is missing, so no RTL was emitted here.",
                                 "compile the network again.")  # fmt: skip
        return cls.from_json(content)
