"""The estimate of an unrolled design, and what stands beside it."""

from __future__ import annotations

from fpgacomp.devices.read import load_board
from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.adders.engine import ADDERS
from fpgacomp.engines.adders.estimate import estimate_adders
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.shared.circuit.cost import luts
from fpgacomp.results.estimate import RTL_BY_VIVADO, RTL_BY_YOSYS
from fpgacomp.results.target import Target
from tests.support import builders


def design_for(name: str) -> AdderDesign:
    board = load_board(name)
    goal = Goal(board=board, clock_mhz=board.clock_mhz_default, target=Target())
    return ADDERS.fold(builders.mlp(), goal).design


def test_vivado_may_make_two_adders_of_each_sum_of_three() -> None:
    design = design_for("pynq-z2")
    figures, (beside,) = estimate_adders(design), ADDERS.predictions(design)
    assert (figures.basis.predicts, beside.basis.predicts) == (RTL_BY_YOSYS, RTL_BY_VIVADO)
    by_yosys, by_vivado = figures.resources.lut, beside.resources.lut
    assert by_vivado.value == by_yosys.value and by_vivado.low < by_yosys.low
    # The warning's figure lies within the range.
    pairs = sum(luts(design.circuit, 6, rows=2)) - sum(luts(design.circuit, 6))
    assert pairs > 0 and by_vivado.high > by_yosys.high + pairs


def test_what_open_tools_build_is_what_they_make() -> None:
    assert ADDERS.predictions(design_for("ulx3s-85f")) == ()
