"""Random graphs under random legal foldings: the emitted C++ equals the oracle everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.errors import Problems, UnsupportedLayer
from fpgacomp.frontend import read_network
from fpgacomp.ir.graph import Graph
from fpgacomp.lower import lower
from tests.engines.hls4ml.csim.test_random import RandomGraph
from tests.support import stream_designs as sd
from tests.support.depth import draws
from tests.support.random_networks import random_network

pytestmark = pytest.mark.slow
BATCH = 6  # graphs a compilation


def lowered(first_seed: int) -> Iterator[Graph]:
    """Integer graphs of random canonical networks, but of those that lowering refuses."""
    for seed in count(first_seed):
        network = random_network(np.random.default_rng(seed))
        with suppress(UnsupportedLayer, Problems):
            yield lower(read_network(network)).graph


@pytest.mark.parametrize("batch", range(draws(1, 2)))
def test_random_graphs_over_all_layers(batch: int, tmp_path: Path) -> None:
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    graph = sd.merged(*(RandomGraph(seed).finished() for seed in seeds))
    assert sd.exact(sd.design(graph, batch), tmp_path)


@pytest.mark.parametrize("batch", range(draws(1, 2)))
def test_random_networks(batch: int, tmp_path: Path) -> None:
    graph = sd.merged(*islice(lowered(1000 * batch), BATCH))
    assert sd.exact(sd.design(graph, batch), tmp_path)
