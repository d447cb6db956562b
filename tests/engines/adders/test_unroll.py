"""A network as one circuit: every integer of every layer, and every wire within its range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.adders.estimate import estimate_adders
from fpgacomp.engines.adders.unroll import MOST_ADDITIONS, additions, refusals, unroll
from fpgacomp.engines.shared.circuit.evaluate import every_wire
from fpgacomp.engines.shared.circuit.nodes import Circuit, Constant, reads
from fpgacomp.engines.shared.circuit.schedule import levels_of, schedule
from fpgacomp.engines.shared.circuit.solve import INSTALL, installed
from fpgacomp.errors import FpgacompError
from fpgacomp.frontend import read_network
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Requantize, Rounding
from fpgacomp.ir.types import Ints
from fpgacomp.lower import lower
from fpgacomp.results.estimate import Estimate
from tests.support import builders
from tests.support.random_networks import random_network

SAMPLES = 60


@pytest.fixture(autouse=True)
def _alkaid() -> None:
    if not installed():
        pytest.skip(f"alkaid is not installed ({INSTALL})")


def hold(graph: Graph) -> None:
    """Compare every element of every tensor, and every wire with its range."""
    for ternary in (False, True):
        hold_circuit(graph, unroll(graph, ternary=ternary))


def hold_circuit(graph: Graph, circuit: Circuit) -> None:
    values = interpreter.run(graph, builders.inputs(graph, SAMPLES))
    words = np.concatenate(
        [values[layer.output.name].reshape(SAMPLES, -1) for layer in graph.inputs], axis=1
    )
    wires = every_wire(circuit, words)
    for layer in graph.layers:
        name = layer.output.name
        found = np.stack([wires[wire] for wire in circuit.taps[name]], axis=1)
        assert np.array_equal(found.reshape(values[name].shape), values[name]), name
    for wire, (found, (lo, hi)) in enumerate(zip(wires, circuit.ranges, strict=True)):
        assert lo <= found.min() and found.max() <= hi, circuit.nodes[wire]


@pytest.mark.slow
@pytest.mark.parametrize(
    "graph",
    [builders.mlp(), builders.cnn(), builders.windows(1), builders.windows(2), builders.labels(),
     builders.activations(), builders.traps()],
    ids=lambda graph: graph.name,
)  # fmt: skip
def test_every_layer_is_exact(graph: Graph) -> None:
    hold(graph)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_random_networks_are_exact(seed: int) -> None:
    try:
        graph = lower(read_network(random_network(np.random.default_rng(9000 + seed)))).graph
    except FpgacompError:
        pytest.skip("this draw is a network that is refused, which other tests look at")
    hold(graph)


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("zero_point", [0, 5])
@pytest.mark.parametrize(("multiplier", "reach"), [(1, 127), (37, 127), (-11, 7), (3, 1)])
def test_requantize_rounds_as_the_oracle_does(
    rounding: Rounding, zero_point: int, multiplier: int, reach: int
) -> None:
    """Thresholds for a few output levels, additions for many; ties are among the inputs."""
    graph = builders.mlp()
    first = next(layer for layer in graph.layers if isinstance(layer, Requantize))
    changed = replace(
        first, multiplier=Ints([multiplier]), offset=Ints([3]), shift=4, lo=-reach, hi=reach,
        zero_point=zero_point, rounding=rounding,
    )  # fmt: skip
    own = builders.GraphBuilder("rounding")
    x = own.input("x", (4,), -90, 91)
    out = own.add(replace(changed, name="act", input=x, output=replace(first.output, name="act")))
    hold(own.graph(out))


@pytest.mark.slow
def test_a_schedule_reads_what_is_there() -> None:
    circuit = unroll(builders.cnn(), ternary=True)
    for levels in (1, 3, 50):
        plan = schedule(circuit, levels)
        depth = [0] * len(circuit.nodes)
        for wire, node in enumerate(circuit.nodes):
            for source in reads(node):
                if isinstance(circuit.nodes[source], Constant):
                    continue
                assert plan.stage[source] <= plan.stage[wire] <= plan.last[source]
                if plan.stage[source] == plan.stage[wire]:
                    depth[wire] = max(depth[wire], depth[source])
            depth[wire] += min(levels_of(node), levels)
        assert max(depth) <= levels
        assert plan.stages >= -(-plan.depth // levels)


def test_fewer_levels_between_registers_take_more_stages_and_more_registers() -> None:
    circuit = unroll(builders.mlp(), ternary=False)
    plans = [schedule(circuit, levels) for levels in (1, 2, 4, 100)]
    assert [plan.stages for plan in plans] == sorted((p.stages for p in plans), reverse=True)
    assert [plan.registers for plan in plans] == sorted((p.registers for p in plans), reverse=True)
    assert plans[-1].stages == 1


def test_what_cannot_be_one_circuit_is_refused_with_a_way_out() -> None:
    several = list(refusals(builders.labels()))
    assert {word for error in several for word in ("inputs", "outputs") if word in error.why} == {
        "inputs", "outputs",
    }  # fmt: skip
    assert all("--backend stream" in error.fix for error in several)
    assert not list(refusals(builders.cnn()))
    large = builders.GraphBuilder("large")
    x = large.input("x", (60, 60, 8), 0, 3)
    graph = large.graph(large.conv("c", x, 16, (3, 3)))
    assert additions(graph) > MOST_ADDITIONS
    (error,) = refusals(graph)
    assert f"{MOST_ADDITIONS:,}" in error.why


def test_tables_and_thresholds_count_by_their_size() -> None:
    """What is written for them grows with it, too."""
    own = builders.GraphBuilder("tables")
    x = own.input("x", (64,), -(1 << 14), (1 << 14) - 1)
    looked_up = own.graph(own.lookup("l", x, per_channel=False))
    assert additions(looked_up) == 64 + 64 * (1 << 15) // 16  # with the wires of the input
    own = builders.GraphBuilder("levels")
    x = own.input("x", (64,), -500, 500)
    assert additions(own.graph(own.thresholds("t", x, 200))) == 64 + 64 * 200
    own = builders.GraphBuilder("many")
    x = own.input("x", (128,), -(1 << 14), (1 << 14) - 1)
    assert list(refusals(own.graph(own.lookup("l", x, per_channel=False))))


def test_what_is_wires_alone_is_bounded_too() -> None:
    """An upsampled image has no addition, and millions of wires that its ports would carry."""
    b = builders.GraphBuilder()
    graph = b.graph(b.upsample("u", b.input("x", (64, 64, 1), 0, 15), (24, 24)))
    (error,) = refusals(graph)
    assert f"{64 * 64 * 577:,} additions" in error.why


def test_what_no_output_reads_is_not_counted() -> None:
    """A pool that leaves out the last position leaves out the additions in front of it."""

    def counted(positions: int) -> Estimate:
        net = builders.GraphBuilder("rest")
        x = net.input("x", (positions, 4), 0, 7)
        graph = net.graph(net.maxpool("p", net.conv("c", x, 5, (1,)), (2,)))
        design = AdderDesign(graph=graph, board=builders.BOARD, clock_mhz=100.0, levels=3,
                             lanes_in=4, lanes_out=5)  # fmt: skip
        return estimate_adders(design)

    even, odd = counted(4).layers["c"].resources, counted(5).layers["c"].resources
    assert odd.lut == even.lut and even.lut.value > 0


@pytest.mark.parametrize("seed", range(12))
def test_no_layer_begins_before_those_that_it_reads(seed: int) -> None:
    """Constants of a layer, which are there from the first stage on, are not its beginning."""
    network = random_network(np.random.default_rng(seed), size=4)
    try:
        graph = lower(read_network(network)).graph
        if len(graph.inputs) + len(graph.outputs) > 2:
            pytest.skip("this draw has several ports")
        design = AdderDesign(graph=graph, board=builders.BOARD, clock_mhz=100.0, levels=1,
                             lanes_in=1, lanes_out=1)  # fmt: skip
        layers = estimate_adders(design).layers
    except FpgacompError:
        pytest.skip("this draw is none for the adders engine")
    makers = {layer.output.name: layer.name for layer in graph.layers}
    for layer in graph.layers:
        for tensor in layer.inputs:
            before = layers[makers[tensor.name]].start
            assert layers[layer.name].start >= before, (layer.name, tensor.name)
