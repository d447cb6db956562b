"""What each engine tells of a design for the report's pictures: FIFO depths and starts."""

from __future__ import annotations

import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.registry import engine_named
from fpgacomp.results.target import Target
from tests.support import builders


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "io_type"), [("stream", None), ("hls4ml", "io_stream")])
def test_streams_have_fifos_and_layers_start_in_order(engine: str, io_type: object) -> None:
    graph = builders.cnn()
    goal = Goal(board=load_board("zcu104"), clock_mhz=100, target=Target("area"), io_type=io_type)  # type: ignore[arg-type]
    found = engine_named(engine).fold(graph, goal)
    design = found.design
    fifos = engine_named(engine).fifos(design)
    assert fifos and all(depth >= 1 for depth in fifos.values())
    assert set(fifos) <= set(design.graph.producer)
    layers = found.estimate.layers
    for layer in design.graph.layers:
        start = layers[layer.name].start
        before = [layers[design.graph.producer[t.name].name].start for t in layer.inputs]
        if start is not None:
            assert all(other is None or other <= start for other in before)
    starts = [layer.start for layer in layers.values() if layer.start is not None]
    assert starts and min(starts) >= 0
    ends = [x.start + x.cycles.value for x in layers.values() if x.start is not None]
    # The host takes the last words after the last layer has sent them.
    assert max(ends) <= found.estimate.latency_cycles.value + graph.outputs[0].size


def test_without_streams_there_are_no_fifos() -> None:
    goal = Goal(
        board=load_board("zcu104"), clock_mhz=100, target=Target("latency"), io_type="io_parallel"
    )
    found = engine_named("hls4ml").fold(builders.mlp(), goal)
    assert engine_named("hls4ml").fifos(found.design) == {}
    assert all(layer.start is not None for layer in found.estimate.layers.values())
