"""Runs timed by sweeps and step by step are the same, deadlocks included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp.devices.read import load_board
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.timing import sweeps
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.run import Simulator
from fpgacomp.engines.stream.timing.sweeps import NEVER, swept
from fpgacomp.engines.stream.timing.walk import walked
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Add, Conv, Input, Layer, MaxPool, Tensor
from fpgacomp.ir.types import Ints, IntType
from tests.support.builders import GraphBuilder

CHANNELS = 4
LANES = st.sampled_from([1, 2, 4])


def conv(x: Tensor, name: str) -> Conv:
    weight = Ints(np.ones((3, 3, CHANNELS, CHANNELS), dtype=np.int64))
    return with_output(
        Conv(name=name, output=unknown_output(name), input=x, weight=weight, strides=(1, 1),
             dilations=(1, 1), pads=((1, 1), (1, 1)))
    )  # fmt: skip


def flow(lanes: list[int], depth: int, *, residual: bool) -> Dataflow:
    """Two convolutions, a skip connection over the second or a pool behind it."""
    x = Input(name="x", output=Tensor("x", (6, 6, CHANNELS), IntType(0, 3)))
    layers: list[Layer] = [x, first := conv(x.output, "c1"), second := conv(first.output, "c2")]
    if residual:
        last: Layer = Add(name="end", output=unknown_output("end"), a=second.output,
                          b=first.output, multiplier_a=Ints([1]),
                          multiplier_b=Ints([1]))  # fmt: skip
    else:
        last = MaxPool(name="end", output=unknown_output("end"), input=second.output,
                       kernel=(2, 2), strides=(2, 2), pads=((0, 0), (0, 0)))  # fmt: skip
    layers.append(with_output(last))
    graph = Graph("g", tuple(layers), (layers[-1].output,))
    folding = {
        layer.name: StreamFolding(pe, simd)
        for layer, pe, simd in zip(layers[1:], lanes[:3], [*lanes[3:], 1])
    }
    board = load_board("pynq-z2")
    plain = StreamDesign(graph=graph, board=board, clock_mhz=100, folding=folding)
    depths = {stream.name: depth for stream in expand(plain).streams}
    return expand(
        StreamDesign(graph=graph, board=board, clock_mhz=100, folding=folding, fifo_depths=depths)
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    st.lists(LANES, min_size=5, max_size=5), st.sampled_from([2, 3, 9, 64]), st.booleans(),
    st.sampled_from([40, 2048]),
)  # fmt: skip
def test_sweeps_and_steps_agree(lanes: list[int], depth: int, residual: bool, limit: int) -> None:
    simulator = Simulator(flow(lanes, depth, residual=residual), limit=limit)
    rooms = [link.rooms(depth) for link in simulator.links]
    slow = walked(simulator.paces, simulator.links, rooms)
    fast = swept(simulator.paces, simulator.links, rooms)
    complete = all(len(end) == len(pace.cycles) for end, pace in zip(slow, simulator.paces))
    if fast is None:
        assert not complete  # nothing this small takes so many turns
    else:
        assert complete and all(np.array_equal(a, b) for a, b in zip(fast, slow))


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.lists(LANES, min_size=5, max_size=5), st.sampled_from([2, 3, 9, 20, 64]), st.booleans())
def test_the_order_of_steps_tells_a_deadlock(lanes: list[int], depth: int, residual: bool) -> None:
    simulator = Simulator(flow(lanes, depth, residual=residual))
    rooms = [link.rooms(depth) for link in simulator.links]
    state = sweeps._Sweep(simulator.paces, simulator.links, rooms)
    ends = walked(simulator.paces, simulator.links, rooms)
    complete = all(len(end) == len(pace.cycles) for end, pace in zip(ends, simulator.paces))
    assert state.deadlocks(NEVER) == (not complete)
    assert not state.deadlocks(0)  # no effort, no answer


def test_a_deadlock_ends_long_before_the_effort_of_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that is one word too short: times of the rest move on a little with each sweep."""
    b = GraphBuilder()
    x = b.input("x", (4,), -8, 7)
    for number in range(12):
        x = b.concat(f"c{number}", x, x)
    graph, board = b.graph(x), load_board("zcu104")
    folding = {layer.name: StreamFolding() for layer in graph.layers[1:]}
    design = StreamDesign(graph=graph, board=board, clock_mhz=100, folding=folding)
    simulator = Simulator(expand(design))
    free = dict.fromkeys((stream.name for stream in simulator.dataflow.streams), float("inf"))
    depths = dict(simulator.run(free, held=True).most)
    short = "c8_copy1"  # the second half of the ninth Concat waits until the first is through
    efforts: list[int] = []
    sweep = sweeps._Sweep.sweep

    def counted(state: sweeps._Sweep, horizon: int) -> bool:
        worked = sweep(state, horizon)
        efforts.append(state.effort)
        return worked

    monkeypatch.setattr(sweeps._Sweep, "sweep", counted)
    assert simulator.run(depths | {short: 2}).stuck
    steps = simulator.work
    most = sweeps.EFFORT * steps + sweeps.VISIT * sweeps.FEWEST_VISITS
    assert efforts[-1] < most / 8


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.lists(LANES, min_size=5, max_size=5), st.integers(2, 60), st.booleans())
def test_exact_times_without_stops_are_the_others(
    lanes: list[int], depth: int, residual: bool
) -> None:
    made = flow(lanes, depth, residual=residual)
    simulator = Simulator(made, pipelines=Pipelines.rtl(made, 25))
    unbounded = {stream.name: float("inf") for stream in made.streams}
    assert simulator.run_exact(unbounded).finish == simulator.run(unbounded).finish
    bound, exact = simulator.run(), simulator.run_exact()
    # The bound counts on one word in a stopped module; there may be more.
    assert not exact.stuck or bound.stuck
    if not bound.stuck:
        assert exact.interval == pytest.approx(bound.interval, rel=0.05)


def test_a_skip_connection_of_two_words_stops_and_a_deep_one_runs() -> None:
    stopped = Simulator(flow([4] * 5, 2, residual=True)).run()
    assert stopped.finish == () and stopped.stuck
    run = Simulator(flow([4] * 5, 64, residual=True)).run()
    assert len(run.finish) == 3 and run.stuck == () and run.most == {}


def test_what_streams_hold_is_within_their_depth() -> None:
    made = flow([1, 2, 4, 4, 2], 9, residual=False)
    simulator = Simulator(made)
    run = simulator.run(held=True)
    assert run.most.keys() == {stream.name for stream in made.streams}
    bursts = {link.stream.name: max(9, link.burst) for link in simulator.links}
    # The reader frees a word in the cycle in which the writer puts the next one in.
    assert all(0 < words <= bursts[name] + 2 * 4 for name, words in run.most.items())
