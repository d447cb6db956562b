"""The typed context of the streaming templates, the packing of tables, and rendering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import jinja2
import numpy as np

from fpgacomp.ir.layers import Conv, Tensor
from fpgacomp.ir.types import BIPOLAR, IntArray, IntType
from tests.support.stream_harness import STREAM, ctype, stored_bits


@dataclass(frozen=True)
class Stream:
    name: str
    type: IntType
    lanes: int
    depth: int = 64
    tensor: str = ""

    @property
    def word(self) -> str:
        return f"Vec<{ctype(self.type)}, {self.lanes}>"


@dataclass(frozen=True)
class RomTable:
    """`rows` are packed words (Rom) or element codes (Banks)."""

    name: str
    kind: str
    element: str
    rows: list[list[int]]
    columns: int
    storage: str = "auto"
    title: str = "constant table"


@dataclass(frozen=True)
class Buffer:
    name: str
    word: str
    depth: int | str
    storage: str = "auto"


@dataclass(frozen=True)
class Process:
    name: str
    operator: str
    parameters: list[object]
    arguments: list[str]
    streams: list[object]
    taps: list[Stream]
    roms: list[RomTable]
    buffers: list[Buffer]
    title: str


@dataclass(frozen=True)
class Port:
    name: str
    title: str
    tensor: Tensor
    container: int
    lanes: int
    word: str

    @property
    def elements(self) -> int:
        return self.tensor.size


@dataclass
class StreamDesign:
    name: str
    title: str
    part: str = "xc7z020clg400-1"
    clock_ns: float = 10.0
    control: str = "ap_ctrl_none"
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    roms: list[RomTable] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)


def codes(values: IntArray, type_: IntType) -> IntArray:
    """What is stored of a value: two's complement, or one bit of a bipolar."""
    if type_ == BIPOLAR:
        return (values > 0).astype(np.uint64)
    bits = stored_bits(type_)
    return values.astype(np.uint64) & np.uint64((1 << bits) - 1)


def pack(values: IntArray, type_: IntType) -> list[list[int]]:
    """[rows, lanes] integers as rows of 64-bit words, by the layout of rom.hpp."""
    bits = stored_bits(type_)
    depth, lanes = values.shape
    words = -(-lanes // (64 // bits))
    per_word = -(-lanes // words)
    padded = np.zeros((depth, words * per_word), dtype=np.uint64)
    padded[:, :lanes] = codes(values, type_)
    shifts = np.arange(per_word, dtype=np.uint64) * np.uint64(bits)
    packed = padded.reshape(depth, words, per_word) << shifts
    rows: list[list[int]] = np.bitwise_or.reduce(packed, axis=2).tolist()
    return rows


def weight_type(weight: IntArray) -> IntType:
    """Bipolar where only -1 and +1 occur."""
    return BIPOLAR if np.all(abs(weight) == 1) else IntType.of_values(weight)


def group_rows(values: IntArray, lanes: int) -> IntArray:
    """[1] as one row for all groups, [C] as one row per group."""
    rows: IntArray = np.repeat(values, lanes)[None] if values.size == 1 else values
    return rows.reshape(-1, lanes)


def group_lanes(table: IntArray, lanes: int) -> IntArray:
    """[1 or C, n] as [1 or groups, lanes, n]."""
    if len(table) == 1:
        return np.repeat(table[None], lanes, axis=1)
    return table.reshape(-1, lanes, table.shape[1])


def block_diagonal(layer: Conv) -> IntArray:
    """The weights [*kernel, cin, cout] of the ungrouped convolution that does the same."""
    groups, weight = layer.groups, layer.weight.array
    *kernel, inner, outputs = weight.shape
    each = outputs // groups
    full = np.zeros((*kernel, inner * groups, outputs), dtype=np.int64)
    for g in range(groups):
        columns = slice(g * each, (g + 1) * each)
        full[..., g * inner : (g + 1) * inner, columns] = weight[..., columns]
    return full


def render(design: StreamDesign) -> dict[str, str]:
    """Every file of the project below hls/ but the library itself."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(STREAM),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text: Callable[..., str] = lambda name, **kw: environment.get_template(name).render(**kw)  # noqa: E731
    files = {
        f"{design.name}.h": text("top.h.j2", design=design),
        f"{design.name}.cpp": text("top.cpp.j2", design=design),
        "frames.h": text("frames.h.j2", design=design),
        "csim_main.cpp": text("csim_main.cpp.j2", design=design),
        "testbench.cpp": text("testbench.cpp.j2", design=design),
        "build_prj.tcl": text("build_prj.tcl.j2", design=design),
    }
    for table in design.roms:
        files[f"weights/{table.name}.h"] = text("rom.h.j2", rom=table)
    return files
