"""What a design is said to do is what it does word by word, however many words a frame has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fpgacomp.devices.read import load_board
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold.fifos import size_fifos, with_fifos
from fpgacomp.engines.stream.fold.rtl_fifos import rtl_dataflow
from fpgacomp.engines.stream.timing import whole
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.run import FINE, Run, Simulator
from fpgacomp.engines.stream.timing.steps import UNMERGED
from fpgacomp.engines.stream.timing.walk import walked
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Add, Concat, Conv, Input, Layer, Tensor
from fpgacomp.ir.types import Ints, IntType

BOARD = load_board("pynq-z2")
SIZE, CHANNELS = 8, 8
LANES = st.sampled_from([1, 2, 8])


def conv(x: Tensor, name: str, kernel: int, *, groups: int = 1) -> Conv:
    weight = Ints(np.ones((kernel, kernel, CHANNELS // groups, CHANNELS), dtype=np.int64))
    pad = (kernel // 2, kernel // 2)
    return with_output(
        Conv(name=name, output=unknown_output(name), input=x, weight=weight, strides=(1, 1),
             dilations=(1, 1), pads=(pad, pad), groups=groups)
    )  # fmt: skip


def separable(size: int = SIZE, *, residual: bool = False) -> Graph:
    """Depthwise and pointwise convolutions in turn, as in DS-CNN; a sum over them if wanted."""
    x = Input(name="x", output=Tensor("x", (size, size, CHANNELS), IntType(0, 3)))
    layers: list[Layer] = [x]
    for index in range(2):
        layers.append(conv(layers[-1].output, f"depth{index}", 3, groups=CHANNELS))
        layers.append(conv(layers[-1].output, f"point{index}", 1))
    if residual:
        total = Add(name="sum", output=unknown_output("sum"), a=layers[-1].output,
                    b=layers[1].output, multiplier_a=Ints([1]), multiplier_b=Ints([1]))  # fmt: skip
        layers.append(with_output(total))
    return Graph("separable", tuple(layers), (layers[-1].output,))


def doubling(channels: int, times: int) -> Graph:
    """concat(x, x) again and again: the second copy must hold all of the first."""
    layers: list[Layer] = [Input(name="x", output=Tensor("x", (channels,), IntType(0, 3)))]
    for index in range(times):
        parts = (layers[-1].output,) * 2
        join = Concat(name=f"c{index}", output=unknown_output(f"c{index}"), parts=parts)
        layers.append(with_output(join))
    return Graph("doubling", tuple(layers), (layers[-1].output,))


def design(graph: Graph, lanes: list[int]) -> StreamDesign:
    """A folding with these lanes, layer by layer and over again."""
    folding = {
        layer.name: StreamFolding(
            lanes[index % len(lanes)],
            lanes[(index + 1) % len(lanes)]
            if isinstance(layer, Conv) and not layer.depthwise
            else 1,
        )
        for index, layer in enumerate(graph.layers[1:])
    }
    return StreamDesign(graph=graph, board=BOARD, clock_mhz=100, folding=folding)


def word_by_word(made: StreamDesign) -> Run:
    """Three frames, a step at a time: what every other run is held against."""
    simulator = Simulator(expand(made), limit=UNMERGED)
    rooms = [link.rooms(link.stream.depth) for link in simulator.links]
    endings = walked(simulator.paces, simulator.links, rooms)
    return simulator._result(endings, simulator.paces, held=False)


@pytest.mark.slow
@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(LANES, min_size=3, max_size=5), st.booleans(), st.booleans())
def test_the_stated_interval_is_that_of_every_word(
    lanes: list[int], residual: bool, sized: bool
) -> None:
    made = design(separable(residual=residual), lanes)
    if sized or residual:
        made = with_fifos(made)
    truth, stated = word_by_word(made), estimate_stream(made)
    assert truth.stuck == ()
    assert stated.interval_cycles.value == pytest.approx(truth.interval, rel=0.005)
    assert stated.latency_cycles.value == pytest.approx(truth.finish[0], rel=0.02)


@pytest.mark.slow
def test_a_pace_that_only_merged_steps_keep_gets_fifos_that_keep_it() -> None:
    plain = design(separable(14), [8, 1, 1, 8])
    flow = expand(plain)
    merged, truth = Simulator(flow, limit=FINE).run(), word_by_word(plain)
    assert max(operator.cycles for operator in flow.operators) > FINE
    assert truth.interval > 1.2 * merged.interval  # the design is one to be misjudged
    assert estimate_stream(plain).interval_cycles.value == truth.interval
    most = 1.05 * merged.interval
    first = next(size_fifos(flow, merged.interval, most=most))
    run = word_by_word(replace(plain, fifo_depths=first.depths))
    assert run.interval == first.run.interval <= most


@pytest.mark.slow
def test_a_copy_holds_a_whole_frame_that_is_longer_than_merged_steps_show() -> None:
    made = with_fifos(design(doubling(1024, 4), [1]))
    words = 1024 << 3  # of the tensor that the last layer reads twice
    assert word_by_word(made).stuck == ()
    flow = rtl_dataflow(made)
    rtl = Simulator(flow, limit=UNMERGED, pipelines=Pipelines.rtl(flow, 25))
    assert rtl.run().stuck == ()
    (last,) = (op for op in flow.operators if op.name == "c3")
    assert last.cycles > FINE
    depths = {stream.name: stream.depth for stream in flow.streams}
    assert depths["c2_copy1"] >= words and made.fifo_depths["c2_copy1"] >= words


def test_merged_steps_of_a_join_read_its_parts_one_after_the_other() -> None:
    flow = expand(design(doubling(1024, 4), [1]))
    assert Simulator(flow, limit=64).run().stuck == Simulator(flow, limit=UNMERGED).run().stuck
    (last,) = (op for op in flow.operators if op.name == "c3")
    steps = last.steps(64)
    first, second = (np.diff(reads, prepend=0) for reads in steps.reads)
    assert len(steps.cycles) == 64 and not np.any((first > 0) & (second > 0))


@pytest.mark.slow
def test_a_design_too_large_for_that_is_no_slower_than_stated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whole, "MOST_STEPS", 0)
    monkeypatch.setattr(whole, "FINE", 200)
    for residual in (False, True):
        made = with_fifos(design(separable(residual=residual), [1, 8, 2]))
        truth, stated = word_by_word(made), estimate_stream(made)
        assert truth.stuck == ()
        assert truth.interval <= 1.005 * stated.interval_cycles.value


def test_runs_of_the_same_depths_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = design(separable(6), [1])
    first = whole.Whole(expand(made)).run({"x": 2})
    monkeypatch.setattr(Simulator, "run", None)
    assert whole.Whole(expand(made)).run({}) is first
