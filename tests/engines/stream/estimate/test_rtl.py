"""The estimate of our SystemVerilog: counted to the register, fitted to what Yosys made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from statistics import median

import pytest

from examples.sweep_networks import drawn
from examples.sweep_operators import digest, distinct, terms
from fpgacomp.devices.read import load_board
from fpgacomp.devices.resources import counts
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.rows import Row
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.estimate.rtl.fit import fit_modules, left_out, predicted
from fpgacomp.engines.stream.estimate.rtl.measured import FIRST, PATH, content, of_family
from fpgacomp.engines.stream.estimate.rtl.modules import RULES, tally
from fpgacomp.engines.stream.estimate.rtl.predict import as_built
from fpgacomp.engines.stream.estimate.rtl.prices import PATH as COSTS
from fpgacomp.engines.stream.estimate.rtl.prices import family_of, instances_of, price
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.engines.stream.rtl.parts import RtlPart, operator_part
from fpgacomp.engines.stream.rtl.project import LIBRARY
from fpgacomp.ir.infer import unknown_output
from fpgacomp.ir.layers import Dense
from fpgacomp.ir.types import Ints
from fpgacomp.results.estimate import RTL_BY_VIVADO, RTL_BY_YOSYS, Figure
from fpgacomp.results.report import Verdict
from fpgacomp.results.target import Target
from tests.support import builders

BOARD = load_board("pynq-z2")
FEW = 12  # instances of a module from which its own median means something
again = "python -m examples.sweep_operators --fit counts and fits anew"


@pytest.fixture(scope="module")
def judged() -> list[tuple[Row, dict[str, float]]]:
    """Every instance of the first family with what a fit without its part says of it."""
    rows = of_family(FIRST)
    quantities = ("lut", "ff", "dsp", "bram18")
    return [
        (row, {q: predicted(costs, row, q) for q in quantities}) for row, costs in left_out(rows)
    ]


def error(pairs: list[tuple[Row, dict[str, float]]], quantity: str) -> float:
    """The median of |predicted - measured| / measured."""
    return median(
        abs(said[quantity] - row.actual[quantity]) / max(row.actual[quantity], 1.0)
        for row, said in pairs
    )


@pytest.mark.slow
def test_instances_left_out_keep_the_goals(judged: list[tuple[Row, dict[str, float]]]) -> None:
    assert len(judged) >= 300
    assert error(judged, "lut") <= 0.15 and error(judged, "ff") <= 0.20
    for module in {row.kind for row, _ in judged}:
        some = [pair for pair in judged if pair[0].kind == module]
        if len(some) >= FEW:
            assert error(some, "lut") <= 0.25, module
            assert error(some, "ff") <= 0.10, module
    for quantity in ("dsp", "bram18"):
        wrong = [row.source for row, said in judged if said[quantity] != row.actual[quantity]]
        assert not wrong, (quantity, wrong)


@pytest.mark.slow
def test_terms_are_counted_as_when_the_costs_were_fitted() -> None:
    for family, found in content()["families"].items():
        board = load_board(found["board"])
        parts = distinct(board, content()["seed"])
        assert family == family_of(board.device)
        for one in found["instances"][::7]:
            assert terms(parts[one["key"]], board) == one["terms"], (one["key"], again)


def test_costs_are_what_the_measured_instances_give() -> None:
    shipped = json.loads(COSTS.read_text())["families"]
    assert set(shipped) == set(content()["families"])
    fitted = fit_modules(of_family(FIRST))
    for module, costs in shipped[FIRST]["costs"].items():
        for resource, of_terms in costs.items():
            assert fitted[module][resource] == pytest.approx(of_terms, rel=1e-2), (module, again)
    assert shipped[FIRST]["instances"] == len(of_family(FIRST))


def test_the_data_say_where_they_are_from_and_are_small() -> None:
    assert content()["seed"] and content()["tools"]["pyosys"]
    assert PATH.stat().st_size < 600_000


@pytest.mark.slow
def test_every_module_that_is_instantiated_is_counted() -> None:
    parts = list(drawn(BOARD, 1))
    assert {part.module for part in parts} == set(RULES) == {row.kind for row in of_family(FIRST)}
    assert set(RULES) <= {path.stem for path in LIBRARY.glob("*.sv")}
    assert len({digest(part) for part in parts}) > 300


def test_registers_are_counted_one_by_one() -> None:
    # Two words of eight bits, in_ready, out_valid, and whether a word is held.
    fifo = RtlPart("", "fpgacomp_fifo", {"BITS": 8, "DEPTH": 2, "BLOCK": 0})
    found = price(fifo, BOARD.device)
    assert found.ff.value == pytest.approx(2 * 8 + 3, rel=0.05)
    # Words of 1,024 and 32 bits: what is kept of the wide one, the narrow one, counter and flags.
    convert = RtlPart("", "fpgacomp_convert", {"IN_BITS": 1024, "OUT_BITS": 32, "UNIT": 32})
    assert price(convert, BOARD.device).ff.value == pytest.approx(1024 + 5 + 2, rel=0.05)


def test_a_weight_that_is_zero_takes_nothing() -> None:
    found = []
    for nonzero in (1, 16):
        builder = builders.GraphBuilder("one")
        x = builder.input("x", (16,), 0, 255)
        values = builder.rng.integers(1, 100, (16, 8))
        values[nonzero:] = 0
        dense = Dense(name="y", output=unknown_output("y"), input=x, weight=Ints(values))
        graph = builder.graph(builder.add(dense))
        folding = {"y": StreamFolding(8, 16)}
        design = StreamDesign(graph=graph, board=BOARD, clock_mhz=100.0, folding=folding)
        found.append(STREAM.predictions(design)[0].lut.value)
    assert found[0] < found[1] / 2


def test_a_multiplier_with_one_product_beside_packed_ones_joins_nothing() -> None:
    """Three products a step in pairs: the third has a block of its own."""
    packed = {}
    for pe in (2, 3):
        builder = builders.GraphBuilder("one")
        x = builder.input("x", (4,), 0, 255)
        graph = builder.graph(builder.dense("y", x, pe, -8, -8))
        folding = {"y": StreamFolding(pe, 4, "auto", "dsp")}
        design = StreamDesign(graph=graph, board=BOARD, clock_mhz=100.0, folding=folding)
        (matrix,) = (one for one in expand(design).operators if isinstance(one, MatrixVector))
        found = tally(operator_part(matrix, "t0", BOARD.device), BOARD.device)
        assert min([*found.lut.values(), *found.ff.values()]) >= 0
        packed[pe] = found.lut["packed"]
        assert found.whole["dsp"] == 4 * (pe - 1)
    assert packed[2] == packed[3] > 0


def test_a_design_names_what_its_figures_predict() -> None:
    graph = builders.mlp()
    folding = {layer.name: StreamFolding() for layer in graph.layers[1:]}
    design = StreamDesign(graph=graph, board=BOARD, clock_mhz=100.0, folding=folding)
    by_yosys, by_vivado = STREAM.predictions(design)
    assert (by_yosys.basis.predicts, by_vivado.basis.predicts) == (RTL_BY_YOSYS, RTL_BY_VIVADO)
    assert by_yosys.basis.instances == instances_of(BOARD.device) > 300
    assert by_vivado.lut.low < by_yosys.lut.low <= by_yosys.lut.value < by_yosys.lut.high
    assert by_yosys.lut.high < by_vivado.lut.high
    open_board = load_board("ulx3s-85f")
    design = StreamDesign(graph=graph, board=open_board, clock_mhz=25.0, folding=folding)
    assert STREAM.predictions(design) == ()


def test_a_design_for_open_tools_is_estimated_by_its_instances() -> None:
    board, graph = load_board("ulx3s-85f"), builders.mlp()
    goal = Goal(board=board, clock_mhz=25.0, target=Target("area"))
    found = STREAM.fold(graph, goal)
    priced = estimate_stream(found.design)
    assert found.estimate.basis.instances == instances_of(board.device) >= 100
    assert found.estimate.basis.predicts == RTL_BY_YOSYS
    assert found.estimate.interval_cycles == priced.interval_cycles
    assert found.estimate.ff != priced.ff
    # What no layer owns are the control registers and the ports.
    of_layers = sum(layer.lut.value for layer in found.estimate.layers.values())
    assert 0 < found.estimate.lut.value - of_layers < 600


def test_a_design_whose_instances_take_more_than_is_free_keeps_its_figures_and_says_so() -> None:
    board, graph = load_board("ulx3s-25f"), builders.mlp()
    folding = {layer.name: StreamFolding() for layer in graph.layers[1:]}
    full = replace(board, shell=board.shell + counts(lut=board.budget.lut - 300))
    design = StreamDesign(graph=graph, board=full, clock_mhz=25.0, folding=folding)
    estimate = estimate_stream(design)
    low = replace(estimate.resources, lut=Figure.exact(200.0))
    priced = FoldingResult(design, replace(estimate, resources=low), Verdict(True, "lut"), ())
    found = as_built(priced)
    assert (found.estimate, found.verdict) == (priced.estimate, priced.verdict)
    assert "times the lut that is free" in found.reasons[0]
