"""Memory of the host link: what a design for a board has left, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgacomp.bitstream.open.toolchain import _linked
from fpgacomp.deploy.link_memory import LinkPort, memory_of, with_link, with_spram
from fpgacomp.devices.read import load_board
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.errors import DoesNotFit
from fpgacomp.flows.compile import compile
from fpgacomp.flows.estimate import estimate
from fpgacomp.flows.options import Options
from fpgacomp.ir.graph import Graph
from tests.support import builders, uart
from tests.support.frontend_runs import build, node, quant

EBR = load_board("icebreaker").device.block_ram


def image(*shape: int, high: int = 255) -> Graph:
    """A network whose frames have this shape."""
    b = builders.GraphBuilder("image")
    return b.graph(b.maxpool("pool", b.input("image", shape, 0, high), (2, 2)))


@pytest.mark.parametrize(
    ("board", "shape", "blocks"),
    [
        ("ice40-hx8k-evn", (8, 8, 1), 1),  # what the board file states
        ("ice40-hx8k-evn", (28, 28, 1), 4),
        ("ice40-hx8k-evn", (32, 32, 3), 16),
        ("icebreaker", (32, 32, 3), 1),  # in one of its single-port RAMs
        ("ulx3s-25f", (32, 32, 3), 4),
        ("ulx3s-25f", (28, 28, 1), 2),
        ("tang-nano-9k", (28, 28, 1), 1),
        ("arty-a7-35t", (32, 32, 3), 4),
        ("pynq-z2", (32, 32, 3), 6),  # by DMA
    ],
)
def test_the_shell_has_the_frames_of_the_link(
    board: str, shape: tuple[int, ...], blocks: int
) -> None:
    given = load_board(board)
    found = with_link(given, image(*shape))
    assert found.shell.bram18 == blocks
    assert found == replace(given, shell=replace(given.shell, bram18=blocks))


def test_frames_that_the_device_cannot_hold_are_refused_with_figures() -> None:
    with pytest.raises(DoesNotFit) as refused:
        with_link(load_board("ice40-hx8k-evn"), image(96, 96, 1))
    assert refused.value.why == (
        "has 32 block RAMs (SB_RAM40_4K), and the host link keeps 2 frames of 9,216 bytes in 64 "
        "block RAMs."
    )
    assert "make the network's input smaller" in refused.value.fix
    assert with_link(load_board("icebreaker"), image(96, 96, 1)).shell.bram18 == 1
    with pytest.raises(DoesNotFit, match="in 128 block RAMs"):
        with_link(load_board("icebreaker"), image(130, 130, 1))  # beyond 32 KB


def test_the_largest_buffers_go_into_the_single_port_rams_that_are_there() -> None:
    ports = [LinkPort("a", 1, 100), LinkPort("b", 1, 1000), LinkPort("c", 1, 5000)]
    assert [port.spram for port in with_spram(ports, 2, 0)] == [False, False, False]
    assert [port.spram for port in with_spram(ports, 2, 1)] == [False, False, True]
    # 100 bytes, twice, are one block RAM.
    assert [port.spram for port in with_spram(ports, 2, 4)] == [False, True, True]
    assert memory_of(with_spram(ports, 2, 1), (), 2, EBR).blocks == 1 + 4
    # Outputs behind the first keep a frame, in block RAM from 9 beats on.
    outputs = [LinkPort("y", 2, 600), LinkPort("z", 2, 600), LinkPort("w", 2, 16)]
    assert memory_of(ports[:1], outputs, 2, EBR).blocks == 1 + 3


def test_a_port_is_as_large_before_the_design_as_after() -> None:
    """No beat makes a slot larger, so that what is estimated is what is built."""
    for graph in (uart.joined(), image(5, 7, 3), image(9, 11, 1, high=3000)):
        project, _ = uart.emit(uart.unfolded(graph))
        found = [LinkPort.of(port) for port in RtlInterface.of(project).inputs]
        before = [LinkPort.of_tensor(layer.output) for layer in graph.inputs]
        assert [p.slot_bytes for p in found] == [p.slot_bytes for p in before]
        assert [p.frame_bytes for p in found] == [p.frame_bytes for p in before]


@pytest.mark.slow
def test_estimate_and_compile_refuse_what_build_would() -> None:
    nodes = [quant(["x", "s", "z", "b"], "q"), node("MaxPool", ["q"], "y", kernel_shape=[2, 2])]
    model = build(nodes, [1, 1, 96, 96], {"s": 0.5, "z": 0.0, "b": 8.0}, output="y")
    for run in (estimate, compile):
        with pytest.raises(DoesNotFit, match="keeps 2 frames of 9,216 bytes in 64 block RAMs"):
            run(model, "ice40-hx8k-evn", options=Options(csim=False, vectors=2))
    fits = estimate(model, "icebreaker", options=Options())
    assert fits.board.shell.bram18 == 1


@pytest.mark.parametrize("spram", [0, 4])
def test_build_refuses_before_any_tool_runs_and_takes_the_primitive(spram: int) -> None:
    interface = RtlInterface.of(uart.emit(uart.unfolded(uart.joined()))[0])
    (one, other) = interface.inputs
    large = replace(interface, inputs=(replace(one, size=9216, beats=9216, lanes=1), other))
    board = replace(load_board("ice40-hx8k-evn"), spram=spram)
    if not spram:
        with pytest.raises(DoesNotFit, match="2 frames of 9,237 bytes in 65 block RAMs"):
            _linked(large, 12_000_000, 3_000_000, board)
        return
    top, files = _linked(large, 12_000_000, 3_000_000, board)
    assert b"SB_SPRAM256KA" in files["fpgacomp_link_spram.v"]
    assert "fpgacomp_link_spram.sv" not in files
    assert b".SPRAM(1)" in files[f"{top}.sv"]
