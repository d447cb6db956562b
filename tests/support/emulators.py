"""Emulated devices for tests, each built once for all of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from fpgacomp.engines.shared import emulation
from fpgacomp.engines.shared.csim_process import compile_program
from fpgacomp.engines.shared.emulation import EmulatedSystem
from fpgacomp.engines.shared.interface import Interface
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.interface import StreamInterface
from fpgacomp.errors import ToolError
from fpgacomp.host import kept
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray
from fpgacomp.runtime.address_map import MAPS
from fpgacomp.runtime.deployment import FramePort
from fpgacomp.runtime.emulated import EmulatedPlatform
from tests.support import builders
from tests.support import stream_designs as sd

MAP = MAPS["zynq-7000"]
SYSTEM = EmulatedSystem(
    control=MAP.control, control_size=0x1000, dma=MAP.dma, dma_stride=MAP.stride,
    memory=0x1000_0000, memory_size=1 << 20, clock_hz=100_000_000, latency_cycles=100,
    interval_cycles=50,
)  # fmt: skip
FRAMES = Path(__file__).with_name("frames.cpp")
# What frames.cpp says of itself.
IDENTITY = "0123456789abcdef02468ace13579bdf"
IN0, IN1, OUT0 = (
    FramePort(port, port, (size,), 8, False, False, 8, lanes, beats, 0, 255)
    for port, size, lanes, beats in (("in0", 5, 1, 5), ("in1", 10, 4, 3), ("out0", 10, 4, 3))
)


def answers(first: IntArray, second: IntArray) -> IntArray:
    """What the design of frames.cpp computes."""
    return ((second.astype(int) + first.sum(axis=1, keepdims=True)) % 256).astype(np.uint8)


def frames_library() -> Path:
    """The system around the design of frames.cpp."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    compiler = find_compiler()
    flags = ("-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", *emulation.COMPILE,
             f"-I{emulation.FOLDER}")  # fmt: skip
    sources = [FRAMES, *sorted(path for path in emulation.FOLDER.iterdir() if path.is_file())]
    files = [(path.name, path) for path in sources]
    target = kept.place("tests", emulation.LIBRARY, (compiler.version, *flags), files)
    if not target.is_file():
        with TemporaryDirectory() as scratch:
            made = Path(scratch) / emulation.LIBRARY
            compile_program(
                compiler, dict.fromkeys((FRAMES, emulation.MAIN), flags), made, emulation.LINK
            )
            kept.keep(made, target)
    return target


def two_ports() -> Graph:
    """Two inputs and two outputs; `rtl_library` gives the second input a port of 128 bits."""
    b = builders.GraphBuilder("odd")
    odd = b.graph(b.dense("fc", b.input("x", (121,), -16, 15), 2))
    return sd.merged(builders.mlp(), odd)


def rtl_library(graph: Graph) -> tuple[Path, Interface]:
    """The system around a streaming design of a graph, and the design's interface."""
    try:
        find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))
    values = interpreter.run(graph, builders.inputs(graph, 2))
    wide = {"g1_fc": StreamFolding(2, 121)}
    emitted = STREAM.emit(sd.design(graph, 1, most=16, **wide), values)
    assert isinstance(emitted.interface, StreamInterface)
    # A beat of several words, and a frame that does not fill its last beat.
    port = emitted.interface.inputs[1]
    assert (port.lanes * port.container_bits, port.size % port.lanes) == (128, 9)
    return STREAM.emulator(emitted, SYSTEM, compiler=find_compiler()), emitted.interface


@contextmanager
def device(library: Path, **values: int) -> Iterator[EmulatedPlatform]:
    """A library's device with parameters or faults, switched on."""
    platform = EmulatedPlatform(library)
    try:
        for name, value in values.items():
            platform.set(name, value)
        yield platform
    finally:
        platform.close()
