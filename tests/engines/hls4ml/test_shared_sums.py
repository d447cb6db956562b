"""Strategy distributed_arithmetic: its cost, where it is legal, what is emitted, said, chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgacomp import zoo
from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import Goal, IoType
from fpgacomp.engines.hls4ml.check import problems
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, Setting
from fpgacomp.engines.hls4ml.emit.project import emit
from fpgacomp.engines.hls4ml.engine import HLS4ML
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.hls4ml.operators import with_matrix
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.engines.hls4ml.shared_sums import MOST_DIGITS, PredictedSums, SharedSums
from fpgacomp.engines.shared.circuit.solve import AdderGraph, Output, SharedAddition
from fpgacomp.engines.shared.trial import rank
from fpgacomp.frontend import read_network
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.lower import lower
from fpgacomp.results.project import Project
from fpgacomp.results.target import Target
from tests.support import builders

SHARED = Hls4mlFolding("distributed_arithmetic")
IO_TYPES: tuple[IoType, ...] = ("io_parallel", "io_stream")
# x of 0 to 7 each: a = x0 + x1, b = a + x2, c = b + x0; y = (c, -a), a chain of three additions.
CHAIN = AdderGraph(
    spans=((0, 7),) * 3,
    steps=(SharedAddition(0, 1, 0, 0, False, (0, 14)), SharedAddition(3, 2, 0, 0, False, (0, 21)),
           SharedAddition(4, 0, 0, 0, False, (0, 28))),
    outputs=(Output(5, 0, False), Output(3, 0, True)),
    theirs=0.0,
)  # fmt: skip


def one_dense(n_in: int, n_out: int, bits: int = 4) -> Graph:
    b = builders.GraphBuilder("one")
    reach = 1 << bits - 1
    return b.graph(b.dense("fc", b.input("x", (n_in,), 0, 7), n_out, -reach, reach - 1))


def emitted(design: Hls4mlDesign) -> Project:
    return emit(design, run(design.graph, builders.inputs(design.graph, 2)))


def complaints(graph: Graph, folding: Hls4mlFolding, io_type: IoType = "io_parallel") -> list[str]:
    found = problems(builders.design(graph, io_type, fc=folding))
    return [str(problem) for problem in found]


# ------------------------------------------------------------------ what it costs


def sums(clock_ns: float) -> SharedSums:
    return SharedSums(
        graph=CHAIN, spans=CHAIN.spans, n_out=2, acc_bits=6, at_once=1, clock_ns=clock_ns,
        level_ns=1.0,
    )  # fmt: skip


def test_registers_are_the_wires_that_cross_the_borders_of_stages() -> None:
    assert (sums(4.0).levels, sums(4.0).depth, sums(4.0).register_bits) == (3, 0, 0)
    # One border, between a and b: a (4 bits, for b and the output), x2 (3, for b), x0 (3, for c).
    assert sums(2.0).depth == 1
    assert sums(2.0).register_bits == 4 + 3 + 3
    # Borders behind a and behind b: x0 twice, x2 once, a twice, b (5 bits) once.
    assert sums(1.0).depth == 2
    assert sums(1.0).register_bits == 2 * 3 + 3 + 2 * 4 + 5


def test_positions_at_once_each_have_their_own_additions() -> None:
    one, two = sums(1.0), replace(sums(1.0), at_once=2)
    assert two.terms["lut"] == {term: 2 * n for term, n in one.terms["lut"].items()}
    assert two.terms["ff"]["register"] == 2 * one.terms["ff"]["register"]
    assert not one.terms["dsp"] and not one.terms["bram18"]


def test_a_negated_output_takes_adder_cells() -> None:
    plain = replace(CHAIN, outputs=(Output(5, 0, False), Output(3, 0, False)))
    assert sums(1.0).cells - replace(sums(1.0), graph=plain).cells == 4


def test_the_estimate_is_that_of_the_graph() -> None:
    graph = one_dense(12, 6)
    design = builders.design(graph, fc=SHARED)
    setting = Setting(design.io_type, design.clock_ns, design.board.device.level_ns)
    unit = operator_of(graph.by_name["fc"]).unit(SHARED, setting)  # type: ignore[attr-defined]
    layer = estimate_hls4ml(design).layers["fc"]
    latency = estimate_hls4ml(builders.design(graph)).layers["fc"]
    assert layer.resources.dsp.value == 0 == layer.resources.bram18.value
    assert layer.resources.lut.value == pytest.approx(
        1.03 * unit.cells + 0.3 * 6 * unit.acc_bits, rel=0.02
    )
    assert layer.interval.value == 1 == latency.interval.value
    assert layer.cycles.value == unit.depth


@pytest.mark.parametrize("value", [0, 2, -1])
def test_inputs_of_one_value_alone_are_no_trap(value: int) -> None:
    b = builders.GraphBuilder("constant")
    graph = b.graph(b.dense("fc", b.input("x", (4,), value, value), 3))
    estimate = estimate_hls4ml(builders.design(graph, fc=SHARED))
    assert estimate.layers["fc"].interval.value == 1


# ------------------------------------------------------------------ where it is legal


@pytest.mark.parametrize("io_type", IO_TYPES)
def test_more_weights_than_vitis_partitions(io_type: IoType) -> None:
    graph = one_dense(600, 8, bits=2)
    assert complaints(graph, SHARED, io_type) == []
    (text,) = complaints(graph, Hls4mlFolding("latency"), io_type)
    assert "4800 products are unrolled, beyond Vitis' limit of 4096" in text


def test_arrays_of_activations_keep_the_limit() -> None:
    (_, text) = complaints(one_dense(4200, 1, bits=2), SHARED)
    assert "fc: tensor x has 4200 elements to partition" in text


def test_nothing_is_reused() -> None:
    (text,) = complaints(one_dense(12, 6), replace(SHARED, reuse_factor=2))
    assert "reuse factor 2 under distributed_arithmetic, which reuses nothing" in text


def test_depthwise_convolutions_have_nothing_to_share() -> None:
    b = builders.GraphBuilder("dw")
    x = b.input("x", (6, 6, 4), 0, 7)
    graph = b.graph(b.conv("fc", x, 4, (3, 3), groups=4))
    (text,) = complaints(graph, SHARED)
    assert "the filters of a depthwise convolution have no inputs in common" in text
    assert SHARED not in operator_of(graph.by_name["fc"]).foldings("io_parallel")


@pytest.mark.parametrize("io_type", IO_TYPES)
def test_a_search_considers_it_where_the_solver_is_quick(io_type: IoType) -> None:
    small, large = one_dense(12, 6), one_dense(64, 80, bits=7)
    assert operator_of(small.by_name["fc"]).foldings(io_type).count(SHARED) == 1
    digits = np.abs(large.by_name["fc"].weight.array)  # type: ignore[union-attr]
    assert np.count_nonzero(digits) < MOST_DIGITS  # by digits, not by weights
    assert SHARED not in operator_of(large.by_name["fc"]).foldings(io_type)


def test_without_alkaid_it_is_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = one_dense(12, 6)
    before = operator_of(graph.by_name["fc"]).foldings("io_parallel")
    monkeypatch.setattr(with_matrix, "installed", lambda: False)
    after = operator_of(graph.by_name["fc"]).foldings("io_parallel")
    assert after == tuple(folding for folding in before if folding != SHARED) != before
    (text,) = complaints(graph, SHARED)
    assert "needs alkaid, which is not installed" in text and "fpgacomp[adders]" in text


# ------------------------------------------------------------------ what is emitted and said


@pytest.mark.parametrize("io_type", IO_TYPES)
def test_every_layer_has_a_file_of_its_own_additions(io_type: IoType) -> None:
    design = builders.design(builders.cnn(), io_type, "distributed_arithmetic")
    project = emitted(design)
    parameters = project.files["hls/firmware/parameters.h"].decode()
    assert "nnet::DenseLatency" not in parameters
    for name in ("c1", "c2", "fc"):
        code = project.files[f"hls/firmware/sums_{name}.h"].decode()
        assert (
            f"struct sums_{name} {{" in code and "*" not in code.split("dense(")[1].split(") {")[1]
        )
        assert f"using kernel = fpgacomp::sums_{name}<data_T, res_T, CONFIG_T>;" in parameters
    assert project.digests() == emitted(design).digests()


def test_only_the_layers_that_chose_it_change() -> None:
    plain = emitted(builders.design(builders.mlp()))
    mixed = emitted(builders.design(builders.mlp(), fc2=SHARED))
    assert not [path for path in plain.files if "sums" in path]
    new = set(mixed.files) - set(plain.files)
    assert new == {"hls/firmware/sums_fc2.h", "hls/firmware/nnet_utils/fpgacomp_sums.h"}


def test_the_report_says_what_no_tool_has_seen() -> None:
    assert HLS4ML.remarks(builders.design(builders.mlp())) == ()
    (text,) = HLS4ML.remarks(builders.design(builders.mlp(), fc1=SHARED, fc2=SHARED))
    assert text.startswith("2 layers under distributed_arithmetic: alkaid found the additions")
    assert "no Vitis HLS has built such a layer of ours yet" in text


# ------------------------------------------------------------------ what is chosen


@pytest.mark.slow
def test_a_layer_beyond_the_limit_is_unrolled(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = lower(read_network(zoo.build("mlp14_w3a3"))).graph
    goal = Goal(board=load_board("pynq-z2"), clock_mhz=100.0, target=Target("latency"))
    shared = HLS4ML.fold(graph, goal)
    assert "distributed_arithmetic" in {f.strategy for f in shared.design.folding.values()}
    assert shared.verdict.fits and shared.estimate.interval_cycles.value == 1
    monkeypatch.setattr(with_matrix, "installed", lambda: False)
    folded = HLS4ML.fold(graph, goal)
    assert {f.strategy for f in folded.design.folding.values()} == {"latency", "resource"}
    assert folded.estimate.interval_cycles.value > 1


@pytest.mark.slow
@pytest.mark.parametrize("goal", ["latency", "throughput"])
def test_a_wrong_prediction_never_makes_a_design_worse(
    goal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = lower(read_network(zoo.build("jet_w6a6"))).graph
    wanted = Goal(board=load_board("pynq-z2"), clock_mhz=100.0, target=Target(goal))  # type: ignore[arg-type]
    monkeypatch.setattr(PredictedSums, "cells", 1.0)
    monkeypatch.setattr(PredictedSums, "levels", 1)
    shared = HLS4ML.fold(graph, wanted)
    monkeypatch.setattr(with_matrix, "installed", lambda: False)
    plain = HLS4ML.fold(graph, wanted)
    assert plain.verdict.fits and shared.verdict.fits
    assert rank(shared, wanted.target) <= rank(plain, wanted.target)
