"""Designs for the tests of FINN's graph, and one run of it all against the oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fpgacomp.engines.finn.execute import execute_finn
from fpgacomp.engines.finn.graph import FinnModel, build_finn
from fpgacomp.engines.finn.runtime import finn_version
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.types import IntArray, Ints
from tests.support import builders
from tests.support import stream_designs as sd

__all__ = ["builders", "mismatches", "sd"]

needs_finn = pytest.mark.skipif(finn_version() is None, reason="finn-plus is not installed")


def executed(design: StreamDesign, samples: int = 3) -> dict[str, IntArray]:
    """Every tensor as FINN computes it, on random inputs."""
    return execute_finn(build_finn(design), builders.inputs(design.graph, samples))


def operators(model: FinnModel, kind: str) -> list[Any]:
    """FINN's nodes of a kind (its name without the implementation style), with get_nodeattr."""
    from qonnx.custom_op.registry import getCustomOp

    kinds = (kind, f"{kind}_hls", f"{kind}_rtl")
    return [getCustomOp(node) for node in model.model.graph.node if node.op_type in kinds]


def mismatches(
    design: StreamDesign, samples: int = 3, model: FinnModel | None = None, **given: IntArray
) -> dict[str, int]:
    """Tensor -> integers in which FINN's execution differs from the oracle; every tensor is in."""
    graph = design.graph
    inputs = given or builders.inputs(graph, samples)
    expected = run(graph, inputs)
    found = execute_finn(model or build_finn(design), inputs)
    assert set(found) == set(expected)
    return {name: int(np.count_nonzero(found[name] != expected[name])) for name in expected}


def residual() -> Graph:
    """A block with depthwise convolution, a bypass on another scale, and global pooling."""
    b = builders.GraphBuilder("residual", 3)
    x = b.input("x", (6, 6, 4), 0, 15)
    ring = ((1, 1), (1, 1))
    stem = b.requantize("stem_q", b.conv("stem", x, 6, (3, 3), pads=ring), 0, 15)
    depthwise = b.conv("depthwise", stem, 6, (3, 3), pads=ring, groups=6)
    inner = b.thresholds("depthwise_q", depthwise, 15)
    point = b.conv("point", inner, 6, (1, 1))
    both = b.add_two("sum", b.requantize("point_q", point, -8, 7), stem, per_channel=True)
    pooled = b.sumpool("pool", b.requantize("sum_q", both, 0, 15), (6, 6))
    flat = b.reshape("flat", pooled, (6,))
    return b.graph(b.dense("head", flat, 5))


def joined() -> Graph:
    """Two resolutions joined along the channels, as in a U-Net."""
    b = builders.GraphBuilder("joined", 4)
    x = b.input("x", (6, 4, 3), -8, 7)
    ring = ((1, 1), (1, 1))
    wide = b.thresholds("wide_q", b.conv("wide", x, 4, (3, 3), pads=ring), 7)
    low = b.conv("low", b.maxpool("down", wide, (2, 2)), 6, (3, 3), pads=ring)
    up = b.upsample("up", b.requantize("low_q", low, -4, 3), (2, 2))
    both = b.concat("both", up, wide)
    return b.graph(b.conv("head", both, 3, (1, 1)))


def falling() -> Graph:
    """Falling activations behind a matrix and behind a sum, bipolar tensors, popcounts."""
    b = builders.GraphBuilder("falling", 5)
    x = b.input("x", (12,), -7, 7)
    step = np.array([1, -1, 1, -1, 1, -1])
    down = b.thresholds("down", b.dense("fc1", x, 6), 3, base=np.where(step > 0, 0, 3), step=step)
    signs = b.thresholds("signs", b.dense("fc2", down, 8), 1, base=-1, step=2)
    ones = b.dense("ones", signs, 8, -1, 1)
    ones = _bipolar_weights(b, ones)
    flips = np.array([2, -2] * 4)
    again = b.thresholds("again", ones, 1, base=-flips // 2, step=flips)
    both = b.add_two("sum", b.dense("fc3", again, 4), b.dense("fc4", again, 4))
    turned = b.requantize("turned", both, 0, 7, negative=True)
    return b.graph(b.dense("fc5", turned, 3))


def _bipolar_weights(b: Any, made: Any) -> Any:
    """Make the last layer's weights all -1 and +1."""
    layer = b.layers.pop()
    weight = Ints(np.where(layer.weight.array > 0, 1, -1))
    return b.add(replace(layer, weight=weight))
