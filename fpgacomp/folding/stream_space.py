"""Every option of a graph on a board and what the converters between them cost."""

from __future__ import annotations

from collections.abc import Sequence

from fpgacomp.folding.stream_candidates import Estimator, Option, Prices
from fpgacomp.folding.stream_choose import NOTHING, Space, edges_of
from fpgacomp.folding.trial import budget_of
from fpgacomp.ir.board import Board
from fpgacomp.ir.dataflow import Source
from fpgacomp.ir.design import StreamDesign, StreamFolding
from fpgacomp.ir.expand import expand
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Input, Reshape


def explore(graph: Graph, board: Board, clock_mhz: float, estimate: Estimator) -> Space:
    """Every layer's options and the converters between them, priced by `estimate`."""
    prices = Prices(board, clock_mhz, estimate)
    options = prices.options(graph.layers)
    edges, lanes = edges_of(graph), _input_lanes(graph, board, clock_mhz)
    prices.converters(
        (edge.tensor, a, b)
        for edge in edges
        for a in _lanes(options.get(edge.writer), lanes.get(edge.writer), 1)
        for b in _lanes(options[edge.reader], None, 0)
    )
    return Space(graph, board, clock_mhz, prices, options, edges, lanes, NOTHING, budget_of(board))


def _lanes(options: Sequence[Option] | None, fixed: int | None, side: int) -> set[int]:
    return {option.lanes[side] for option in options} if options else {fixed or 1}


def _input_lanes(graph: Graph, board: Board, clock_mhz: float) -> dict[str, int]:
    """What `ir.expand` gives the graph's inputs."""
    ones = {
        layer.name: StreamFolding()
        for layer in graph.layers
        if not isinstance(layer, Input | Reshape)
    }
    design = StreamDesign(graph=graph, board=board, clock_mhz=clock_mhz, folding=ones)
    sources = [op for op in expand(design).operators if isinstance(op, Source)]
    return {source.name: source.output.lanes for source in sources}
