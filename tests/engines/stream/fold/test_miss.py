"""A streaming fold that misses: the nearest design that fits, with its real rate and ways out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgacomp.engines.shared.trial import budget_of, used
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold.design import fold_stream
from fpgacomp.engines.stream.timing.run import Simulator
from fpgacomp.engines.stream.timing.steps import UNMERGED
from fpgacomp.results.target import Target
from tests.engines.stream.fold.test_fold import BOARD, fold, mlp, residual, shrunk

pytestmark = pytest.mark.slow


def test_the_nearest_miss_of_a_rate_is_the_best_rate_of_the_board() -> None:
    for graph in (mlp(), residual()):
        for board in (BOARD, shrunk(BOARD, 0.2)):
            best = fold(graph, board, goal="throughput").estimate.interval_cycles.value
            missed = fold(graph, board, goal="throughput", fps=1e8)
            assert not missed.verdict.fits and missed.verdict.limiting_resource is None
            assert missed.estimate.interval_cycles.value <= 1.03 * best
            budget = budget_of(missed.design.board)
            assert all(a <= b * (1 + 1e-9) for a, b in zip(used(missed.estimate), budget))
            assert missed.verdict.shortfall == pytest.approx(
                1e8 / missed.estimate.frames_per_second
            )


def test_the_nearest_miss_of_a_latency_is_the_shortest_of_the_board() -> None:
    graph = residual()
    best = fold(graph, goal="latency").estimate.latency_us
    missed = fold(graph, goal="area", latency_us=best / 50)
    assert missed.estimate.latency_us <= 1.03 * best
    assert f"misses the bound by {missed.verdict.shortfall:,.2f} times" in missed.reasons[0]


def test_a_rate_that_no_board_reaches_says_what_limits_it() -> None:
    missed = fold(mlp(), goal="throughput", fps=1e9)
    assert any(r.startswith("no board changes that: ") for r in missed.reasons)


def test_a_larger_board_that_reaches_the_rate_is_named() -> None:
    graph, small = residual(), shrunk(BOARD, 0.05)
    here = fold(graph, small, goal="throughput").estimate.frames_per_second
    there = fold(graph, BOARD, goal="throughput").estimate.frames_per_second
    assert there > 1.2 * here
    missed = fold_stream(
        graph, small, clock_mhz=100, target=Target("throughput", fps=1.2 * here),
        estimate=estimate_stream, other_boards=[small, BOARD],
    )  # fmt: skip
    assert not missed.verdict.fits
    assert any(way.options == "--board pynq-z2" for way in missed.ways())


@pytest.mark.parametrize("fps", [3e4, 1e5, 2e5])
def test_half_of_a_reachable_rate_is_reachable(fps: float) -> None:
    graph = residual()
    fastest = fold(graph, goal="throughput").estimate.frames_per_second
    for share in (0.95, 0.5, 0.3):
        assert fold(graph, goal="area", fps=min(fps, share * fastest)).verdict.fits


def test_the_interval_is_never_better_than_the_run_with_the_same_fifos() -> None:
    for graph in (mlp(), residual()):
        design = fold(graph, goal="throughput").design
        for depths in (design.fifo_depths, {n: max(2, d // 2) for n, d in
                                            design.fifo_depths.items()}):  # fmt: skip
            made = replace(design, fifo_depths=depths)
            flow = expand(made)
            run = Simulator(flow, limit=UNMERGED).run()
            slowest = max(op.cycles for op in flow.operators)
            expected = slowest if run.stuck else max(slowest, run.interval)
            assert estimate_stream(made).interval_cycles.value == expected
