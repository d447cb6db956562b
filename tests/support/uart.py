"""Boards behind an emulated UART for tests, each built once for all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from fpgacomp.deploy.link_emulation import uart_emulator
from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.fold.fifos import with_fifos
from fpgacomp.engines.stream.interface import StreamInterface
from fpgacomp.errors import ToolError
from fpgacomp.frontend import read_network
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.ir import codec, interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray
from fpgacomp.lower import lower
from fpgacomp.results.project import Project
from fpgacomp.results.target import Target
from fpgacomp.runtime.deployment import Deployment, FramePort
from fpgacomp.runtime.line import EmulatedLine
from fpgacomp.runtime.uart import UartTransport
from tests.support import builders
from tests.support import stream_designs as sd
from tests.support.paths import EXAMPLES

CLOCK_HZ = 12_000_000
# Of an emulated board, whose time is its clock's: an answer comes at once, or was lost.
LATENCY_S = 0.0005


def joined(size: int = 21) -> Graph:
    """Two inputs that meet, and two outputs; of 21 elements no frame fills its last beat."""
    b = builders.GraphBuilder("joined")
    one, other = b.input("one", (size,), -128, 127), b.input("other", (size,), 0, 9)
    total = b.add_two("sum", one, other)
    return b.graph(b.dense("fc", total, 5), total)


def unfolded(graph: Graph) -> StreamDesign:
    """A design whose ports are as wide as they get."""
    folding = {
        layer.name: StreamFolding(layer.output.channels, layer.weight.shape[0])
        for layer in graph.layers
        if hasattr(layer, "weight")
    }
    made = sd.design(graph)
    return with_fifos(sd.replace(made, folding={**made.folding, **folding}))


def digits() -> StreamDesign:
    """The example, folded for a small board."""
    board = load_board("icebreaker")
    model = onnx.load(EXAMPLES / "digits_cnn" / "model.onnx")
    target = Target(goal="area", fps=1000.0)
    goal = Goal(board=board, clock_mhz=board.clock_mhz_default, target=target)
    return STREAM.fold(lower(read_network(model)).graph, goal).design


def emit(design: StreamDesign) -> tuple[Project, Deployment]:
    """The files of a design, and its description for the runtime."""
    graph = design.graph
    values = interpreter.run(graph, builders.inputs(graph, 2))
    emitted = STREAM.emit(design, values)
    assert isinstance(emitted.interface, StreamInterface)
    inputs, outputs = emitted.interface.for_software(graph)
    return emitted.project, described(graph, inputs, outputs)


def described(
    graph: Graph, inputs: tuple[FramePort, ...], outputs: tuple[FramePort, ...]
) -> Deployment:
    """A description without software sides."""
    return Deployment(
        graph.name, codec.identity(graph), "0", "stream", "board", CLOCK_HZ / 1e6, inputs, outputs,
        None, None, Path(),
    )  # fmt: skip


def needs_verilator() -> None:
    """Skip the test where there is none."""
    try:
        find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))


def library(project: Project, spram: int = 0) -> Path:
    """The emulated board of a design, with so many single-port RAMs for its frames."""
    return uart_emulator(
        project, CLOCK_HZ, spram=spram, verilator=find_verilator(), compiler=find_compiler()
    )


def frames(graph: Graph, deployment: Deployment, count: int, seed: int) -> tuple[
    list[IntArray], list[IntArray]
]:  # fmt: skip
    """Random frames of the inputs, and the oracle's of the outputs."""
    values = interpreter.run(graph, builders.inputs(graph, count, seed))
    return (
        [np.ascontiguousarray(values[port.tensor].reshape(count, -1).astype(port.dtype))
         for port in deployment.inputs],
        [values[port.tensor].reshape(count, -1).astype(port.dtype) for port in deployment.outputs],
    )  # fmt: skip


def transport(line: EmulatedLine, deployment: Deployment) -> UartTransport:
    """The driver on an emulated line, as patient as a noisy one needs."""
    return UartTransport(line, deployment, latency_s=LATENCY_S, attempts=60)
