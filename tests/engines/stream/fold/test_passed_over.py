"""A design that fits is found where FIFOs for the fastest one would not; converters have prices."""

from __future__ import annotations

import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.estimate.coefficients import load
from fpgacomp.engines.stream.estimate.design import converter_price, estimate_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold.space import edges_of
from fpgacomp.engines.stream.operators.convert import Convert
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
