"""Streaming estimates: against implemented FINN nodes, sums, formulas, timing of small designs."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.estimate.memory import fifo_words_terms, rom_terms
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.operators.window import Window
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.engines.stream.timing.pipelines import HLS_STAGES
from fpgacomp.engines.stream.timing.run import Simulator, first_frame, latency_cycles
from fpgacomp.engines.stream.timing.steps import UNMERGED
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Conv, Dense, Input, Tensor
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.results.estimate import Estimate

PYNQ, ZCU = load_board("pynq-z2"), load_board("zcu104")


def dense(bits: int = 2, width: int = 64, outputs: int = 64, in_bits: int = 2) -> Graph:
    x = Input(name="x", output=Tensor("x", (width,), IntType(0, (1 << in_bits) - 1)))
    top = (1 << (bits - 1)) - 1
    weight = np.random.default_rng(0).integers(-top, top + 1, size=(width, outputs))
    weight[0, :2] = (-top, top)
    layer = with_output(
        Dense(name="fc", output=unknown_output("fc"), input=x.output, weight=Ints(weight))
    )
    return Graph("net", (x, layer), (layer.output,))


def convolution(size: int = 10, channels: int = 4) -> Graph:
    x = Input(name="x", output=Tensor("x", (size, size, channels), IntType(0, 3)))
    weight = Ints(np.random.default_rng(0).integers(-1, 2, size=(3, 3, channels, 8)))
    layer = with_output(
        Conv(name="c", output=unknown_output("c"), input=x.output, weight=weight, strides=(1, 1),
             dilations=(1, 1), pads=((0, 0), (0, 0)))
    )  # fmt: skip
    return Graph("net", (x, layer), (layer.output,))


def design(graph: Graph, folding: StreamFolding, **changes: object) -> StreamDesign:
    name = graph.layers[-1].name
    made = StreamDesign(graph=graph, board=PYNQ, clock_mhz=100, folding={name: folding})
    return replace(made, **changes)  # type: ignore[arg-type]


def figures(graph: Graph, folding: StreamFolding, **changes: object) -> Estimate:
    return estimate_stream(design(graph, folding, **changes))


# ---------------------------------------------------------------- formulas


def test_dsp_blocks_take_as_many_products_as_their_ports_allow() -> None:
    """facts: w2a8 PE 4 SIMD 16 was synthesized to 32 DSPs, FINN's own estimate says 16."""
    graph = dense(bits=2, in_bits=8)
    folding = StreamFolding(4, 16, arithmetic="dsp")
    assert figures(graph, folding).dsp.value == 32
    assert ceil(4 / (1 + (25 - 2) // (2 + 8 - 1))) * 16 == 32  # the lanes of mvu.sv
    narrow = dense(bits=3, in_bits=3)
    less = figures(narrow, folding, board=ZCU).dsp.value
    assert (
        less <= figures(narrow, folding).dsp.value < figures(dense(4, in_bits=8), folding).dsp.value
    )


def test_one_bit_is_gates_in_any_arithmetic() -> None:
    x = Input(name="x", output=Tensor("x", (16,), IntType(-1, 1, bipolar=True)))
    weight = Ints(np.random.default_rng(0).choice([-1, 1], size=(16, 8)))
    layer = with_output(
        Dense(name="fc", output=unknown_output("fc"), input=x.output, weight=weight)
    )
    graph = Graph("net", (x, layer), (layer.output,))
    assert figures(graph, StreamFolding(8, 16, arithmetic="dsp")).dsp.value == 0


@pytest.mark.parametrize(
    ("width", "depth", "blocks"),
    [(56, 896, 4), (8, 512, 1), (3584, 14, 100), (7168, 14, 200), (36, 512, 1), (1, 16384, 1)],
)
def test_block_ram_by_its_ports(width: int, depth: int, blocks: int) -> None:
    """The first four are weight memories of implemented TFC networks (finn_nodes.csv)."""
    assert rom_terms(width, depth, "bram")["bram18"] == {"rom": blocks}
    assert rom_terms(width, depth, "lutram")["lut"] == {"rom": width * ceil(depth / 64)}


def test_a_single_row_of_weights_is_wires() -> None:
    assert rom_terms(100, 1, "bram") == rom_terms(100, 1, "lutram")
    assert not any(rom_terms(100, 1, "bram").values())


def test_memory_and_arithmetic_move_resources() -> None:
    graph = dense(bits=4, width=256, outputs=64, in_bits=8)
    lut = figures(graph, StreamFolding(4, 8, "lutram", "lut"))
    bram = figures(graph, StreamFolding(4, 8, "bram", "lut"))
    dsp = figures(graph, StreamFolding(4, 8, "lutram", "dsp"))
    assert lut.bram18.value == 0 < bram.bram18.value and bram.lut.value < lut.lut.value
    assert lut.dsp.value == 0 < dsp.dsp.value and dsp.lut.value < lut.lut.value


def test_deep_fifos_go_to_block_ram_and_are_counted() -> None:
    bits = Stream("s", IntType(0, 255), 4, 1000).bits
    assert fifo_words_terms(bits, 2)["bram18"] == {}
    assert fifo_words_terms(bits, 16)["bram18"] == {}
    assert fifo_words_terms(bits, 1024)["bram18"] == {"fifo": 2}
    graph = dense()
    deep = figures(graph, StreamFolding(4, 4), fifo_depths={"x": 1024})
    assert deep.bram18.value == figures(graph, StreamFolding(4, 4)).bram18.value + 1


def test_layers_and_plumbing_add_up() -> None:
    found = figures(convolution(), StreamFolding(2, 4))
    for name in RESOURCE_FIELDS:
        total = found.resources[name]
        layers = [layer.resources[name] for layer in found.layers.values()]
        assert sum(figure.value for figure in layers) <= total.value + 1e-9
        assert total.low <= total.value <= total.high
    assert set(found.layers) == {"x", "c"} and found.stage == "logic_synth"


# ---------------------------------------------------------------- timing


@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (2, 4), (8, 4), (8, 36)])
def test_interval_is_the_slowest_operator_and_steps_add_up(pe: int, simd: int) -> None:
    made = design(convolution(), StreamFolding(pe, simd))
    flow = expand(made)
    assert estimate_stream(made).interval_cycles.value == max(op.cycles for op in flow.operators)
    for operator in flow.operators:
        for limit in (1, 100, 10**9):
            steps = operator.steps(limit)
            assert steps.cycles.sum() == operator.cycles
            for stream, words in zip(
                operator.inputs + operator.outputs, steps.reads + steps.writes
            ):
                assert words[-1] == stream.words and (np.diff(words) >= 0).all()


def test_first_frame_of_a_dense_layer() -> None:
    """16 beats of four in, and the first of 16 rows of 16 cycles along with it."""
    flow = expand(design(dense(), StreamFolding(4, 4)))
    matrix = next(op for op in flow.operators if isinstance(op, MatrixVector))
    # The last word comes after 16 cycles and a pipeline; the first row ends with it, 15 rows of
    # 16 cycles follow; the last four elements leave one after the other.
    rows = matrix.weight.shape[1] // 4 - 1
    expected = 16 + HLS_STAGES + 1 + rows * 16
    assert expected <= latency_cycles(flow) <= expected + 4 + 4 * HLS_STAGES


def test_first_frame_of_a_convolution_overlaps_its_window() -> None:
    """The window fills while the frame comes in: far less than the sum over operators."""
    flow = expand(design(convolution(), StreamFolding(8, 4)))
    total = sum(op.cycles for op in flow.operators)
    window = next(op for op in flow.operators if isinstance(op, Window))
    assert window.cycles <= latency_cycles(flow) <= window.cycles + 60 < 0.6 * total


@pytest.mark.parametrize("limit", [1, 100, UNMERGED])
def test_an_operator_runs_from_its_first_word_and_no_shorter_than_it_is_busy(limit: int) -> None:
    """A frame that is one step for the model has all its cycles between first and last word."""
    for graph, folding in ((dense(), StreamFolding(4, 4)), (convolution(), StreamFolding(8, 4))):
        flow = expand(design(graph, folding))
        times, exact = first_frame(flow, limit), first_frame(flow, UNMERGED)
        for operator in flow.operators:
            begun, ended = times[operator.name]
            assert ended - begun >= operator.cycles
            assert 0 <= begun <= exact[operator.name][1]
        source = next(op for op in flow.operators if isinstance(op, Source))
        (reader,) = (op for op in flow.operators if source.outputs[0] in op.inputs)
        assert exact[source.name][0] == 0
        assert exact[reader.name][0] == 1 + HLS_STAGES  # not when the whole frame is read


def test_no_layer_spans_less_than_its_interval() -> None:
    found = figures(dense(width=4096, outputs=8), StreamFolding(1, 2))
    for layer in found.layers.values():
        assert layer.cycles.value >= layer.interval.value
        assert (
            layer.start is None or layer.start + layer.interval.value <= found.latency_cycles.value
        )


def test_unbounded_fifos_give_the_first_frame_of_the_simulation() -> None:
    for folding in (StreamFolding(1, 1), StreamFolding(2, 4), StreamFolding(8, 4)):
        flow = expand(design(convolution(), folding))
        run = Simulator(flow).run({s.name: float("inf") for s in flow.streams})
        assert run.finish[0] == latency_cycles(flow)
        assert run.interval == max(op.cycles for op in flow.operators)


def test_merged_steps_are_near_to_exact_ones() -> None:
    flow = expand(design(convolution(), StreamFolding(2, 4)))
    exact = Simulator(flow, limit=10**9).run()
    merged = Simulator(flow, limit=100).run()
    assert merged.finish[-1] == pytest.approx(exact.finish[-1], rel=0.1)
