"""How an operator instantiates its module of hls_templates/rtl, with its parameters and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.rtl.interface import RtlStream
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.ir.types import IntArray, Ints, IntType

# The modules' STYLE parameter: where a table lies. The tool decides for "auto".
_STYLES: Mapping[Memory, int] = {"auto": 0, "lutram": 1, "bram": 2}
_LOGIC = 3  # the STYLE of a table in LUTs for Yosys


@dataclass(frozen=True)
class Bits:
    """A parameter of so many bits.

    Args:
        width: in bits.
        value: two's complement of a negative number is stored.
    """

    width: int
    value: int

    def __str__(self) -> str:
        return f"{self.width}'h{self.value & ((1 << self.width) - 1):x}"


Parameter = int | str | Bits


@dataclass(frozen=True)
class Instance:
    """One operator's instance in SystemVerilog.

    Args:
        module: of hls_templates/rtl/lib.
        parameters: by name; a str is the name of a file.
        files: file name -> content of the tables that the parameters name.
        modules: name -> source of modules that are this instance's alone.
        taps: tensors that these write down in simulation.
        counted: "lut" and "ff" that these take as Yosys maps them, where somebody counts them, and
            "threes", the LUTs among them that add three numbers.
    """

    module: str
    parameters: Mapping[str, Parameter]
    files: Mapping[str, bytes] = field(default_factory=dict)
    modules: Mapping[str, bytes] = field(default_factory=dict)
    taps: tuple[RtlStream, ...] = ()
    counted: Mapping[str, float] = field(default_factory=dict)


def kind_code(kind: IntType) -> int:
    """The modules' KIND of an element: 0 unsigned, 1 two's complement, 2 of {-1, +1}."""
    if kind.bipolar:
        return 2
    return 1 if kind.signed else 0


def element(prefix: str, kind: IntType) -> dict[str, Parameter]:
    """The BITS and KIND parameters of elements of this range."""
    return {f"{prefix}_BITS": element_bits(kind), f"{prefix}_KIND": kind_code(kind)}


def signed_bits(*kinds: IntType) -> int:
    """Bits of a signed number that holds every value of these ranges."""
    return max((2 if k.bipolar else k.bits if k.signed else k.bits + 1) for k in kinds)


def style(memory: Memory) -> int:
    """The STYLE parameter of a memory, as Vivado's devices have them."""
    return _STYLES[memory]


def styled(parameters: Mapping[str, Parameter], device: Device) -> dict[str, Parameter]:
    """The parameters of an instance, with the STYLE that the device's tools understand.

    Yosys builds a table in LUTs from "logic", and stops at "distributed", which it takes for a
    memory of LUTs with a first content: no device that it builds for has one.
    """
    if device.toolchain == "vivado" or parameters.get("STYLE") != _STYLES["lutram"]:
        return dict(parameters)
    return {**parameters, "STYLE": _LOGIC}


@dataclass(frozen=True)
class Rows:
    """A table of rows of elements, element 0 in the lowest bits.

    Args:
        count: of rows.
        parameters: its FILE, or the ROW itself where there is one, behind a prefix.
        files: its file, if it has more than one row.
    """

    count: int
    parameters: Mapping[str, Parameter]
    files: Mapping[str, bytes]


def rows(prefix: str, file: str, values: IntArray, kind: IntType, *, bits: int = 0) -> Rows:
    """A table of [rows, lanes] integers.

    Args:
        prefix: of the parameters' names, with its underscore; "" for none.
        file: name of the file that holds several rows.
        kind: range of the integers.
        bits: of an element, where its code is wider than the range needs; sign-extended.
    """
    width = bits or element_bits(kind)
    words = packed(codes(values, kind, width), width)
    if len(words) == 1:
        return Rows(1, {f"{prefix}ROW": Bits(width * values.shape[1], words[0])}, {})
    digits = -(-width * values.shape[1] // 4)
    text = "".join(f"{word:0{digits}x}\n" for word in words)
    return Rows(len(words), {f"{prefix}FILE": file}, {file: text.encode("ascii")})


def per_channel(values: Ints, lanes: int) -> IntArray:
    """[1] or [C] integers as rows of `lanes`: one row for all channels, or one per group."""
    array: IntArray = values.array
    return np.repeat(array, lanes)[None] if array.size == 1 else array.reshape(-1, lanes)


def codes(values: IntArray, kind: IntType, width: int) -> npt.NDArray[np.uint64]:
    """The stored bits of each value: two's complement, or one bit (+1 is 1) of {-1, +1}."""
    if kind.bipolar:
        return (values > 0).astype(np.uint64)
    mask = np.uint64((1 << width) - 1 if width < 64 else 0xFFFFFFFFFFFFFFFF)
    return np.bitwise_and(values.astype(np.int64).astype(np.uint64), mask)


def packed(values: npt.NDArray[np.uint64], width: int) -> list[int]:
    """Each row of [rows, lanes] codes as one number, lane 0 lowest."""
    shifts = np.arange(width, dtype=np.uint64)
    bits = ((values[:, :, None] >> shifts) & np.uint64(1)).astype(np.uint8)
    packed_rows = np.packbits(bits.reshape(len(values), -1), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed_rows]


def content(values: IntArray, kind: IntType) -> Bits:
    """A parameter that holds all integers one after the other, the first lowest."""
    width = element_bits(kind)
    flat = codes(values.reshape(1, -1), kind, width)
    return Bits(width * values.size, packed(flat, width)[0])
