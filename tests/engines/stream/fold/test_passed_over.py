"""A design that fits is found where FIFOs for the fastest one would not; converters have prices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.estimate.coefficients import load
from fpgacomp.engines.stream.estimate.design import converter_price, estimate_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold import program
from fpgacomp.engines.stream.fold.choose import possible
from fpgacomp.engines.stream.fold.fifos import size_fifos
from fpgacomp.engines.stream.fold.space import edges_of, explore
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.layers.rules import WIDEST_WORD
from fpgacomp.engines.stream.operators.convert import Convert
from fpgacomp.engines.stream.timing.least import Joins
from fpgacomp.engines.stream.timing.run import interval_cycles
from fpgacomp.ir.graph import Graph
from fpgacomp.results.target import Target
from tests.support import stream_designs as sd
from tests.support.builders import GraphBuilder


def doubled(times: int) -> Graph:
    """A tensor beside itself, again and again: each copy waits until the first one is through."""
    b = GraphBuilder()
    x = b.input("x", (4,), -8, 7)
    for number in range(times):
        x = b.concat(f"c{number}", x, x)
    return b.graph(x)


@pytest.mark.slow
@pytest.mark.parametrize("board", ["arty-a7-100t", "pynq-z2"])
def test_what_fits_is_not_called_too_slow(board: str) -> None:
    goal = Goal(board=load_board(board), clock_mhz=100, target=Target())
    found = STREAM.fold(doubled(15), goal)
    assert found.verdict.fits
    assert found.estimate.bram18.value <= goal.board.budget.bram18


def test_a_tensor_read_twice_is_one_edge_of_two() -> None:
    (edge,) = edges_of(doubled(1))
    assert edge.times == 2


@pytest.mark.parametrize("seed", range(6))
def test_a_converter_costs_what_the_estimate_says(seed: int) -> None:
    design = sd.design(sd.builders.cnn(), seed)
    device = design.board.device
    port = device.wide_port_bits
    figures = estimate_stream(design, timed=False)
    for operator in expand(design).operators:
        if isinstance(operator, Convert):
            alone = converter_price(operator.input.bits, operator.output.bits, device)
            own = load().priced(operator.terms(port), operator.cost_kind)
            assert alone.lut.value > own.lut.value > 0
            owner = figures.layers.get(operator.layer)
            assert owner is None or owner.lut.value >= alone.lut.value


def test_no_concat_is_offered_in_words_that_hls_does_not_take() -> None:
    board = load_board("pynq-z2")
    last = doubled(14).layers[-1]
    widest = max(folding.pe for folding in rules_of(last).foldings(board.device))
    assert widest * last.output.type.bits == WIDEST_WORD


def test_a_space_is_explored_once_and_a_selection_at_hand_asks_no_solver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Folding for a board that was tried as a way out just before, and where much fits."""
    board, graph = load_board("zcu104"), doubled(4)
    space = explore(graph, board, 200, estimate_stream)
    assert explore(graph, board, 200, estimate_stream) is space
    asked = []
    minimized = program.minimized
    monkeypatch.setattr(program, "minimized", lambda *a, **k: asked.append(1) or minimized(*a, **k))
    assert possible(space, interval=None, latency=None) and not asked
    assert possible(space, interval=max(space.paces()), latency=1e9) and asked
    nothing = replace(space, budget=(1.0,) * len(space.budget))
    assert not nothing.surely_holds(None)
    assert not space.surely_holds(0.5)
    assert not possible(nothing, interval=None, latency=None)


def test_what_joins_need_is_worked_out_once_for_a_design(monkeypatch: pytest.MonkeyPatch) -> None:
    dataflow = expand(sd.design(doubled(5), 0))
    made = []
    of = Joins.of
    monkeypatch.setattr(Joins, "of", lambda *a: made.append(1) or of(*a))
    found = list(size_fifos(dataflow, interval_cycles(dataflow)))
    assert len(found) > 1 and len(made) == 1
