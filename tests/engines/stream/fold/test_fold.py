"""Streaming folds: legal, within budget and bounds, no deadlock; what cannot fit says why."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.devices.board import Board
from fpgacomp.devices.read import load_board
from fpgacomp.devices.resources import counts
from fpgacomp.engines.shared.result import FoldingResult
from fpgacomp.engines.shared.trial import budget_of, used
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.expand import expand, folding_problems
from fpgacomp.engines.stream.fold import program
from fpgacomp.engines.stream.fold.choose import choose, least_interval
from fpgacomp.engines.stream.fold.design import explore, fold_stream
from fpgacomp.engines.stream.fold.fifos import size_fifos
from fpgacomp.engines.stream.operators.duplicate import Duplicate
from fpgacomp.engines.stream.timing.run import Simulator, interval_cycles
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Add, Conv, Dense, Input, Layer, Tensor, Thresholds
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.results.target import Target

pytestmark = pytest.mark.slow

BOARD = load_board("pynq-z2")
RNG = np.random.default_rng(3)


def act(x: Tensor, name: str, bits: int = 2) -> Thresholds:
    count = (1 << bits) - 1
    table = np.sort(RNG.integers(x.type.lo, x.type.hi, size=(x.channels, count)), axis=1)
    return with_output(
        Thresholds(name=name, output=unknown_output(name), input=x, thresholds=Ints(table),
                   base=Ints([0]), step=Ints([1]))
    )  # fmt: skip


def conv(x: Tensor, channels: int, name: str) -> Conv:
    weight = Ints(RNG.integers(-3, 4, size=(3, 3, x.channels, channels)))
    return with_output(
        Conv(name=name, output=unknown_output(name), input=x, weight=weight, strides=(1, 1),
             dilations=(1, 1), pads=((1, 1), (1, 1)))
    )  # fmt: skip


def residual(size: int = 8, channels: int = 4) -> Graph:
    x = Input(name="x", output=Tensor("x", (size, size, channels), IntType(0, 3)))
    layers: list[Layer] = [x, conv(x.output, channels, "conv1")]
    layers.append(head := act(layers[-1].output, "act1"))
    for index in (2, 3):
        layers.append(conv(layers[-1].output, channels, f"conv{index}"))
        layers.append(act(layers[-1].output, f"act{index}"))
    add = with_output(
        Add(name="add", output=unknown_output("add"), a=layers[-1].output, b=head.output,
            multiplier_a=Ints([1]), multiplier_b=Ints([1]))
    )  # fmt: skip
    layers.append(add)
    layers.append(act(add.output, "act4"))
    return Graph("residual", tuple(layers), (layers[-1].output,))


def mlp(width: int = 32) -> Graph:
    x = Input(name="x", output=Tensor("x", (width,), IntType(0, 3)))
    layers: list[Layer] = [x]
    for index in range(2):
        weight = Ints(RNG.integers(-3, 4, size=(layers[-1].output.channels, width)))
        layers.append(
            with_output(Dense(name=f"fc{index}", output=unknown_output(f"fc{index}"),
                              input=layers[-1].output, weight=weight))
        )  # fmt: skip
        layers.append(act(layers[-1].output, f"act{index}"))
    return Graph("mlp", tuple(layers), (layers[-1].output,))


def shrunk(board: Board, factor: float) -> Board:
    small = board.budget.map(lambda amount: float(int(amount * factor)))
    return replace(board, name="small", resources=small, shell=counts(), path=Path("small"))


def fold(graph: Graph, board: Board = BOARD, **target: object) -> FoldingResult[StreamDesign]:
    return fold_stream(
        graph, board, clock_mhz=100, target=Target(**target),  # type: ignore[arg-type]
        estimate=estimate_stream,
    )  # fmt: skip


def fits(result: FoldingResult[StreamDesign]) -> bool:
    budget = budget_of(result.design.board)
    return all(a <= b * (1 + 1e-9) for a, b in zip(used(result.estimate), budget))


@pytest.mark.parametrize("goal", ["throughput", "latency", "area"])
@pytest.mark.parametrize("factor", [1.0, 0.2, 0.1])
def test_foldings_are_legal_within_the_budget_and_run(goal: str, factor: float) -> None:
    for graph in (mlp(), residual()):
        result = fold(graph, shrunk(BOARD, factor), goal=goal)
        assert list(folding_problems(result.design)) == []
        assert result.verdict.fits == fits(result)
        run = Simulator(expand(result.design)).run()
        assert run.stuck == () and len(run.finish) == 3
        assert result.estimate == estimate_stream(result.design)


def test_goals_are_better_at_what_they_are_for() -> None:
    graph = residual()
    found = {goal: fold(graph, goal=goal) for goal in ("throughput", "latency", "area")}
    assert all(result.verdict.fits for result in found.values())
    interval = {goal: r.estimate.interval_cycles.value for goal, r in found.items()}
    latency = {goal: r.estimate.latency_cycles.value for goal, r in found.items()}
    lut = {goal: r.estimate.lut.value for goal, r in found.items()}
    assert (
        interval["throughput"] <= interval["latency"] and interval["throughput"] < interval["area"]
    )
    assert latency["latency"] <= latency["throughput"] < latency["area"]
    assert lut["area"] < lut["throughput"] <= lut["latency"]


@pytest.mark.parametrize("fps", [5_000.0, 50_000.0])
def test_a_rate_asked_for_is_reached_in_the_simulation_too(fps: float) -> None:
    result = fold(residual(), goal="area", fps=fps)
    assert result.verdict.fits and result.estimate.frames_per_second >= fps
    assert Simulator(expand(result.design)).run().interval <= 1e8 / fps


def test_less_pace_takes_no_more_area() -> None:
    graph = residual()
    space = explore(graph, BOARD, 100, estimate_stream)
    paces = [pace for pace in space.paces() if pace >= space.fastest]
    areas = [
        space.equivalent(found.cost)
        for pace in paces
        if (found := choose(space, "area", interval=pace)) is not None
    ]
    assert len(areas) == len(paces) > 5
    assert all(b <= a * 1.005 for a, b in pairwise(areas))  # GAP


def test_the_program_counts_what_the_estimate_counts() -> None:
    for graph in (mlp(), residual()):
        space = explore(graph, BOARD, 100, estimate_stream)
        for choice in (least_interval(space), choose(space, "area")):
            assert choice is not None
            whole = used(estimate_stream(space.design(choice.folding)))
            for mine, theirs in zip(choice.cost, whole):
                assert mine <= theirs + 1e-6 and theirs <= 1.1 * mine + 250  # ports, copies


def test_the_optimum_over_all_foldings_of_a_small_network() -> None:
    """Every combination of the options by the estimator: none is smaller at the same pace."""
    graph = mlp(4)
    space = explore(graph, BOARD, 100, estimate_stream)
    pace = 16.0
    found = choose(space, "area", interval=pace)
    assert found is not None
    best = space.equivalent(used(estimate_stream(space.design(found.folding))))
    rng = np.random.default_rng(0)
    for _ in range(300):
        folding = {
            name: some[int(rng.integers(len(some)))].folding
            for name, options in space.options.items()
            if (some := [o for o in options if o.interval <= pace])
        }
        other = estimate_stream(space.design(folding))
        assert space.equivalent(used(other)) >= best * 0.99


def test_a_large_program_is_near_the_optimum_and_tells_its_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = residual()
    exact = choose(explore(graph, BOARD, 100, estimate_stream), "latency")
    monkeypatch.setattr(program, "LARGE", 0)
    space = explore(replace(graph, name="again"), BOARD, 100, estimate_stream)
    near = choose(space, "latency")
    assert exact is not None and near is not None
    assert exact.gap <= program.LATENCY_GAP and near.gap <= program.LARGE_GAP
    assert not list(folding_problems(space.design(near.folding)))
    first_frames = [
        estimate_stream(space.design(found.folding)).latency_cycles.value for found in (exact, near)
    ]
    assert first_frames[1] <= first_frames[0] * 1.2


# ---------------------------------------------------------------- FIFOs


def test_depth_two_deadlocks_where_a_skip_connection_waits_for_windows() -> None:
    design = fold(residual(), goal="area").design
    shallow = replace(design, fifo_depths={})
    run = Simulator(expand(shallow)).run()
    assert run.finish == () and run.stuck
    assert Simulator(expand(design)).run().stuck == ()


@pytest.mark.parametrize("size", [5, 8, 12])
def test_the_skip_fifo_holds_the_lag_of_the_windows(size: int) -> None:
    channels = 2
    design = fold(residual(size, channels), goal="throughput").design
    flow = expand(design)
    (dup,) = (op for op in flow.operators if isinstance(op, Duplicate))
    deepest = max(dup.copies, key=lambda stream: stream.depth)
    lag = 2 * (size + 2)  # two 3x3 windows with padding 1: each waits for a row and a pixel
    words = channels // deepest.lanes
    assert deepest.depth >= (lag - 2) * words
    # The exact, word by word simulation agrees.
    assert Simulator(flow, limit=10**9).run().stuck == ()
    too_shallow = {s.name: s.depth for s in flow.streams} | {deepest.name: lag * words // 2}
    assert Simulator(flow, limit=10**9).run(too_shallow).stuck


def test_fifos_keep_the_pace_of_the_slowest_operator() -> None:
    for graph in (mlp(), residual()):
        space = explore(graph, BOARD, 100, estimate_stream)
        choice = least_interval(space)
        assert choice is not None
        flow = expand(space.design(choice.folding))
        first, *_ = size_fifos(flow, interval_cycles(flow))
        assert first.run.interval <= 1.05 * interval_cycles(flow)
        assert Simulator(flow, limit=10**9).run(first.depths).interval <= first.run.interval * 1.05


# ---------------------------------------------------------------- what does not fit


def test_a_board_too_small_names_resource_shortfall_and_ways_out() -> None:
    tiny = shrunk(BOARD, 0.01)
    result = fold_stream(
        residual(), tiny, clock_mhz=100, target=Target("throughput"), estimate=estimate_stream,
        other_boards=[BOARD, tiny],
    )  # fmt: skip
    assert not result.verdict.fits and result.verdict.limiting_resource == "lut"
    assert result.verdict.shortfall > 1
    assert "lut: the smallest design needs" in result.reasons[0]
    assert any(way.options == "--board pynq-z2" for way in result.ways())


def test_a_rate_out_of_reach_names_the_rate_that_fits() -> None:
    graph = residual()
    result = fold(graph, goal="area", fps=1e7)
    assert not result.verdict.fits and result.verdict.limiting_resource is None
    ways = [way.target.fps for way in result.ways() if way.kind == "a lower rate"]
    assert fold(graph, goal="area", fps=ways[-1]).verdict.fits


def test_a_latency_bound_is_kept_or_named() -> None:
    graph = residual()
    shortest = fold(graph, goal="latency").estimate.latency_us
    kept = fold(graph, goal="area", latency_us=shortest * 2)
    assert kept.verdict.fits and kept.estimate.latency_us <= shortest * 2
    missed = fold(graph, goal="area", latency_us=shortest / 20)
    assert not missed.verdict.fits
    assert any(way.kind == "a longer latency" for way in missed.ways())


def test_reasons_state_the_exchange_rates() -> None:
    result = fold(mlp(), goal="area")
    budget = BOARD.budget
    assert f"DSP {budget.lut / budget.dsp:,.0f}" in result.reasons[1]
    assert f"BRAM18 {budget.lut / budget.bram18:,.0f}" in result.reasons[1]
