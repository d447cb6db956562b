"""Ports that a DMA takes: widths, frames that do not fill their last beat, frames cut short."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from fpgacomp.engines.stream.csim import simulate_batches
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.emit.project import emit_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.fold.fifos import with_fifos
from fpgacomp.engines.stream.fold.rtl_fifos import rtl_dataflow
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.ports import RESTART, WIDEST, input_port, output_port, pace_of
from fpgacomp.engines.stream.rtl.simulate import Fault, Pauses, Stimulus
from fpgacomp.engines.stream.streams import Stream, container_bits
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.run import Simulator
from fpgacomp.engines.stream.timing.steps import UNMERGED
from fpgacomp.errors import ToolError
from fpgacomp.evidence.compare import compare
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.types import BIPOLAR, IntType
from tests.engines.stream.rtl.test_simulation import FRAMES, random_inputs, runs
from tests.support import builders
from tests.support import stream_designs as sd
from tests.support.depth import draws

U8, U16, U32 = (IntType.of_bits(bits, signed=False) for bits in (8, 16, 32))


@pytest.mark.parametrize(
    ("shape", "kind", "pace", "reader", "lanes"),
    [
        ((784,), U8, 784, 1, 1),  # an element a beat keeps the pace
        ((784,), U8, 783, 0, 2),
        ((784,), U8, 98, 0, 8),
        ((784,), U8, 1, 0, 16),  # the widest port, which does not keep it
        ((784,), U16, 1, 0, 8),
        ((784,), U32, 1, 0, 4),
        ((784,), IntType.of_bits(33, signed=True), 1, 0, 2),
        ((784,), BIPOLAR, 1, 0, 16),
        ((32, 32, 3), U8, 3072, 3, 1),  # words of three elements are no port
        ((32, 32, 3), U8, 1024, 3, 4),
        ((10,), U8, 1, 10, 16),  # ten elements are one beat of 16
        ((3,), U16, 1, 0, 4),  # and three one of four: more would carry nothing
        ((784,), U8, 784, 4, 4),  # the neighbour's words, up to 32 bits
        ((784,), U8, 784, 8, 1),  # beyond these the narrowest
        ((784,), U8, 392, 1, 2),  # not those of a neighbour that are too narrow
        ((784,), U16, 784, 2, 2),
    ],
)
def test_a_port_is_as_narrow_as_the_pace_allows(
    shape: tuple[int, ...], kind: IntType, pace: int, reader: int, lanes: int
) -> None:
    tensor = Tensor("x", shape, kind)
    assert input_port(tensor, pace + RESTART, reader) == lanes


@pytest.mark.parametrize(
    ("size", "kind", "pace", "writer", "lanes"),
    [
        (10, U16, 10, 1, 1),
        (10, U16, 10, 10, 2),  # as much of the writer's words as 32 bits hold
        (10, U8, 10, 10, 2),
        (12, U8, 12, 12, 4),
        (10, U16, 9, 10, 2),
        (10, U16, 10, 2, 2),  # the writer's words, up to 32 bits
        (10, U16, 10, 5, 1),
        (10, U16, 2, 5, 4),  # none keeps the pace: with eight a converter takes three cycles, too
        (10, U16, 1, 10, 8),
        (9, U8, 4, 3, 4),
        (9, U8, 3, 3, 16),  # from words of three a converter to beats of four takes four cycles
    ],
)
def test_an_output_is_as_narrow_as_the_pace_allows_its_converter(
    size: int, kind: IntType, pace: int, writer: int, lanes: int
) -> None:
    assert output_port(Tensor("y", (size,), kind), pace, writer) == lanes


def ports(made: StreamDesign) -> Iterator[tuple[Stream, Tensor]]:
    """The stream beside each port, with its tensor."""
    tensors = {layer.output.name: layer.output for layer in made.graph.layers}
    inputs = iter(made.graph.inputs)
    for operator in expand(made).operators:
        if isinstance(operator, Source):
            yield operator.output, next(inputs).output
        elif isinstance(operator, Sink):
            yield operator.input, tensors[operator.name.removesuffix("_sink")]


def odd_graph(seed: int) -> Graph:
    """Networks of one layer on vectors of any length and width; one input is an output, too."""
    rng = np.random.default_rng(seed)
    return sd.merged(*(odd_network(rng, number) for number in range(5)))


def odd_network(rng: np.random.Generator, number: int) -> Graph:
    b = builders.GraphBuilder(f"odd{number}")
    bits = int(rng.integers(1, 33))
    kind = BIPOLAR if number == 0 else IntType.of_bits(bits, signed=bits > 1 and bool(number % 2))
    x = b.input("x", (int(rng.integers(1, 60)),), kind.lo, kind.hi, bipolar=kind.bipolar)
    if number == 1:
        other = b.input("other", x.shape, -5, 5)
        return b.graph(b.add_two("sum", x, other), x)
    return b.graph(b.dense("fc", x, int(rng.integers(1, 30))))


def odd_design(seed: int) -> StreamDesign:
    made = sd.design(odd_graph(seed), seed)
    # Unfolded but for one layer, so that ports are wide.
    folding = {
        layer.name: StreamFolding(layer.output.channels, layer.weight.shape[0])
        for layer in made.graph.layers
        if hasattr(layer, "weight") and layer.name != "g4_fc"
    }
    return with_fifos(sd.replace(made, folding={**made.folding, **folding}))


@pytest.mark.parametrize("seed", range(20))
def test_every_port_is_a_power_of_two_of_bytes_and_none_slows_the_design(seed: int) -> None:
    made = sd.design(odd_graph(seed), seed)
    flow = expand(made)
    pace = pace_of(flow.operators)
    inputs = {op.output.name for op in flow.operators if isinstance(op, Source)}
    for stream, tensor in ports(made):
        bits = stream.lanes * container_bits(stream.type)
        assert bits in (8, 16, 32, 64, 128) and stream.elements == tensor.size
        assert 0 <= stream.filling < stream.lanes
        restart = RESTART if stream.name in inputs else 0
        assert stream.words + restart <= pace or bits == WIDEST or stream.words == 1
    slowest = max(stream.words for stream, _ in ports(made))
    assert max(op.cycles for op in flow.operators) <= max(pace, slowest)


def test_the_interface_states_beats() -> None:
    made = odd_design(3)
    values = interpreter.run(made.graph, builders.inputs(made.graph, 2))
    interface = json.loads(emit_stream(made, values).files["hls/interface.json"])
    found = [(p["lanes"], p["beats"]) for p in (*interface["inputs"], *interface["outputs"])]
    beside = [stream for stream, _ in ports(made)]
    assert sorted(found) == sorted((stream.lanes, stream.words) for stream in beside)
    assert sum(stream.filling > 0 for stream in beside) > 2
    assert len({stream.lanes for stream in beside}) > 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(draws(1, 3)))
def test_any_layout_in_c_and_in_the_hardwares_loops(seed: int, tmp_path: Path) -> None:
    made = odd_design(seed)
    assert sd.exact(made, tmp_path)
    given = random_inputs(made.graph)
    expected = interpreter.run(made.graph, given)
    project = emit_stream(made, {name: values[:1] for name, values in expected.items()})
    (run,) = simulate_batches(
        project, made.graph, find_compiler(), [given], workdir=tmp_path, loops=True
    )
    outcome = compare(expected, run.values, made.graph)
    every = sum(layer.output.size for layer in made.graph.layers)
    assert (outcome.mismatches, outcome.integers) == (0, every), outcome.first


def need_verilator() -> None:
    try:
        find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(draws(1, 2)))
def test_any_layout_in_rtl_cycle_by_cycle(seed: int, tmp_path: Path) -> None:
    need_verilator()
    made = odd_design(seed)
    every = sum(layer.output.size for layer in made.graph.layers)
    stimuli = [Stimulus(pauses) for pauses in get_args(Pauses)]
    for stimulus, (expected, run) in zip(stimuli, runs(made, tmp_path, *stimuli)):
        outcome = compare(expected, run.values, made.graph)
        assert (outcome.mismatches, outcome.integers) == (0, every), (stimulus, outcome.first)
        if stimulus.pauses == "none":
            flow = rtl_dataflow(made)
            pipelines = Pipelines.rtl(flow, made.board.device.wide_port_bits)
            simulator = Simulator(flow, frames=FRAMES, limit=UNMERGED, pipelines=pipelines)
            modelled = simulator.run_exact()
            assert run.measured is not None
            found = run.measured.latency_cycles, run.measured.interval_cycles
            assert found == (modelled.finish[0], modelled.interval)


@pytest.mark.slow
def test_wrong_frames_of_ports_that_are_filled_up_spoil_no_other_frame(tmp_path: Path) -> None:
    need_verilator()
    b = builders.GraphBuilder("odd")
    made = sd.design(b.graph(b.dense("fc", b.input("x", (43,), -16, 15), 5)), 0)
    made = with_fifos(sd.replace(made, folding={"fc": StreamFolding(5, 43)}))
    assert [(stream.words, stream.filling) for stream, _ in ports(made)] == [(3, 5), (1, 3)]
    stimuli = [Stimulus("both", fault=fault, frame=1) for fault in get_args(Fault)[1:]]
    for stimulus, (expected, run) in zip(stimuli, runs(made, tmp_path, *stimuli)):
        right = [n for n in range(FRAMES) if stimulus.fault != "short" or n != stimulus.frame]
        assert np.array_equal(run.values["fc"][right], expected["fc"][right]), stimulus
