"""The AXI4-Lite registers of a design: described here once, rendered as SystemVerilog and C."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fpgacomp.engines.shared.interface import EXACTLY
from fpgacomp.ir import codec
from fpgacomp.ir.graph import Graph

MAGIC = 0x46504743  # "FPGC"
FORMAT = 1  # of this map; a change that an old driver would misread gets the next number
PORT_STRIDE = 16
LEAST_ADDRESS_BITS = 12  # 4 KiB, the smallest range that AXI interconnects decode

Access = Literal["read", "write", "clear"]


@dataclass(frozen=True, kw_only=True)
class RegisterBit:
    """One bit of a register.

    Args:
        name: in upper case.
        bit: its number, 0 the lowest.
        title: what a 1 means, or does when it is written.
    """

    __pydantic_config__ = EXACTLY

    name: str
    bit: int
    title: str


RESET = RegisterBit(name="RESET", bit=0, title="loses every frame in flight, as aresetn does")
CLEAR = RegisterBit(name="CLEAR", bit=1, title="sets all counters of frames and stalls to 0")
SHORT = RegisterBit(name="SHORT", bit=0, title="a frame ended before its last beat")
LONG = RegisterBit(name="LONG", bit=1, title="a frame did not end with its last beat")


@dataclass(frozen=True, kw_only=True)
class Register:
    """A register of 32 bits.

    Args:
        name: in upper case; unique in a map.
        offset: of its address, in bytes.
        access: "read": only that; "write": a 1 that is written acts, and 0 is read; "clear": a 1
            that is written clears the bit.
        title: what it holds.
        bits: those that have a meaning of their own.
    """

    __pydantic_config__ = EXACTLY

    name: str
    offset: int
    access: Access
    title: str
    bits: tuple[RegisterBit, ...] = ()


_FIXED = (
    Register(name="MAGIC", offset=0x00, access="read", title=f"{MAGIC:#010x}, FPGC in ASCII"),
    Register(name="FORMAT", offset=0x04, access="read", title=f"{FORMAT}, the version of this map"),
    Register(name="PORTS", offset=0x08, access="read",
             title="number of inputs (lower 16 bits) and of outputs (upper 16 bits)"),
    Register(name="CONTROL", offset=0x0C, access="write", title="resets", bits=(RESET, CLEAR)),
    *(
        Register(name=f"IDENTITY_{word}", offset=0x10 + 4 * word, access="read",
                 title=f"hexadecimal digits {8 * word} to {8 * word + 7} of graph.json's SHA-256")
        for word in range(4)
    ),
)  # fmt: skip
_FIRST_PORT = 0x20
_FRAMES = Register(name="FRAMES", offset=0x0, access="read",
                   title="whole frames that passed, modulo 2^32")  # fmt: skip
_STALLS = Register(name="STALLS", offset=0x4, access="read",
                   title="cycles with valid but without ready, modulo 2^32")  # fmt: skip
_ERRORS = Register(name="ERRORS", offset=0x8, access="clear",
                   title="frames of the wrong length", bits=(SHORT, LONG))  # fmt: skip


@dataclass(frozen=True)
class RegisterMap:
    """All registers of one design.

    Args:
        identity: the first 32 hexadecimal digits of the SHA-256 of graph.json.
        inputs, outputs: names of the AXI streams.
    """

    identity: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, graph: Graph, inputs: Sequence[str], outputs: Sequence[str]) -> RegisterMap:
        """The map of a design that computes `graph`."""
        return cls(codec.identity(graph), tuple(inputs), tuple(outputs))

    @property
    def magic(self) -> int:
        """What the register MAGIC holds."""
        return MAGIC

    @property
    def format(self) -> int:
        """What the register FORMAT holds."""
        return FORMAT

    @property
    def identity_words(self) -> tuple[int, ...]:
        """What the four registers of the identity hold."""
        return tuple(int(self.identity[8 * word : 8 * word + 8], 16) for word in range(4))

    @property
    def registers(self) -> tuple[Register, ...]:
        """Every register, by rising offset."""
        return (*_FIXED, *self._of_ports())

    def _of_ports(self) -> list[Register]:
        every = (_FRAMES, _STALLS)
        inputs = [(f"IN{n}", name, (*every, _ERRORS)) for n, name in enumerate(self.inputs)]
        outputs = [(f"OUT{n}", name, every) for n, name in enumerate(self.outputs)]
        return [
            Register(
                name=f"{short}_{one.name}", offset=_FIRST_PORT + number * PORT_STRIDE + one.offset,
                access=one.access, title=f"{name}: {one.title}", bits=one.bits,
            )
            for number, (short, name, those) in enumerate((*inputs, *outputs))
            for one in those
        ]  # fmt: skip

    def offset(self, name: str) -> int:
        """The offset of the register of this name, in bytes."""
        return next(one.offset for one in self.registers if one.name == name)

    @property
    def reset_bit(self) -> int:
        """The bit of CONTROL that resets the core."""
        return RESET.bit

    @property
    def address_bits(self) -> int:
        """Width of a byte address."""
        end = _FIRST_PORT + (len(self.inputs) + len(self.outputs)) * PORT_STRIDE
        return max(LEAST_ADDRESS_BITS, (end - 1).bit_length())

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the module fpgacomp_control, as SystemVerilog."""
        fixed = {register.name: register.offset for register in _FIXED}
        at = {"IDENTITY": fixed["IDENTITY_0"], "PORT": _FIRST_PORT}
        at |= {name: fixed[name] for name in ("MAGIC", "FORMAT", "PORTS", "CONTROL")}
        return {
            "ADDRESS_BITS": str(self.address_bits),
            "INPUTS": str(len(self.inputs)),
            "OUTPUTS": str(len(self.outputs)),
            "MAGIC": f"32'h{MAGIC:08x}",
            "FORMAT": f"32'd{FORMAT}",
            "IDENTITY": f"128'h{self.identity}",
            **{f"AT_{name}": f"'h{offset:x}" for name, offset in sorted(at.items())},
            "PORT_STRIDE": str(PORT_STRIDE),
            **{f"PORT_{one.name}": f"'h{one.offset:x}" for one in (_FRAMES, _STALLS, _ERRORS)},
            **{f"BIT_{one.name}": str(one.bit) for one in (RESET, CLEAR, SHORT, LONG)},
        }
