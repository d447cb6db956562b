"""The emitted SystemVerilog equals the oracle on every integer of every layer, whatever pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.engines.shared.csim import CsimResult
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.fold.fifos import with_fifos
from fpgacomp.engines.stream.fold.rtl_fifos import rtl_dataflow
from fpgacomp.engines.stream.rtl.simulate import Fault, Pauses, Stimulus, simulate_batches
from fpgacomp.engines.stream.timing.least import least_depths
from fpgacomp.engines.stream.timing.pipelines import Pipelines
from fpgacomp.engines.stream.timing.run import FINE, Simulator
from fpgacomp.errors import ToolError
from fpgacomp.evidence.compare import compare
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.layers import Dense, Input, Tensor
from fpgacomp.ir.types import BIPOLAR, IntArray, Ints, IntType
from fpgacomp.ir.verify import verify
from tests.engines.hls4ml.csim.test_random import RandomGraph
from tests.support import builders, stream_networks
from tests.support import stream_designs as sd
from tests.support.depth import deep

FRAMES = 4
pytestmark = pytest.mark.slow  # g++ takes some ten seconds for each design


@pytest.fixture(autouse=True)
def _verilator() -> None:
    try:
        find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))


def random_inputs(graph: Graph, seed: int = 7) -> dict[str, IntArray]:
    """Frames that differ from each other and within themselves, so that no shift goes unseen."""
    given = builders.inputs(graph, FRAMES + 2, seed)
    return {name: values[2:] for name, values in given.items()}


def runs(
    made: StreamDesign, workdir: Path, *stimuli: Stimulus
) -> list[tuple[Mapping[str, IntArray], CsimResult]]:
    """(what the oracle gives, what the RTL gives) for each stimulus."""
    given = random_inputs(made.graph)
    expected = interpreter.run(made.graph, given)
    project = STREAM.emit(made, {name: values[:1] for name, values in expected.items()}).project
    found = []
    for stimulus in stimuli:
        folder = workdir / f"{stimulus.pauses}_{stimulus.fault}_{len(found)}"
        folder.mkdir(parents=True)
        run = next(
            simulate_batches(
                project, made.graph, [given], verilator=find_verilator(),
                compiler=find_compiler(), workdir=folder, stimulus=stimulus,
            )
        )  # fmt: skip
        found.append((expected, run))
    return found


def check(made: StreamDesign, workdir: Path) -> None:
    """Every integer is right under every kind of pauses, and the cycles are the model's."""
    every = sum(layer.output.size for layer in made.graph.layers)
    stimuli = [Stimulus(pauses) for pauses in get_args(Pauses)]
    for stimulus, (expected, run) in zip(stimuli, runs(made, workdir, *stimuli)):
        outcome = compare(expected, run.values, made.graph)
        assert (outcome.mismatches, outcome.integers) == (0, every), (stimulus, outcome.first)
        if stimulus.pauses == "none":
            assert run.measured is not None
            simulator = simulator_of(made)
            modelled, quick = simulator.run_exact(), simulator.run()
            assert cycles(run) == (modelled.finish[0], modelled.interval)
            assert cycles(run) == (
                pytest.approx(quick.finish[0], rel=0.02),
                pytest.approx(quick.interval, rel=0.01),
            )


def cycles(run: CsimResult) -> tuple[int, int | None]:
    """(latency, interval) that were measured."""
    assert run.measured is not None
    return run.measured.latency_cycles, run.measured.interval_cycles


def simulator_of(made: StreamDesign) -> Simulator:
    """The model of the SystemVerilog, for as many frames."""
    flow = rtl_dataflow(made)
    pipelines = Pipelines.rtl(flow, made.board.device.wide_port_bits)
    return Simulator(flow, frames=FRAMES, limit=FINE, pipelines=pipelines)


def test_sums_depthwise_strides_and_branches(tmp_path: Path) -> None:
    check(with_fifos(sd.design(verify(stream_networks.residual().graph()), 1, most=8)), tmp_path)


def test_concat_upsample_lookup_and_padded_pools(tmp_path: Path) -> None:
    network = stream_networks.unet()
    outputs = network.graph_outputs  # type: ignore[attr-defined]
    check(with_fifos(sd.design(verify(network.graph(*outputs)), 2, most=8)), tmp_path)


def test_folds_of_equal_pace_behind_shallow_fifos(tmp_path: Path) -> None:
    """FIFOs of two words, so that modules stop each other with gaps in their pipelines."""
    made = sd.design(builders.cnn(), 13, most=16)
    tried = Stimulus(depths={stream.name: 2 for stream in rtl_dataflow(made).streams})
    ((_, run),) = runs(made, tmp_path, tried)
    modelled = simulator_of(made).run_exact(tried.depths)
    assert cycles(run) == (modelled.finish[0], modelled.interval)


def test_bipolar_products_and_one_axis(tmp_path: Path) -> None:
    graph = sd.merged(stream_networks.binary().graph(), stream_networks.sequence().graph())
    check(with_fifos(sd.design(graph, 3, most=8)), tmp_path)


def _matrix(seed: int) -> Graph:
    """A product of a vector of any length with random weights, some of them of narrow ranges."""
    rng = np.random.default_rng(seed)
    n_in, n_out = int(rng.integers(1, 40)), int(rng.integers(1, 5))
    low, high = ((-1, 1), (-1, 1), (-3, 3), (-8, 7), (0, 2), (-5, -1))[rng.integers(6)]
    kind = (BIPOLAR, IntType(0, 3), IntType(0, 9), IntType(-8, 7), IntType(-3, 0))[rng.integers(5)]
    weight = rng.integers(low, high + 1, (n_in, n_out))
    if kind.bipolar or rng.random() < 0.2:
        weight = rng.choice([-1, 1], (n_in, n_out))
    x = Tensor("x", (2, n_in), kind)
    layer = with_output(
        Dense(name="y", output=unknown_output("y"), input=x, weight=Ints(weight))
    )  # fmt: skip
    return verify(Graph("matrix", (Input(name="x", output=x), layer), (layer.output,)))


@pytest.mark.parametrize("board", ["pynq-z2", deep("ulx3s-85f")])
def test_sums_of_random_products(board: str, tmp_path: Path) -> None:
    """Boards whose LUTs add three numbers, and those whose LUTs add two.

    Beside them a convolution whose first row is padding alone, so that it begins a frame more than
    it is sent while others are busy.
    """
    b = builders.GraphBuilder()
    x = b.input("x", (3, 3, 1), 0, 3)
    padded = b.graph(b.conv("conv", x, 1, (1, 1), pads=((1, 1), (1, 1))))
    made = sd.design(sd.merged(*map(_matrix, range(24)), padded), 11, most=160)
    device = load_board(board).device
    made = replace(made, board=replace(made.board, device=device))
    wide = [one for one in made.folding.values() if one.simd > 9]
    assert len(wide) > 5 and device.ternary_adders == (board == "pynq-z2")
    ((expected, run),) = runs(made, tmp_path, Stimulus())
    outcome = compare(expected, run.values, made.graph)
    every = sum(layer.output.size for layer in made.graph.layers)
    assert (outcome.mismatches, outcome.integers) == (0, every), outcome.first


def test_random_graphs(tmp_path: Path) -> None:
    graph = sd.merged(RandomGraph(4).finished(), RandomGraph(5).finished())
    check(with_fifos(sd.design(graph, 5, most=8)), tmp_path)


def test_a_short_a_long_and_an_interrupted_frame(tmp_path: Path) -> None:
    made = with_fifos(sd.design(builders.mlp(), 0, most=2))
    stimuli = [Stimulus("both", fault=fault, frame=1) for fault in get_args(Fault)[1:]]
    for stimulus, (expected, run) in zip(stimuli, runs(made, tmp_path, *stimuli)):
        # The frame itself is lost when it is short; each frame behind it is right.
        right = [n for n in range(FRAMES) if stimulus.fault != "short" or n != stimulus.frame]
        for tensor in made.graph.outputs:
            found, wanted = run.values[tensor.name][right], expected[tensor.name][right]
            assert np.array_equal(found, wanted), stimulus


def test_a_skip_fifo_one_word_too_short_gets_stuck_in_the_model_and_in_rtl(tmp_path: Path) -> None:
    made = with_fifos(sd.design(skip_network(), 0, most=4))
    depths = {stream.name: stream.depth for stream in rtl_dataflow(made).streams}
    (copy,) = (name for name in depths if "copy1" in name)
    simulator = simulator_of(made)
    least = next(n for n in range(2, 99) if not simulator.run_exact({copy: n}).stuck)
    assert simulator.run({copy: least - 1}).stuck and not simulator.run({copy: least}).stuck
    assert least == least_depths(rtl_dataflow(made), simulator.pipelines, {})[copy]
    assert 2 < least < depths[copy] < made.fifo_depths[copy]
    tried = [Stimulus(depths={copy: n}) for n in (least, least + 1, depths[copy])]
    for stimulus, (_, run) in zip(tried, runs(made, tmp_path, *tried)):
        modelled = simulator.run_exact(stimulus.depths)
        assert cycles(run) == (modelled.finish[0], modelled.interval)
    for pauses in get_args(Pauses):
        short = Stimulus(pauses, depths={copy: least - 1}, patience=20_000)
        with pytest.raises(ToolError, match="got stuck after"):
            runs(made, tmp_path / "stuck", short)


def skip_network() -> Graph:
    """An image beside two convolutions of itself, added."""
    b = builders.GraphBuilder("skip")
    x = b.input("x", (6, 6, 2), 0, 7)
    around = ((1, 1), (1, 1))
    inner = b.requantize("act1", b.conv("conv1", x, 2, (3, 3), pads=around), 0, 7)
    outer = b.requantize("act2", b.conv("conv2", inner, 2, (3, 3), pads=around), 0, 7)
    return b.graph(b.add_two("sum", x, outer))
