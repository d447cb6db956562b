"""Thresholds, Requantize and Lookup with lanes shared over time: exact at every reuse factor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.lanes import lane_reuse_factors
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Activation, Rounding
from tests.support.csim_run import builders, exact

pytestmark = pytest.mark.slow
IO_TYPES: tuple[IoType, ...] = ("io_parallel", "io_stream")


def every_form(shape: tuple[int, ...], seed: int = 0) -> Graph:
    """Each kernel with per-channel and shared parameters, steps of either sign."""
    b = builders.GraphBuilder("forms", seed)
    channels = shape[-1]
    signs = [1 if c % 3 else -1 for c in range(channels)]
    x = b.input("x", shape, -20, 20)
    y = b.input("y", shape, -3, 4)
    made = [
        b.thresholds("levels", x, 7, never=True),
        b.thresholds("levels_shared", x, 15, per_channel=False),
        b.thresholds("falling", x, 3, base=3, step=-1),
        b.thresholds("bipolar", x, 1, base=[-s for s in signs], step=[2 * s for s in signs]),
        b.thresholds("mixed", x, 5, per_channel=False, base=list(range(channels)), step=signs),
        b.thresholds("constant", x, 0, base=list(range(channels))),
        b.requantize("scaled", x, -8, 7, rounding=Rounding.ROUND, shift=3),
        b.requantize("scaled_shared", x, 0, 15, per_channel=False, negative=True, zero_point=3),
        b.lookup("table", y),
        b.lookup("table_shared", y, per_channel=False),
    ]
    return b.graph(*made)


def folded(graph: Graph, io_type: IoType, choose: Callable[[Sequence[int]], int]) -> Hls4mlDesign:
    """Every layer with lanes at the reuse factor that `choose` takes of its valid ones."""
    special = {
        layer.name: Hls4mlFolding("latency", choose(lane_reuse_factors(layer.output, io_type)))
        for layer in graph.layers
        if isinstance(layer, Activation)
    }
    return builders.design(graph, io_type, **special)


@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize("reuse_factor", [1, 2, 6, 12])
def test_vector(reuse_factor: int, io_type: IoType, tmp_path: Path) -> None:
    """12 channels: all lanes, half of them, two, one."""
    design = folded(every_form((12,)), io_type, lambda _: reuse_factor)
    assert exact(design, tmp_path, samples=200)


@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize("reuse_factor", [2, 3, 6])
def test_image(reuse_factor: int, io_type: IoType, tmp_path: Path) -> None:
    """6 channels; io_stream: lanes for 3, 2 and 1 of them; io_parallel: for 3, 2 and 1 pixels."""
    design = folded(every_form((3, 2, 6), seed=1), io_type, lambda _: reuse_factor)
    assert exact(design, tmp_path)


@pytest.mark.parametrize("reuse_factor", [12, 36])
def test_arrays_with_fewer_lanes_than_channels(reuse_factor: int, tmp_path: Path) -> None:
    design = folded(every_form((3, 2, 6), seed=2), "io_parallel", lambda _: reuse_factor)
    assert exact(design, tmp_path)


@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize("make", [builders.mlp, builders.cnn, builders.activations])
def test_inside_networks(make: Callable[[], Graph], io_type: IoType, tmp_path: Path) -> None:
    """Each layer at the middle one of its own reuse factors."""
    assert exact(folded(make(), io_type, lambda valid: valid[len(valid) // 2]), tmp_path)
