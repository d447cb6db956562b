"""C++ and SystemVerilog of unrolled networks: every integer, every pause, every cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.adders.engine import ADDERS
from fpgacomp.engines.engine import Emitted, Goal
from fpgacomp.engines.shared.circuit.solve import INSTALL, installed
from fpgacomp.engines.shared.csim import CsimResult
from fpgacomp.engines.stream.rtl.simulate import Pauses, Stimulus, simulate_batches
from fpgacomp.errors import ToolError
from fpgacomp.evidence.compare import compare
from fpgacomp.frontend import read_network
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.lower import lower
from fpgacomp.results.target import Target
from tests.support import builders
from tests.support.depth import deep
from tests.support.random_networks import random_network

FRAMES = 40
pytestmark = pytest.mark.slow  # g++ takes some ten seconds for each design


@pytest.fixture(autouse=True)
def _tools() -> None:
    if not installed():
        pytest.skip(f"alkaid is not installed ({INSTALL})")
    try:
        find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))


def random_graph(seed: int) -> Graph:
    return lower(read_network(random_network(np.random.default_rng(seed)))).graph


def bipolar() -> Graph:
    """One bit of {-1, +1} at the input, inside and at the output."""
    own = builders.GraphBuilder("bipolar")
    x = own.input("x", (12,), -1, 1, bipolar=True)
    hidden = own.thresholds("act", own.dense("d", x, 7, -1, 1), 1, base=-1, step=2)
    last = own.dense("e", hidden, 5, -3, 3)
    return own.graph(own.thresholds("sign", last, 1, base=-1, step=2))


def designed(graph: Graph, clock_mhz: float = 100.0) -> tuple[AdderDesign, Emitted]:
    goal = Goal(board=builders.BOARD, clock_mhz=clock_mhz, target=Target())
    design = ADDERS.fold(graph, goal).design
    values = interpreter.run(graph, builders.inputs(graph, 2))
    return design, ADDERS.emit(design, values)


def hold(graph: Graph, run: CsimResult) -> None:
    expected = interpreter.run(graph, builders.inputs(graph, FRAMES))
    found = compare(expected, run.values, graph)
    assert found.mismatches == 0, found.first
    assert found.integers == sum(layer.output.size for layer in graph.layers)


@pytest.mark.parametrize(
    "graph", [bipolar(), deep(random_graph(9010)), random_graph(9025)],
    ids=["bipolar", "lookup_add_concat", "conv_maxpool_requantize"],
)  # fmt: skip
def test_all_levels_are_exact(graph: Graph, tmp_path: Path) -> None:
    design, emitted = designed(graph)
    given = builders.inputs(graph, FRAMES)
    for level in ("c", "hls"):
        folder = tmp_path / level
        folder.mkdir()
        (run,) = ADDERS.simulate(emitted, [given], level, compiler=find_compiler(), workdir=folder)
        hold(graph, run)
    every: tuple[Pauses, ...] = ("none", "inputs", "outputs", "both")
    for pauses in every:
        folder = tmp_path / pauses
        folder.mkdir()
        (run,) = simulate_batches(
            emitted.project, graph, [given], verilator=find_verilator(),
            compiler=find_compiler(), workdir=folder, stimulus=Stimulus(pauses=pauses),
        )  # fmt: skip
        hold(graph, run)
        if pauses == "none":
            assert run.measured is not None
            figures = ADDERS.fold(graph, Goal(board=design.board, clock_mhz=100.0,
                                              target=Target())).estimate  # fmt: skip
            assert run.measured.latency_cycles == figures.latency_cycles.value
            assert run.measured.interval_cycles == figures.interval_cycles.value


def test_a_reset_in_the_middle_of_a_frame_loses_that_frame_alone(tmp_path: Path) -> None:
    graph = builders.mlp()
    _, emitted = designed(graph, clock_mhz=400.0)
    (run,) = simulate_batches(
        emitted.project, graph, [builders.inputs(graph, FRAMES)], verilator=find_verilator(),
        compiler=find_compiler(), workdir=tmp_path, stimulus=Stimulus(fault="reset", frame=5),
    )  # fmt: skip
    outputs = {tensor.name for tensor in graph.outputs}
    expected = interpreter.run(graph, builders.inputs(graph, FRAMES))
    for name in outputs:
        assert np.array_equal(run.values[name], expected[name])


def test_the_same_network_gives_the_same_bytes() -> None:
    first, second = (designed(builders.mlp())[1].project.files for _ in range(2))
    assert first == second
