"""Matrices that the search has unfolded share additions where that is smaller, and no others."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from fpgacomp import zoo
from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.shared.circuit import solve
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.terms import Terms
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.fold import adders
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.layers.matrix import MatrixRules
from fpgacomp.engines.stream.operators.shared_matrix import SharedMatrix, matrix_circuit
from fpgacomp.frontend import read_network
from fpgacomp.ir.graph import Graph
from fpgacomp.lower import lower
from fpgacomp.results.target import Target
from tests.engines.hls4ml.csim.test_random import RandomGraph
from tests.support import builders
from tests.support.paths import REPOSITORY

FASTEST = Target("throughput")
with_alkaid = pytest.mark.skipif(
    not solve.installed(), reason=f"alkaid is not installed ({solve.INSTALL})"
)


@cache
def mlp() -> Graph:
    return lower(read_network(zoo.build("digits_mlp_w2a2"))).graph


@cache
def digits_cnn() -> Graph:
    return lower(read_network(REPOSITORY / "examples" / "digits_cnn" / "model.onnx")).graph


def folded(target: Target = FASTEST, *, for_companion: bool = False) -> FoldingResult[StreamDesign]:
    board = load_board("pynq-z2")
    goal = Goal(board=board, clock_mhz=100.0, target=target, for_companion=for_companion)
    return STREAM.fold(mlp(), goal)


def shared(result: FoldingResult[StreamDesign]) -> list[str]:
    return [name for name, one in result.design.folding.items() if one.arithmetic == "adders"]


@pytest.mark.slow
@with_alkaid
@pytest.mark.parametrize("target", [FASTEST, Target("latency")], ids=lambda target: target.goal)
def test_unfolded_matrices_share_additions_and_the_design_is_no_slower(target: Target) -> None:
    found, plain = folded(target), folded(target, for_companion=True)
    assert shared(found) == ["dense1", "dense2"]
    assert found.verdict.fits and found.estimate.lut.value < plain.estimate.lut.value
    assert found.estimate.interval_cycles.value <= plain.estimate.interval_cycles.value
    assert found.estimate.latency_cycles.value <= plain.estimate.latency_cycles.value
    assert any("dense1, dense2 share additions" in text for text in found.reasons)
    for name, folding in found.design.folding.items():
        before = plain.design.folding[name]
        assert (folding.pe, folding.simd) == (before.pe, before.simd)


@pytest.mark.slow
@with_alkaid
def test_the_latency_that_shared_additions_reach_can_be_asked_for() -> None:
    """Their circuits have fewer stages than adder trees: without them no design is as fast."""

    def of(target: Target, *, for_companion: bool = False) -> FoldingResult[StreamDesign]:
        board = load_board("pynq-z2")
        return STREAM.fold(
            digits_cnn(), Goal(board=board, clock_mhz=100.0, target=target,
                               for_companion=for_companion)
        )  # fmt: skip

    fastest = of(Target("latency"))
    cycles = fastest.estimate.latency_cycles.value
    assert cycles < of(Target("latency"), for_companion=True).estimate.latency_cycles.value
    asked = Target("area", latency_us=cycles / 100)
    found = of(asked)
    assert found.verdict.fits and shared(found)
    assert found.estimate.latency_cycles.value <= cycles
    assert found.estimate.lut.value <= fastest.estimate.lut.value
    assert not of(asked, for_companion=True).verdict.fits
    assert not of(Target("area", latency_us=cycles / 200)).verdict.fits


@with_alkaid
def test_a_matrix_that_a_bound_leaves_in_few_steps_shares_additions() -> None:
    """Half as many steps as it has outputs multiply more than shared additions take."""
    plain = folded(Target("area", fps=2e7), for_companion=True)
    found = folded(Target("area", fps=2e7))
    assert shared(found) and found.estimate.lut.value < 0.8 * plain.estimate.lut.value


@with_alkaid
@pytest.mark.slow
@with_alkaid
@pytest.mark.parametrize("batch", range(2))
def test_any_layers_are_folded_for_least_area(batch: int) -> None:
    """Groups, paddings, dilations: what a matrix may take is counted of the one that is built."""
    board = load_board("pynq-z2")
    for seed in range(8 * batch, 8 * batch + 8):
        graph = RandomGraph(seed).finished()
        for fps in (2e5, 2e6):
            goal = Goal(board=board, clock_mhz=100.0, target=Target("area", fps=fps))
            found = STREAM.fold(graph, goal).design
            for name, folding in found.folding.items():
                assert not rules_of(found.graph.by_name[name]).why_illegal(folding), (seed, name)


def test_folded_matrices_stay_as_the_search_has_them() -> None:
    asked = Target("area", fps=1e6)
    found = folded(asked)
    for name, folding in found.design.folding.items():
        rules = rules_of(mlp().by_name[name])
        if isinstance(rules, MatrixRules):
            assert (folding.pe, folding.simd) != (rules.unfolded.pe, rules.unfolded.simd)
    assert found.design == folded(asked, for_companion=True).design


def test_a_companion_gets_what_it_has_operators_of() -> None:
    assert not shared(folded(for_companion=True))


def test_without_alkaid_the_design_is_what_the_search_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solve, "installed", lambda: False)
    found, plain = folded(), folded(for_companion=True)
    assert found.design == plain.design and found.reasons == plain.reasons


@with_alkaid
def test_the_search_for_additions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adders, "MOST_DIGITS", 200)
    assert shared(folded()) == ["dense2"]
    monkeypatch.setattr(adders, "MOST_DIGITS", 0)
    assert folded().design == folded(for_companion=True).design


@with_alkaid
def test_a_larger_circuit_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = SharedMatrix.terms

    def sixfold(self: SharedMatrix, port_bits: int) -> Terms:
        found = terms(self, port_bits).items()
        return {name: {term: 6 * n for term, n in of.items()} for name, of in found}

    monkeypatch.setattr(SharedMatrix, "terms", sixfold)
    assert not shared(folded())


@pytest.mark.slow
@with_alkaid
def test_what_is_kept_from_before_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = folded()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(2):  # searched anew, then read
        solve._solved.cache_clear()
        matrix_circuit.cache_clear()
        assert folded().design == first.design
    assert any(tmp_path.rglob("graph.json"))


def test_the_count_is_of_luts_of_six_inputs() -> None:
    board = load_board("ulx3s-85f")
    goal = Goal(board=board, clock_mhz=50.0, target=FASTEST)
    assert board.device.lut_inputs == 4 and not shared(STREAM.fold(mlp(), goal))


@pytest.mark.slow
@with_alkaid
def test_a_matrix_that_is_unfolded_but_for_the_word_of_its_weights_shares_additions() -> None:
    """72 x 16 weights of 4 bits are 4,608 bits, and no word of weights has more than 4,096."""
    graph = lower(read_network(REPOSITORY / "examples" / "digits_cnn" / "model.onnx")).graph
    goal = Goal(board=load_board("pynq-z2"), clock_mhz=100.0, target=Target("latency"))
    found, plain = STREAM.fold(graph, goal), STREAM.fold(graph, replace(goal, for_companion=True))
    assert shared(found) == ["conv1", "conv2", "dense1"]
    assert plain.design.folding["conv2"].pe * plain.design.folding["conv2"].simd == 72 * 8
    assert found.estimate.lut.value < 0.5 * plain.estimate.lut.value
    assert found.estimate.interval_cycles.value <= plain.estimate.interval_cycles.value
    assert found.estimate.latency_cycles.value <= plain.estimate.latency_cycles.value


@pytest.mark.slow
@with_alkaid
def test_no_word_of_weights_keeps_a_matrix_from_sharing_additions() -> None:
    """64 x 64 weights of 2 bits are 8,192 bits, one more than FINN generates code for."""
    made = builders.GraphBuilder()
    graph = made.graph(made.dense("dense", made.input("x", (64,), -1, 1), 64, -1, 1))
    goal = Goal(board=load_board("pynq-z2"), clock_mhz=100.0, target=Target("latency"))
    found, plain = STREAM.fold(graph, goal), STREAM.fold(graph, replace(goal, for_companion=True))
    assert shared(found) == ["dense"] and not shared(plain)
    assert found.estimate.lut.value < 0.5 * plain.estimate.lut.value
    assert found.estimate.interval_cycles.value <= plain.estimate.interval_cycles.value
