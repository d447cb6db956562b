"""Facts of the device: estimate and emitted C++ agree on them, on every board that ships."""

from __future__ import annotations

import re
from dataclasses import replace
from math import ceil

import pytest

from fpgacomp.devices.board import Board
from fpgacomp.devices.families import FAMILIES
from fpgacomp.devices.read import list_boards, load_board
from fpgacomp.devices.resources import counts
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.emit.project import emit_stream
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.fold.design import fold_stream
from fpgacomp.engines.stream.fold.prices import Prices
from fpgacomp.errors import UnsupportedLayer
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.results.target import Target
from tests.support import builders

PE, SIMD = 12, 2
# Products -3..3 are 3 bits wide, weights -1..1 have 2: lanes that a port of so many bits holds.
LANES = {16: 5, 18: 6, 25: 8, 27: 9}
ICEBREAKER = load_board("icebreaker")
WITHOUT_DSP = replace(
    ICEBREAKER,
    name="hx",
    family="ice40",
    device=FAMILIES["ice40"],
    resources=counts(lut=7680, ff=7680, bram18=7),
)


def narrow() -> Graph:
    b = builders.GraphBuilder("tiny")
    return b.graph(b.dense("fc", b.input("x", (4,), 0, 3), PE, -1, 1))


def wide() -> Graph:
    b = builders.GraphBuilder("wide")
    return b.graph(b.dense("fc", b.input("x", (16,), -128, 127), 4, -100, 100))


def in_dsp_blocks(board: Board) -> StreamDesign:
    folding = {"fc": StreamFolding(PE, SIMD, arithmetic="dsp")}
    return StreamDesign(graph=narrow(), board=board, clock_mhz=12.0, folding=folding)


def offered(graph: Graph, board: Board) -> set[str]:
    """What may multiply in the options that a fold chooses from."""
    options = Prices(board, 12.0, estimate_stream).options(graph.layers)
    return {option.folding.arithmetic for option in options["fc"]}


@pytest.mark.parametrize(
    "board",
    [board for board in list_boards() if board.device.multiplier],
    ids=lambda board: board.name,
)
def test_estimate_and_emission_use_one_port_width(board: Board) -> None:
    design = in_dsp_blocks(board)
    values = interpreter.run(design.graph, integer_vectors(design.graph, 1, 0))
    text = emit_stream(design, values).files["hls/tiny.cpp"].decode()
    (lanes,) = re.findall(r"MulDspPacked<(\d+), 3>", text)
    assert int(lanes) == LANES[board.device.wide_port_bits]
    assert estimate_stream(design).dsp.value == ceil(PE / int(lanes)) * SIMD


def test_dsp_blocks_are_not_offered_where_there_are_none() -> None:
    graph = wide()
    assert offered(graph, load_board("pynq-z2")) == {"lut", "dsp"}
    assert offered(graph, ICEBREAKER) == {"lut", "dsp"}
    # The emitted script gives Gowin's blocks no product.
    assert offered(graph, load_board("tang-nano-9k")) == {"lut"}
    assert offered(graph, WITHOUT_DSP) == {"lut"}
    folded = fold_stream(
        graph, WITHOUT_DSP, clock_mhz=12.0, target=Target(), estimate=estimate_stream
    )
    assert folded.verdict.fits and folded.design.folding["fc"].arithmetic == "lut"


def test_a_folding_that_asks_for_dsp_blocks_where_there_are_none_is_refused() -> None:
    with pytest.raises(UnsupportedLayer) as caught:
        estimate_stream(in_dsp_blocks(WITHOUT_DSP))
    text = str(caught.value)
    assert text == "fc: board hx has no DSP multiplier. Fix: choose arithmetic lut."
